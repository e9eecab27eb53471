import { resolve } from 'node:path'
import { instance, knownOnly, string } from '../base/options.ts'
import { checkStartOptions, type StartOptions } from '../tsunagi.ts'
import { blame, ConfigError } from './config-error.ts'
import { readConfigFile, USUAL_FILES } from './config-file.ts'
import { environmentOptions } from './environment.ts'
import { exists } from './exists.ts'
import { tlsOfOptfile } from './ssl-dist-optfile.ts'
import { readSysConfig } from './sys-config.ts'

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /**
   * The file; one that ends with `.config` is an Erlang `sys.config`. Default: `TSUNAGI_CONFIG`, else the first of `tsunagi.config.js`, `.mjs`, `.ts` and `.json` that is in `cwd`,
   * else none.
   */
  readonly file?: string
  /** Where the file is looked for. Default: the working directory. */
  readonly cwd?: string
  /**
   * A file of options for TLS as `erl -ssl_dist_optfile` takes it, in place of the option `tls`. Default:
   * `TSUNAGI_SSL_DIST_OPTFILE`, else none.
   */
  readonly sslDistOptfile?: string
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What {@link loadConfig} found. */
export interface Config {
  /** For `startNode`. */
  readonly options: StartOptions
  /** The file that was read, with its whole path. */
  readonly file: string | undefined
  /** Options of a file for TLS that have no effect here, with its path; and parameters of a `sys.config` that change what a BEAM node does, and that this one does not follow. */
  readonly ignored: readonly string[]
}

/**
 * Reads the options of a node from a file and from the environment, which counts more. All of it is checked; `startNode`
 * itself reads none of it but the cookie's variable.
 *
 * @throws ConfigError (`ERR_CONFIG`) naming the file or the variable, the option and the value; OptionError
 *
 * @example
 * const { options } = await loadConfig()
 * const node = await startNode(options)
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<Config> {
  instance(options, 'options', 'an object such as { file }', (it) => !Array.isArray(it))
  knownOnly(options, ['file', 'cwd', 'env', 'sslDistOptfile'])
  const { env = process.env, cwd = process.cwd() } = options
  const file = await findFile(cwd, options.file === undefined ? env.TSUNAGI_CONFIG : string(options.file, 'file'))
  const { options: fromFile, ignored } = file === undefined ? { options: {}, ignored: [] } : await readFile(file, cwd)
  const fromEnvironment = environmentOptions(env)
  const renamed = fromEnvironment.name !== undefined || fromEnvironment.sname !== undefined
  const { name: _, sname: __, ...unnamed } = fromFile
  const given = options.sslDistOptfile ?? (env.TSUNAGI_SSL_DIST_OPTFILE || undefined)
  const optfile = given === undefined ? undefined : resolve(cwd, string(given, 'sslDistOptfile'))
  const secured = optfile === undefined ? undefined : await tlsOfOptfile(optfile)
  return {
    options: { ...(renamed ? unnamed : fromFile), ...fromEnvironment, ...(secured && { tls: secured.tls }) },
    file,
    ignored: [...ignored, ...(secured?.ignored ?? []).map((option) => `${optfile}: ${option}`)],
  }
}

async function readFile(file: string, cwd: string): Promise<{ options: StartOptions; ignored: string[] }> {
  const read = file.endsWith('.config')
    ? await readSysConfig(file, cwd)
    : { options: await readConfigFile(file), ignored: [] }
  blame(file, () => checkStartOptions(read.options))
  return read
}

async function findFile(cwd: string, given: string | undefined): Promise<string | undefined> {
  if (given !== undefined && given !== '') {
    const file = resolve(cwd, given)
    if (await exists(file)) return file
    throw new ConfigError(file, 'there is no such file')
  }
  for (const name of USUAL_FILES) {
    const file = resolve(cwd, name)
    if (await exists(file)) return file
  }
  return undefined
}
