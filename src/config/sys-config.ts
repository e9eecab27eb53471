import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { isTuple, ParseError, parseAll, type Term } from '../term/index.ts'
import type { StartOptions } from '../tsunagi.ts'
import { ConfigError } from './config-error.ts'
import { exists } from './exists.ts'
import { kernelOptions } from './kernel.ts'
import { libclusterTopologies } from './libcluster.ts'
import { mayBeSecret } from './secrets.ts'
import { Setting, textOf } from './setting.ts'

type Applications = Map<string, Map<string, Setting>>

interface Where {
  readonly cwd: string
  /** How many files include this one, one in the other. */
  readonly depth: number
}

/** Files that include each other, one in the other. */
const MAX_DEPTH = 10

/**
 * Reads an Erlang `sys.config`: what it says of distribution under `kernel`, and libcluster's topologies. It makes a visible
 * node: a BEAM node that waits for others (`sync_nodes_mandatory`) counts no hidden one. Other applications' parameters are
 * theirs.
 *
 * @returns unchecked options, and the keys that change what a BEAM node does and that this one does not follow
 * @throws ConfigError
 */
export async function readSysConfig(path: string, cwd: string): Promise<{ options: StartOptions; ignored: string[] }> {
  const applications: Applications = new Map()
  await readInto(applications, path, { cwd, depth: 0 })
  const { options, ignored } = kernelOptions(applications.get('kernel') ?? new Map())
  const topologies = applications.get('libcluster')?.get('topologies')
  const found = topologies === undefined ? {} : { topologies: libclusterTopologies(topologies) }
  return { options: { visible: true, ...options, ...found }, ignored }
}

/** Later values of a key replace earlier ones, as OTP has it. */
async function readInto(applications: Applications, path: string, where: Where): Promise<void> {
  const { cwd, depth } = where
  if (depth > MAX_DEPTH) throw new ConfigError(path, 'files include each other too deep')
  const whole = new Setting(path, '', await readTerm(path, '[{kernel, […]}]'))
  for (const entry of whole.list('a list, [{Application, Parameters}].')) {
    const included = textOf(entry)
    if (included !== undefined) {
      await readInto(applications, await placeOf(included, dirname(path), cwd), { cwd, depth: depth + 1 })
      continue
    }
    if (!isTuple(entry) || entry.length !== 2)
      throw new Setting(path, 'an entry', entry).wrong('{Application, Parameters}')
    const [[application, parameters] = []] = new Setting(path, '', [entry]).properties()
    if (application === undefined || parameters === undefined) continue
    const known = applications.get(application) ?? new Map<string, Setting>()
    // What is another application's need not be understood.
    if (application !== 'kernel' && application !== 'libcluster') continue
    for (const [key, setting] of parameters.properties()) known.set(key, setting)
    applications.set(application, known)
  }
}

/** Beside the file that includes it, else in the working directory. Source: OTP's `application_controller`. */
async function placeOf(included: string, beside: string, cwd: string): Promise<string> {
  const name = extname(included) === '.config' ? included : `${included}.config`
  const file = resolve(beside, name)
  return (await exists(file)) ? file : resolve(cwd, name)
}

/** Reads the one term of a file. `like` shows what it looks like. */
export async function readTerm(path: string, like: string): Promise<Term> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(path, (cause as Error).message, { cause })
  }
  try {
    const terms = parseAll(text)
    if (terms.length === 1) return terms[0] as Term
    throw new ConfigError(path, `expected one list, ${like}. with its dot, found ${terms.length} terms`)
  } catch (cause) {
    if (!(cause instanceof ParseError)) throw cause
    const { offset, line, column } = cause
    if (!mayBeSecret(text, offset)) throw new ConfigError(path, cause.message, { cause })
    const place = `line ${line}, column ${column}`
    throw new ConfigError(path, `it cannot be read from ${place} on, which is not shown: there may be a secret`)
  }
}
