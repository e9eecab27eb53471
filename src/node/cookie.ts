import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { TsunagiError } from '../base/errors.ts'
import { checkCookie } from './node-options.ts'

/** Where a node's cookie came from. */
export interface Cookie {
  readonly value: string
  readonly source: 'option' | 'environment' | 'file' | 'random'
}

/** The cookies of a node: its own, and those of single peers. */
export class Cookies {
  /** Where the node's own came from at its start. */
  readonly source: Cookie['source']
  readonly #node: string
  readonly #peers: Map<string, string>
  #own: string

  constructor(node: string, own: Cookie, peers: ReadonlyMap<string, string>) {
    this.source = own.source
    this.#node = node
    this.#own = own.value
    this.#peers = new Map(peers)
  }

  get own(): string {
    return this.#own
  }

  /** What a peer must know, and is asked for. */
  for(peer: string): string {
    return this.#peers.get(peer) ?? this.#own
  }

  /** From now on; links that are up stay. The node's own name sets its own, as `erlang:set_cookie/2`. */
  set(node: string, cookie: string): void {
    if (node === this.#node) this.#own = cookie
    else this.#peers.set(node, cookie)
  }
}

/**
 * The cookie of a node: the option, else `TSUNAGI_COOKIE`, else the cookie file, else a random one.
 *
 * @throws OptionError for an unusable `TSUNAGI_COOKIE`
 * @throws TsunagiError `ERR_COOKIE_FILE` when the file is there but cannot be used
 */
export async function findCookie(option: string | undefined): Promise<Cookie> {
  if (option !== undefined) return { value: option, source: 'option' }
  const environment = process.env.TSUNAGI_COOKIE
  if (environment !== undefined && environment !== '') {
    return { value: checkCookie(environment, 'TSUNAGI_COOKIE'), source: 'environment' }
  }
  for (const path of cookieFiles()) {
    const value = await readCookieFile(path)
    if (value !== undefined) return { value, source: 'file' }
  }
  return { value: randomCookie(), source: 'random' }
}

/** 39 random bytes, url-safe, as Livebook's and KantanCluster's. */
export function randomCookie(): string {
  return `c_${randomBytes(39).toString('base64url')}`
}

/** `~/.erlang.cookie`, then `$XDG_CONFIG_HOME/erlang/.erlang.cookie`, where OTP's `auth` looks. */
export function cookieFiles(): string[] {
  const home = process.env.HOME || homedir()
  const config = process.env.XDG_CONFIG_HOME || join(home, '.config')
  return [join(home, '.erlang.cookie'), join(config, 'erlang', '.erlang.cookie')]
}

/** The digest is made of the file's bytes, so that it is read as ISO 8859-1. */
async function readCookieFile(path: string): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(path, 'latin1')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'ENOTDIR') {
      return undefined
    }
    throw new TsunagiError('ERR_COOKIE_FILE', `the cookie file ${path} cannot be read`, { cause })
  }
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const reason = 'may be read by others; Erlang refuses such a file: chmod 400 it'
    throw new TsunagiError('ERR_COOKIE_FILE', `the cookie file ${path} ${reason}`)
  }
  const cookie = text.split(/[\r\n]/)[0]?.trim() ?? ''
  if (cookie === '') throw new TsunagiError('ERR_COOKIE_FILE', `the cookie file ${path} is empty`)
  try {
    return checkCookie(cookie, 'cookie')
  } catch (cause) {
    throw new TsunagiError('ERR_COOKIE_FILE', `the cookie file ${path} holds no usable cookie`, { cause })
  }
}
