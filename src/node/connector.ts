import { Backoff } from '../base/backoff.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import { type Atom, atom } from '../term/index.ts'
import type { Dialled } from './dial.ts'

/** What a connector needs of its node. */
export interface ConnectorHost {
  readonly clock: Clock
  /** Signals held for one peer while it is dialled. */
  readonly dialQueue: number
  /** Milliseconds to wait for a peer that dials us, when its dial won over ours. */
  readonly patience: number
  /** Dials, within the node's limits, and says `beginDial` when it does. `learned`: for no better reason than that somebody reported the name. */
  dial(connector: Connector, signal: AbortSignal, learned: boolean): Promise<Dialled>
  /** Makes a link of a connection and opens it when the connector has taken it. */
  createLink(dialled: Dialled, connector: Connector): Link
  onUp(connector: Connector, link: Link): void
  onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void
  /** A dial failed; `dropped` signals waited for it. */
  onFailed(connector: Connector, error: ConnectError, dropped: number): void
  /** A signal that had waited could not be sent after all. */
  onUnsent(connector: Connector, error: unknown): void
  /** Nobody needs this connector any more. */
  onIdle(connector: Connector): void
}

/** A signal that waits for a link. */
export type Held = (link: Link) => void

interface Dial {
  readonly abort: AbortController
  /** Somebody waits for it, whether the peer is wanted or not. */
  asked: boolean
  /** It had its turn: the peer may know of it. */
  begun: boolean
  result: Promise<Link>
}

interface Yielded {
  readonly result: Promise<Link>
  readonly settle: (link: Link | ConnectError) => void
}

/** A link that lasted this long, in milliseconds, was sound: when it is lost, the backoff begins anew. */
const SOUND = 1000

/**
 * Everything about the connection to one peer: whether there is a link, who wants one, the dial under way, when the next
 * one is due, and why the last one failed. Topologies, `connectTo` and the mesh register an interest and withdraw it;
 * as long as there is one, a lost link is dialled again, for ever.
 */
export class Connector {
  readonly peer: Atom
  /** A port that is dialled without asking EPMD. */
  port: number | undefined
  /** Whether the peer is known to be a node of this package. */
  ours = false
  /** Why the last dial failed; undefined after a success. */
  lastError: ConnectError | undefined
  /** Whether there ever was a link. */
  everUp = false
  readonly #host: ConnectorHost
  readonly #backoff = new Backoff()
  readonly #interests = new Map<string, 'firm' | 'learned'>()
  #link: Link | undefined
  #upSince = 0
  #dialling: Dial | undefined
  #retry: Timer | undefined
  #retryAt: number | undefined
  #barred = false
  #held: Held[] = []
  #closed = false
  /** The wait for the peer's own dial, which won over ours. */
  #yielded: Yielded | undefined

