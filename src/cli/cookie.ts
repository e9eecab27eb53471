import { randomBytes, randomInt } from 'node:crypto'
import { link, mkdir, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TsunagiError } from '../base/errors.ts'
import { type Cookie, cookieFiles, findCookie } from '../node/cookie.ts'
import { checkCookie } from '../node/node-options.ts'

/** A cookie, and where it came from in words. */
export interface CommandCookie {
  readonly value: string
  readonly source: Cookie['source'] | 'created'
  readonly from: string
}

/**
 * The cookie of a command: `--cookie`, else `TSUNAGI_COOKIE`, else the cookie file, which is created where there is none,
 * as `erl` does.
 *
 * @throws OptionError for an unusable one
 * @throws TsunagiError `ERR_COOKIE_FILE`
 */
export async function commandCookie(option: string | undefined): Promise<CommandCookie> {
  if (option !== undefined) return { value: checkCookie(option, '--cookie'), source: 'option', from: '--cookie' }
  const found = await findCookie(undefined)
  if (found.source === 'environment') return { ...found, from: 'TSUNAGI_COOKIE' }
  if (found.source === 'file') return { ...found, from: 'the cookie file' }
  const [path] = cookieFiles() as [string]
  await createCookieFile(path)
  // Another one may have created it first.
  return { ...(await findCookie(undefined)), source: 'created', from: `${path}, which was created` }
}

/** Writes a random cookie to a file only its owner can read. A file that is there already stays as it is. */
async function createCookieFile(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const value = Array.from({ length: 20 }, () => String.fromCharCode(65 + randomInt(26))).join('')
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(draft, value, { mode: 0o400, flag: 'wx' })
    // Whoever looks finds no file or the whole cookie, never an empty file.
    await link(draft, path).finally(() => unlink(draft))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    const reason = `there is no cookie, and ${path} cannot be created: give one with --cookie or TSUNAGI_COOKIE`
    throw new TsunagiError('ERR_COOKIE_FILE', reason, { cause })
  }
}
