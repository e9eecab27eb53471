import type { Clock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { FailureBudget } from '../base/failure-budget.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import type { Carrier } from './carrier.ts'
import { ConnectError } from './connect-error.ts'
import { FailureLog, isHarmless } from './failure-log.ts'
import type { AcceptConfig } from './handshake-state.ts'
import { type Established, Setup } from './setup.ts'

/** A connect from outside that did not come about. */
export interface FailedAccept {
  readonly error: ConnectError
  readonly address: string | undefined
  /** Nothing to worry about, as port scans and simultaneous connects are; not counted. */
  readonly harmless: boolean
}

/** Options of a {@link Listener}. */
export interface ListenerOptions {
  readonly handshake: AcceptConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds; see `Setup`. Default 7000. */
  readonly setupTimeout?: number
  /** Default {@link defaultLimits}. */
  readonly limits?: Pick<Limits, 'handshakeBytes' | 'pendingHandshakes' | 'failedHandshakes'>
  /** Takes a connection over; it must open the carrier or destroy it. */
  readonly onEstablished: (established: Established) => void
  /** See `SetupOptions.onReplace`. */
  readonly onReplace?: (peerName: string) => void
  /** Told of every failure, also of those that are not logged. */
  readonly onFailed?: (failed: FailedAccept) => void
}

/** What became of those who connected to a node. */
export interface AcceptCounts {
  /** Handshakes that made a link. */
  readonly established: number
  /** Handshakes that failed, by the code of the error. */
  readonly failed: Readonly<Record<string, number>>
  /** Connections that were closed at once, since too many from their address had failed. */
  readonly refused: number
}

const MINUTE = 60_000

/**
 * Takes carriers in, whatever listens for them, and hands on those whose handshake succeeds.
 *
 * At most `limits.pendingHandshakes` are under way; one more ends the oldest. An honest handshake takes a few round trips,
 * so that a flood must bring the whole limit within that time to end one, whereas refusing the newcomers would let as many
 * silent connections shut the node off. For the same reason it makes no difference what a peer has said so far.
 *
 * An address from which `limits.failedHandshakes` failed within a minute is not listened to until it may fail again: so slowly
 * does a cookie want to be guessed. Others at the same address get through between those that fail.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #limit: number
  readonly #log: FailureLog
  readonly #budget: FailureBudget
  readonly #failures = new Map<string, number>()
  #established = 0
  #refused = 0
  /** In the order of their coming. */
  readonly #setups = new Set<Setup>()
  #isClosed = false

  constructor(options: ListenerOptions) {
    this.#options = options
    const { failedHandshakes, pendingHandshakes } = options.limits ?? defaultLimits
    this.#limit = pendingHandshakes
    this.#budget = new FailureBudget({ clock: options.clock, most: failedHandshakes, per: MINUTE })
    this.#log = new FailureLog(options.logger, options.clock)
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#setups.size
  }

  get counts(): AcceptCounts {
    return { established: this.#established, failed: Object.fromEntries(this.#failures), refused: this.#refused }
  }

  /** Whether a connection from there would be listened to; one that would not is counted. For what makes carriers of them. */
  admits(address: string): boolean {
    return !this.#isClosed && !this.#refuses(address)
  }

  /** Starts the handshake on a carrier that was just accepted. */
  accept(carrier: Carrier): void {
    if (this.#isClosed || this.#refuses(carrier.remoteAddress)) {
      carrier.destroy()
      return
    }
    if (this.#setups.size >= this.#limit) this.#evict()
    const { handshake, clock, setupTimeout, limits, onReplace } = this.#options
    const setup = new Setup({
      carrier,
      handshake,
      clock,
      ...(setupTimeout === undefined ? {} : { timeout: setupTimeout }),
      handshakeBytes: (limits ?? defaultLimits).handshakeBytes,
      ...(onReplace === undefined ? {} : { onReplace }),
    })
    this.#setups.add(setup)
    setup.result.then(
      (established) => this.#succeeded(setup, established),
      (error: unknown) => this.#failed(setup, error, carrier.remoteAddress),
    )
  }

  #refuses(address: string | undefined): boolean {
    if (address === undefined || this.#budget.wait(address) === 0) return false
    this.#refused++
    return true
  }

  #evict(): void {
    const [oldest] = this.#setups
    if (oldest === undefined) return
    const reason = `its handshake was the oldest of ${this.#limit} under way and was ended to make room`
    // At once, so that the count holds however many come within one turn.
    this.#setups.delete(oldest)
    oldest.abort(new ConnectError('ERR_CONNECT_TIMEOUT', undefined, reason))
  }

  #succeeded(setup: Setup, established: Established): void {
    this.#setups.delete(setup)
    if (this.#isClosed) {
      established.carrier.destroy()
      return
    }
    this.#established++
    const { remoteAddress } = established.carrier
    this.#log.succeeded(remoteAddress)
    if (remoteAddress !== undefined) this.#budget.prove(remoteAddress)
    this.#options.onEstablished(established)
  }

  #failed(setup: Setup, error: unknown, address: string | undefined): void {
    this.#setups.delete(setup)
    if (!(error instanceof ConnectError)) return
    this.#log.failed(error, address)
    const harmless = isHarmless(error)
    if (!harmless) this.#count(error, address)
    this.#options.onFailed?.({ error, address, harmless })
  }

  #count(error: ConnectError, address: string | undefined): void {
    this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1)
    if (address === undefined || !isBlamed(error)) return
    if (this.#budget.charge(address) === 0) this.#log.tooMany(address)
  }

  /** Ends the handshakes under way and takes no more. Idempotent. What listens for carriers is its owner's to close. */
  close(): void {
    this.#isClosed = true
    for (const setup of this.#setups) setup.abort(new TsunagiError('ERR_CLOSED', 'the node is closed'))
    this.#setups.clear()
  }
}

/** Whether whoever connected did something wrong, as one who was slow or went away did not. */
function isBlamed({ code }: ConnectError): boolean {
  return code !== 'ERR_CONNECT_TIMEOUT' && code !== 'ERR_CONNECT_CLOSED'
}
