import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ConnectError } from './connect-error.ts'

/** Milliseconds after which the same failure is worth a line again. */
const QUIET = 600_000
/** Failures remembered at once. */
const CAPACITY = 1024

interface Entry {
  readonly since: number
  repeats: number
}

/**
 * Logs why connects failed without letting anybody fill the log: the first failure of a kind from an address is a
 * warning, its like within ten minutes go to `debug`. So does everything from new addresses once 1,024 are remembered, so
 * that ten minutes never see more warnings than that.
 */
export class FailureLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  failed(error: ConnectError, address: string | undefined): void {
    const data = { code: error.code, node: error.node, address, error }
    const sentence = `connection from ${address ?? 'a peer'} failed: ${error.reason}`
    if (isHarmless(error)) return this.#logger.debug(data, sentence)
    this.#note(`${address} ${error.code}`, data, sentence)
  }

  /** So many failed from this address that no more are taken for now. */
  tooMany(address: string): void {
    const text = `too many connections from ${address} failed: more are closed at once`
    this.#note(`${address} too many`, { address }, text)
  }

  /** A connect from this address has succeeded: its next failure is news again. */
  succeeded(address: string | undefined): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${address} `)) this.#entries.delete(key)
  }

  #note(key: string, data: object, sentence: string): void {
    this.#forgetOld()
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.repeats++
      this.#logger.debug({ ...data, repeats: entry.repeats }, sentence)
    } else if (this.#entries.size >= CAPACITY) {
      this.#logger.debug(data, sentence)
    } else {
      this.#entries.set(key, { since: this.#clock.now(), repeats: 0 })
      this.#logger.warn(data, sentence)
    }
  }

  /** Entries are in the order of their time. */
  #forgetOld(): void {
    const before = this.#clock.now() - QUIET
    for (const [key, { since }] of this.#entries) {
      if (since > before) return
      this.#entries.delete(key)
    }
  }
}

/** Port scans and health checks say nothing; of two simultaneous connects one always gives way. */
export function isHarmless(error: ConnectError): boolean {
  if (error.code === 'ERR_CONNECT_CLOSED') return error.node === undefined
  return error.code === 'ERR_CONNECT_SIMULTANEOUS' || error.code === 'ERR_CONNECT_ALREADY_CONNECTED'
}
