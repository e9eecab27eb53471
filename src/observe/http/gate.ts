import { type Refusal, refusal } from './answers.ts'
import type { Attempts } from './attempts.ts'
import { bearerOf, type Credentials } from './credentials.ts'
import type { ResolvedAccess } from './dashboard-options.ts'
import { hostOf, isOurHost } from './host-check.ts'
import { askAgain, loginPage } from './login.ts'
import { isForeign } from './origin-check.ts'
import type { Refusals } from './refusals.ts'

/** What the gate looks at of a request. */
export interface Visit {
  readonly method: string
  /** Below the dashboard's own, as `/api/nodes`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly header: (name: string) => string | null
  /** Host and port it was asked for by. */
  readonly host: string
  readonly secure: boolean
  /** Where it comes from; `unknown` where that cannot be told. */
  readonly address: string
  /** The address it came to; undefined where that cannot be told. */
  readonly localAddress: string | undefined
}

/** Lets requests pass, or answers them itself. */
export class Gate {
  readonly #access: ResolvedAccess
  readonly #credentials: Credentials | undefined
  readonly #attempts: Attempts
  readonly #refusals: Refusals

  constructor(access: ResolvedAccess, credentials: Credentials | undefined, attempts: Attempts, refusals: Refusals) {
    this.#access = access
    this.#credentials = credentials
    this.#attempts = attempts
    this.#refusals = refusals
  }

  /** Whether there is a token to be asked for. */
  get asks(): boolean {
    return this.#credentials !== undefined
  }

  /** Undefined: it may pass. */
  check(visit: Visit): Response | undefined {
    const { header, path } = visit
    // Whoever has the token in a header is no page that was tricked into asking.
    const bearer = bearerOf(header('authorization'))
    if (this.#credentials !== undefined && bearer !== undefined) return this.#byToken(visit, bearer)

    const barred = this.checkOrigin(visit)
    if (barred !== undefined) return barred
    if (this.#credentials === undefined || this.#credentials.isSession(header('cookie'))) return undefined
    const given = path === '/' && visit.method === 'GET' ? visit.query.get('token') : null
    if (given !== null) return this.enter(visit, given)
    if (path !== '/') {
      this.#refusals.count('unauthorized')
      return unauthorized()
    }
    // By a link on somebody else's page: the cookie may be there, and was left out.
    if (header('sec-fetch-site') === 'cross-site') return askAgain()
    return loginPage('none')
  }

  /** Whether it was meant for us, and no page of somebody else's is behind it; undefined: so it is. */
  checkOrigin(visit: Visit): Response | undefined {
    const { header, host, localAddress } = visit
    const asked = hostOf(host)
    if (asked === undefined || !isOurHost(asked, localAddress, this.#access.allowedHosts)) {
      const text = 'this dashboard is not known by that host name; the option allowedHosts can add it'
      return this.#refuse('unknown_host', visit, `Host: ${host}`, text)
    }
    if (isForeign(visit)) {
      const detail = `Origin: ${header('origin')}, Sec-Fetch-Site: ${header('sec-fetch-site')}`
      return this.#refuse('foreign_origin', visit, detail, 'requests of other pages are not answered')
    }
    return undefined
  }

  /** The answer to who brings a token to the page: a cookie, and on to the address without it. */
  enter(visit: Visit, given: string): Response {
    const wait = this.#attempts.wait(visit.address)
    if (wait > 0) {
      this.#refusals.count('too_many_attempts')
      return loginPage('wait', retryAfter(wait))
    }
    if (this.#credentials?.isToken(given) !== true) {
      this.#attempts.wrong(visit.address)
      this.#refusals.count('unauthorized')
      return loginPage('wrong')
    }
    return new Response(null, {
      status: 303,
      headers: {
        location: './',
        'set-cookie': this.#credentials.cookie(visit.secure),
        'cache-control': 'no-store',
      },
    })
  }

  #byToken(visit: Visit, bearer: string): Response | undefined {
    const wait = this.#attempts.wait(visit.address)
    if (wait > 0) {
      this.#refusals.count('too_many_attempts')
      return refusal('too_many_attempts', 'too many wrong tokens; wait a minute', retryAfter(wait))
    }
    if (this.#credentials?.isToken(bearer) === true) return undefined
    this.#attempts.wrong(visit.address)
    this.#refusals.count('unauthorized')
    return unauthorized()
  }

  #refuse(kind: Refusal, visit: Visit, detail: string, message: string): Response {
    this.#refusals.add(kind, visit.address, detail)
    return refusal(kind, message)
  }
}

function unauthorized(): Response {
  const text = 'this needs the token of the dashboard: Authorization: Bearer …'
  return refusal('unauthorized', text, { 'www-authenticate': 'Bearer' })
}

function retryAfter(ms: number): Record<string, string> {
  return { 'retry-after': `${Math.ceil(ms / 1000)}` }
}
