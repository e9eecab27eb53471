import type { Clock, Timer } from '../base/clock.ts'
import { defaultLimits } from '../base/limits.ts'
import type { Carrier } from './carrier.ts'
import { advanceHandshake, startHandshake } from './handshake.ts'
import type {
  HandshakeAction,
  HandshakeConfig,
  HandshakeEvent,
  HandshakeResult,
  HandshakeState,
  Step,
} from './handshake-state.ts'

/** A connection whose handshake is complete: everything a link needs to start. */
export interface Established extends HandshakeResult {
  /** Paused; `open` takes it over. */
  readonly carrier: Carrier
  /** Bytes that came after the handshake, already the link's. Often empty. */
  readonly leftover: Uint8Array
}

/** Options of a {@link Setup}. */
export interface SetupOptions {
  /** Not yet opened. It is the setup's until `result` settles, and closed when that rejects. */
  readonly carrier: Carrier
  readonly handshake: HandshakeConfig
  readonly clock: Clock
  /**
   * Milliseconds the peer has for each of its messages (OTP's `net_setuptime`). As there are at most four of them, the
   * whole takes at most four times as long, however slowly the peer trickles. Default 7000.
   */
  readonly timeout?: number
  /** Longest message accepted. Default {@link defaultLimits}. */
  readonly handshakeBytes?: number
  /** Gives up; `result` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called when the peer has proven its cookie and is about to replace a link we have: end that link now. */
  readonly onReplace?: (peerName: string) => void
}

const NOTHING = new Uint8Array(0)

/** Runs one handshake over a carrier: cuts its bytes into messages, keeps its time, carries out its actions. */
export class Setup {
  /** Rejects with a {@link ConnectError}, or with the reason of an abort. The carrier is closed then. */
  readonly result: Promise<Established>
  readonly #options: SetupOptions
  readonly #handshake: HandshakeConfig
  readonly #timeout: number
  readonly #limit: number
  #state: HandshakeState
  #timer: Timer | undefined
  #pending: Uint8Array = NOTHING
  #over = false
  #resolve!: (established: Established) => void
  #reject!: (reason: unknown) => void

  constructor(options: SetupOptions) {
    this.#options = options
    this.#timeout = options.timeout ?? 7000
    this.#limit = options.handshakeBytes ?? defaultLimits.handshakeBytes
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { carrier, signal } = options
    this.#handshake = { refuses: (peerName) => carrier.refuses?.(peerName), ...options.handshake }
    this.#state = { phase: 'over' }
    if (signal?.aborted) {
      this.#fail(signal.reason)
      return
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    carrier.open({
      data: (chunk) => this.#data(chunk),
      drain: () => {},
      closed: (error) => this.#event({ on: 'closed', error }),
    })
    this.#take(startHandshake(this.#handshake))
  }

  /** Gives up: `result` rejects with `reason`, the carrier is destroyed. */
  abort(reason: unknown): void {
    if (!this.#over) this.#fail(reason, true)
  }

  readonly #onAbort = (): void => this.abort(this.#options.signal?.reason)

  #data(chunk: Uint8Array): void {
    if (this.#over) return
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const { prefixBytes } = this.#options.carrier
    while (!this.#over && this.#pending.length >= prefixBytes) {
      const bytes = Buffer.from(this.#pending.buffer, this.#pending.byteOffset).readUIntBE(0, prefixBytes)
      if (bytes > this.#limit) {
        this.#event({ on: 'too-long', bytes, limit: this.#limit, hint: whatElse(this.#pending) })
        return
      }
      const end = prefixBytes + bytes
      if (this.#pending.length < end) return
      const message = this.#pending.subarray(prefixBytes, end)
      this.#pending = this.#pending.subarray(end)
      this.#event({ on: 'message', message })
    }
  }

  #event(event: HandshakeEvent): void {
    if (!this.#over) this.#take(advanceHandshake(this.#handshake, this.#state, event))
  }

  #take({ state, actions }: Step): void {
    this.#state = state
    for (const action of actions) this.#act(action)
  }

  #act(action: HandshakeAction): void {
    switch (action.do) {
      case 'send':
        this.#options.carrier.write(framed(action.message, this.#options.carrier.prefixBytes))
        return
      case 'restart-timer':
        this.#timer?.cancel()
        this.#timer = this.#options.clock.after(this.#timeout, () => this.#event({ on: 'timeout', ms: this.#timeout }))
        return
      case 'replace':
        this.#options.onReplace?.(action.peerName)
        return
      case 'done':
        this.#end()
        this.#options.carrier.pause()
        this.#resolve({ ...action.result, carrier: this.#options.carrier, leftover: this.#pending })
        return
      case 'fail':
        this.#fail(action.error)
        return
    }
  }

  /** `atOnce` loses what is queued; without it the peer still learns its status. */
  #fail(reason: unknown, atOnce = false): void {
    this.#end()
    if (atOnce) this.#options.carrier.destroy()
    else this.#options.carrier.close()
    this.#reject(reason)
  }

  #end(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** Puts the length in front; message and length leave in one packet. */
function framed(message: Uint8Array, prefixBytes: 2 | 4): Uint8Array {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length)
  frame.writeUIntBE(message.length, 0, prefixBytes)
  frame.set(message, prefixBytes)
  return frame
}

/** What usually is at the other end when the length makes no sense. */
function whatElse(start: Uint8Array): string | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 8)).toString('latin1')
  if (/^(GET |HEAD|POST|PUT |OPTI|HTTP|DELE|PRI )/.test(text)) return 'it speaks HTTP'
  // A TLS record: handshake or alert, version 3.x.
  if ((start[0] === 0x15 || start[0] === 0x16) && start[1] === 3)
    return 'it speaks TLS, and this node expects a plain connection'
  if (text.startsWith('SSH-')) return 'it speaks SSH'
  return undefined
}
