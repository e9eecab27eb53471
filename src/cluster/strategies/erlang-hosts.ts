import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import { instance, knownOnly, string } from '../../base/options.ts'
import { isAtom, parseAll, print } from '../../term/index.ts'
import type { PullStrategy } from '../strategy.ts'
import { type EpmdHost, EpmdHosts } from './epmd-hosts.ts'

/** Options of {@link erlangHosts}. */
export interface ErlangHostsOptions {
  /** The file. Default: `.hosts.erlang` in the working directory, the home directory, or `ROOTDIR`, where OTP's root is. */
  readonly file?: string
}

const FILE = '.hosts.erlang'
/** More than any list of hosts that people write. */
const MAX_BYTES = 1024 * 1024

/**
 * All nodes on the hosts that `.hosts.erlang` names, as `net_adm:world/0` finds them: `'altair.example.com'.` on each line.
 * The first of the files that exists counts. It is read anew each time; libcluster's `ErlangHosts` reads it once.
 *
 * @throws OptionError
 */
export function erlangHosts(options: ErlangHostsOptions = {}): PullStrategy {
  instance(options, 'options', 'an object such as { file: "/etc/hosts.erlang" }', (it) => !Array.isArray(it))
  knownOnly(options, ['file'])
  const file = options.file === undefined ? undefined : string(options.file, 'file')
  const all = new EpmdHosts()
  return {
    name: 'erlangHosts',
    async discover(context) {
      const files = file === undefined ? usualFiles() : [file]
      return await all.find(context, readHosts(...(await readFirst(files, context.signal))))
    },
  }
}

/** Where `net_adm:host_file/0` looks. `erl` tells its children its root by the variable. */
function usualFiles(): string[] {
  const root = process.env.ROOTDIR
  return ['.', homedir(), ...(root === undefined || root === '' ? [] : [root])].map((folder) => join(folder, FILE))
}

/** The text and the path of the first that exists. Of one that cannot be read no other takes the place. */
async function readFirst(files: readonly string[], signal: AbortSignal): Promise<[text: string, file: string]> {
  for (const file of files) {
    try {
      return [await readFile(file, { encoding: 'utf8', signal }), file]
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    }
  }
  throw new TsunagiError('ERR_DISCOVERY', `there is no ${files.join(', ')}`)
}

function readHosts(text: string, file: string): EpmdHost[] {
  if (text.length > MAX_BYTES) throw new TsunagiError('ERR_LIMIT', `${file} is longer than ${MAX_BYTES} characters`)
  const terms = parseAll(text)
  if (terms.length === 0) throw new OptionError(file, undefined, '', `${file} names no host`)
  return terms.map((term) => {
    const host = isAtom(term) ? term.name : undefined
    if (host !== undefined && !/[\s@]/.test(host) && host !== '') return { host, port: undefined }
    throw new OptionError(
      file,
      undefined,
      '',
      `${file}: expected host names such as 'altair.example.com'. and not ${print(term)}.`,
    )
  })
}
