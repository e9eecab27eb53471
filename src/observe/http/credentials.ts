import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * The token, and the cookie a browser gets for it. The cookie's value is random and as old as this object, so that it tells
 * nothing of the token and nothing can be found out by it.
 */
export class Credentials {
  readonly cookieName: string
  readonly #token: Buffer
  readonly #session = randomBytes(32).toString('base64url')

  /** @param id tells dashboards on one host apart, since cookies do not heed ports */
  constructor(token: string, id: string) {
    this.#token = digest(token)
    this.cookieName = `tsunagi_${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
  }

  isToken(text: string): boolean {
    return timingSafeEqual(digest(text), this.#token)
  }

  /** @param header the request's `Cookie` */
  isSession(header: string | null): boolean {
    const own = digest(this.#session)
    let found = false
    for (const pair of (header ?? '').split(';')) {
      const at = pair.indexOf('=')
      if (at === -1 || pair.slice(0, at).trim() !== this.cookieName) continue
      if (timingSafeEqual(digest(pair.slice(at + 1).trim()), own)) found = true
    }
    return found
  }

  /** For `Set-Cookie`. Without a path it belongs to the directory the browser asked for, whatever proxies made of it. */
  cookie(secure: boolean): string {
    return `${this.cookieName}=${this.#session}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  }
}

/** Equal in length, as a comparison in constant time needs it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token of an `Authorization` header, by the scheme Bearer. */
export function bearerOf(header: string | null): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
}