  constructor(name: string, host: ConnectorHost) {
    this.peer = atom(name)
    this.#host = host
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** On whose behalf the peer is kept connected. */
  get interests(): Iterable<string> {
    return this.#interests.keys()
  }

  /** Whether anybody wants the peer connected. */
  get wanted(): boolean {
    return this.#interests.size > 0
  }

  /**
   * A dial of ours is under way. One that still waits for its turn is none: the peer's is not refused for its sake, as that
   * would have the peer wait too, and dial in vain.
   */
  get dialling(): boolean {
    return this.#dialling?.begun === true
  }

  /** A link is about to come, or to fail to: by our dial, or by the peer's, which won over it. */
  get pending(): boolean {
    return this.#dialling !== undefined || this.#yielded !== undefined
  }

  /** Automatic redial is barred, by `disconnect`, until somebody connects. */
  get barred(): boolean {
    return this.#barred
  }

  /** Milliseconds until the next dial; undefined when none is due. */
  get retryIn(): number | undefined {
    return this.#retryAt === undefined ? undefined : Math.max(0, this.#retryAt - this.#host.clock.now())
  }

  /**
   * Keeps the peer connected from now on, on behalf of `interest`. Lifts no bar. A `learned` interest, in a name that was
   * only heard of, gives up where trying again is in vain (cookie, not allowed); a firm one never does.
   */
  want(interest: string, kind: 'firm' | 'learned' = 'firm'): void {
    this.#interests.set(interest, kind)
    if (this.#link === undefined && this.#retry === undefined && !this.#barred) this.#dialQuietly()
  }

  /** Withdraws an interest. A link that is up stays; a dial that nobody waits for is given up. */
  unwant(interest: string): void {
    this.#interests.delete(interest)
    if (this.#interests.size > 0) return
    this.#cancelRetry()
    const dial = this.#dialling
    if (dial?.asked === false && this.#held.length === 0) {
      this.#dialling = undefined
      dial.abort.abort(disconnected(this.peer.name))
    }
    this.#settle()
  }

  /** Withdraws all interests. */
  unwantAll(): void {
    for (const interest of [...this.#interests.keys()]) this.unwant(interest)
  }

  /** Connects now, lifting a bar. Resolves at once where there is a link; joins a dial that is under way. */
  connect(): Promise<Link> {
    this.#barred = false
    return this.#link !== undefined ? Promise.resolve(this.#link) : this.#dial(true)
  }

  /** Ends the link, if any, and bars automatic redial. */
  disconnect(): void {
    this.#barred = true
    this.#cancelRetry()
    this.#giveUp()
    this.#link?.close('disconnect')
    this.#settle()
  }

  /** Discovery saw the peer anew: dial at once instead of at the end of the backoff. */
  retryNow(): void {
    this.#backoff.reset()
    if (this.#link === undefined && this.#interests.size > 0 && !this.#barred) this.#dialQuietly()
  }

  /**
   * Holds a signal until there is a link, and dials. False: it was not taken, because too many wait. One that `must` be
   * sent always is: somebody counts on its effect.
   */
  hold(signal: Held, must = false): boolean {
    if (this.#link !== undefined) {
      signal(this.#link)
      return true
    }
    if (!must && this.#held.length >= this.#host.dialQueue) return false
    this.#held.push(signal)
    this.#dialQuietly()
    return true
  }

  /** Our dial has its turn. */
  beginDial(): void {
    if (this.#dialling !== undefined) this.#dialling.begun = true
  }

  /** Gives up our own dial in favour of the peer's. Who waits for it gets the peer's link. */
  yieldDial(): void {
    this.#dialling?.abort.abort(YIELD)
  }

  /** Takes a connection that is complete, ours or the peer's, in place of any link there is. */
  take(dialled: Dialled): Link {
    // Of a dial of our own that is still under way nothing can come but a second link.
    const dial = this.#dialling
    this.#dialling = undefined
    dial?.abort.abort(disconnected(this.peer.name))
    this.#link?.close('replaced')
    // Another incarnation under the same name may be no node of this package.
    this.ours = dialled.ours
    const link = this.#host.createLink(dialled, this)
    this.#link = link
    this.#upSince = this.#host.clock.now()
    this.#barred = false
    this.lastError = undefined
    this.everUp = true
    this.#cancelRetry()
    const held = this.#held
    this.#held = []
    for (const signal of held) this.#release(signal, link)
    this.#host.onUp(this, link)
    this.#yielded?.settle(link)
    return link
  }

  /** Called by the link's owner when it ended. */
  linkDown(link: Link, reason: LinkDownReason, error: Error | undefined): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#host.onDown(this, link, reason, error)
    if (reason === 'replaced') return
    if (this.#host.clock.now() - this.#upSince >= SOUND) this.#backoff.reset()
    this.#scheduleRetry()
    this.#settle()
  }

  close(): void {
    this.#closed = true
    this.#interests.clear()
    this.#cancelRetry()
    this.#giveUp()
    this.#link?.close('disconnect')
    this.#held = []
  }

  /** Ends what is under way; who waits for it learns so. A connect that comes after this dials anew. */
  #giveUp(): void {
    const dial = this.#dialling
    this.#dialling = undefined
    const error = disconnected(this.peer.name)
    dial?.abort.abort(error)
    if (dial !== undefined) this.#failed(error)
    this.#yielded?.settle(error)
  }

  get #onlyLearned(): boolean {
    for (const kind of this.#interests.values()) if (kind === 'firm') return false
    return true
  }

  #release(signal: Held, link: Link): void {
    try {
      signal(link)
    } catch (error) {
      this.#host.onUnsent(this, error)
    }
  }

  #dialQuietly(): void {
    this.#dial().catch(() => {
      // Reported by onFailed.
    })
  }

  /** @param asked somebody waits for it */
  #dial(asked = this.#held.length > 0): Promise<Link> {
    if (asked && this.#dialling !== undefined) this.#dialling.asked = true
    const pending = this.#dialling ?? this.#yielded
    if (pending !== undefined) return pending.result
    this.#cancelRetry()
    const dial = { abort: new AbortController(), asked, begun: false } as Dial
    this.#dialling = dial
    dial.result = this.#attempt(dial, !asked && this.#onlyLearned)
    return dial.result
  }

  async #attempt(dial: Dial, learned: boolean): Promise<Link> {
    const { signal } = dial.abort
    let dialled: Dialled
    try {
      dialled = await this.#host.dial(this, signal, learned)
    } catch (error) {
      return await this.#dialFailed(dial, error)
    }
    if (this.#dialling === dial) this.#dialling = undefined
    if (!signal.aborted) return this.take(dialled)
    dialled.established.carrier.destroy()
    return await this.#dialFailed(dial, signal.reason)
  }

  #dialFailed(dial: Dial, error: unknown): Promise<Link> {
    const current = this.#dialling === dial
    if (current) this.#dialling = undefined
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    if (current && (error === YIELD || isSimultaneous(error))) return this.#peersLink()
    const failure = asConnectError(error, this.peer.name)
    if (current) this.#failed(failure)
    return Promise.reject(failure)
  }

  /** The link that the peer's own dial is about to make. */
  #peersLink(): Promise<Link> {
    const { name } = this.peer
    let settle!: Yielded['settle']
    const result = new Promise<Link>((resolve, reject) => {
      const timer = this.#host.clock.after(this.#host.patience, () => {
        const reason = `${name} dialled us at the same moment, and its dial came to nothing`
        settle(new ConnectError('ERR_CONNECT_SIMULTANEOUS', name, reason))
      })
      settle = (outcome) => {
        timer.cancel()
        this.#yielded = undefined
        if (!(outcome instanceof ConnectError)) return resolve(outcome)
        this.#failed(outcome)
        reject(outcome)
      }
    })
    this.#yielded = { result, settle }
    return result
  }

