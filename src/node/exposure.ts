import type { Logger } from '../base/logger.ts'
import { isLoopbackHost } from '../base/node-name.ts'

/** What others can reach of a node. */
export interface Exposure {
  readonly listening: { readonly host: string; readonly port: number } | undefined
  /** Whether its links are encrypted. */
  readonly tls: boolean
  /** Every cookie that opens it. */
  readonly cookies: Iterable<string>
}

/** The shortest cookie that is not worth a guess, if it is random: 16 letters have 75 bits. Erlang makes 20. */
const SHORT = 16
/** What is in every list of words to try. */
const WORDS =
  /changeme|chocolate|cluster|cookie|default|elixir|erlang|kubernetes|monster|node|passw(?:or)?d|phoenix|production|secret|super|tsunagi/g

/**
 * Warns once, at a node's start, of what is open to others than this machine: links in clear text, and a cookie that can be
 * guessed. On loopback both are in order.
 */
export function warnOfExposure(logger: Logger, { listening, tls, cookies }: Exposure): void {
  if (listening === undefined || isLoopbackHost(listening.host)) return
  const where = `${listening.host} port ${listening.port}`
  if (!tls) {
    const text = `listens on ${where} without TLS: who can see the traffic can read and change it. Keep it to a network you trust, or use tls`
    logger.warn({ ...listening }, text)
  }
  for (const cookie of cookies) {
    if (!isWeak(cookie)) continue
    const text = `listens on ${where} with a cookie that can be guessed: use a random one of ${SHORT} characters or more`
    return logger.warn({ ...listening }, text)
  }
}

/** Whether a cookie is short, apart from words that everybody tries, or of few different characters. */
export function isWeak(cookie: string): boolean {
  return cookie.toLowerCase().replace(WORDS, '').length < SHORT || new Set(cookie).size < 6
}