  #failed(error: ConnectError): void {
    this.lastError = error
    const dropped = this.#held.length
    this.#held = []
    if (this.#closed) return
    this.#scheduleRetry()
    this.#host.onFailed(this, error, dropped)
    this.#settle()
  }

  #scheduleRetry(): void {
    const inVain = this.lastError?.permanent === true && this.#onlyLearned
    if (inVain || this.#interests.size === 0 || this.#barred || this.#closed || this.pending) return
    if (this.#retry !== undefined) return
    const delay = this.#backoff.next()
    this.#retryAt = this.#host.clock.now() + delay
    this.#retry = this.#host.clock.after(
      delay,
      () => {
        this.#retry = undefined
        this.#retryAt = undefined
        this.#dialQuietly()
      },
      { keepAlive: true },
    )
  }

  #cancelRetry(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.#retryAt = undefined
  }

  /** Tells the node when there is nothing left to remember. A bar is remembered. */
  #settle(): void {
    const busy = this.#link !== undefined || this.pending
    if (!busy && this.#interests.size === 0 && !this.#barred && this.#held.length === 0) this.#host.onIdle(this)
  }
}

/** Why a dial ended when the peer's own won. */
const YIELD = Symbol('yield')

function isSimultaneous(error: unknown): boolean {
  return error instanceof ConnectError && error.code === 'ERR_CONNECT_SIMULTANEOUS'
}

function disconnected(name: string): ConnectError {
  return new ConnectError('ERR_CONNECT_CLOSED', name, `${name}: the dial was given up, the node disconnects`)
}

function asConnectError(error: unknown, name: string): ConnectError {
  if (error instanceof ConnectError) return error
  const reason = `${name}: ${error instanceof Error ? error.message : String(error)}`
  return new ConnectError('ERR_CONNECT_CLOSED', name, reason, { cause: error })
}
