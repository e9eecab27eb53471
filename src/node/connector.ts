import type { Timer } from '../base/clock.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import { type Atom, atom } from '../term/index.ts'
import type { ConnectorHost } from './connector-host.ts'
import type { Dialled } from './dial.ts'
import { asConnectError, gaveUp, isSimultaneous, outwaited } from './dial-error.ts'
import type { Turn } from './dial-gate.ts'
import { type InterestKind, Interests } from './interests.ts'
import { type Held, LinkWaiters } from './link-waiters.ts'
import { Redial } from './redial.ts'

/** A link that lasted this long, in milliseconds, was sound: when it is lost, the backoff begins anew. */
const SOUND = 1000

/** Why a dial ended when the peer's own won. */
const YIELD = Symbol('yield')
/** Why a dial ended of which nobody wants to hear any more. */
const GIVEN_UP = Symbol('given up')

/**
 * Everything about the connection to one peer: whether there is a link, who wants one, the dial under way, when the next
 * one is due, and why the last one failed. Topologies, `connectTo` and the mesh register an interest and withdraw it;
 * as long as there is one, a lost link is dialled again, for ever.
 *
 * A node that knows thousands of names has a connector for each, most of which wait for their turn to dial: what only few
 * ever need is made when they need it.
 */
export class Connector implements Turn {
  readonly peer: Atom
  /** A port that is dialled without asking EPMD. */
  port: number | undefined
  /** Whether the peer is known to be a node of this package. */
  ours = false
  /** Why the last dial failed; undefined after a success. */
  lastError: ConnectError | undefined
  /** Links there have been. */
  ups = 0
  /** Why the last link was lost, and when, by the clock; undefined while there is one, and before the first. */
  lost: { readonly reason: LinkDownReason; readonly at: number } | undefined
  readonly #host: ConnectorHost
  readonly #interests = new Interests()
  /** The interest that came with {@link port}. */
  #portFrom: string | undefined
  #link: Link | undefined
  #upSince = 0
  /** Waits for its turn to dial, among those of its kind. */
  #queued: InterestKind | undefined
  /** The dial under way. */
  #dial: AbortController | undefined
  /** The wait for the peer's own dial, which won over ours. */
  #yielded: Timer | undefined
  #redial: Redial | undefined
  #barred = false
  #waiters: LinkWaiters | undefined
  #closed = false

  constructor(name: string, host: ConnectorHost) {
    this.peer = atom(name)
    this.#host = host
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** Since when, by the clock, there is a link; undefined when there is none. */
  get upSince(): number | undefined {
    return this.#link === undefined ? undefined : this.#upSince
  }

  /** Whether there ever was a link. */
  get everUp(): boolean {
    return this.ups > 0
  }

  /** On whose behalf the peer is kept connected. */
  get interests(): readonly string[] {
    return this.#interests.all
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
    return this.#dial !== undefined
  }

  /** A link is about to come, or to fail to: by our dial, or by the peer's, which won over it. */
  get pending(): boolean {
    return this.#queued !== undefined || this.#dial !== undefined || this.#yielded !== undefined
  }

  /** Automatic redial is barred, by `disconnect`, until somebody connects. */
  get barred(): boolean {
    return this.#barred
  }

  /** Milliseconds until the next dial; undefined when none is due. */
  get retryIn(): number | undefined {
    return this.#redial?.dueIn
  }

  /**
   * Keeps the peer connected from now on, on behalf of `interest`. Lifts no bar. A `learned` interest, in a name that was
   * only heard of, gives up where trying again is in vain (cookie, not allowed); a firm one never does.
   *
   * @param port where the peer is, as long as this interest says so; without it EPMD is asked.
   */
  want(interest: string, kind: InterestKind = 'firm', port?: number): void {
    this.#interests.add(interest, kind)
    if (port === undefined) this.#forgetPort(interest)
    else [this.port, this.#portFrom] = [port, interest]
    if (this.#link === undefined && this.retryIn === undefined && !this.#barred) this.#seek()
  }

  /** Withdraws an interest. A link that is up stays; a dial that nobody waits for is given up. */
  unwant(interest: string): void {
    this.#interests.delete(interest)
    this.#forgetPort(interest)
    if (this.wanted) return
    this.#redial?.cancel()
    if (this.#waiters === undefined) this.#stopDial()
    this.#settle()
  }

  /** Withdraws all interests. */
  unwantAll(): void {
    for (const interest of this.interests) this.unwant(interest)
  }

  /** Connects now, lifting a bar. Resolves at once where there is a link; joins a dial that is under way. */
  connect(): Promise<Link> {
    this.#barred = false
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    this.#waiters ??= new LinkWaiters()
    const { connected } = this.#waiters
    this.#seek()
    return connected
  }

  /** Ends the link, if any, and bars automatic redial. */
  disconnect(): void {
    this.#barred = true
    this.#redial?.cancel()
    this.#giveUp()
    this.#link?.close('disconnect')
    this.#settle()
  }

  /** Discovery saw the peer anew: dial at once instead of at the end of the backoff. */
  retryNow(): void {
    this.#redial?.reset()
    if (this.#link === undefined && this.wanted && !this.#barred) this.#seek()
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
    if (!must && (this.#waiters?.held ?? 0) >= this.#host.dialQueue) return false
    this.#waiters ??= new LinkWaiters()
    this.#waiters.hold(signal)
    this.#seek()
    return true
  }

  /** Our dial has its turn. Called by the gate. */
  begin(): void {
    const learned = this.#queued === 'learned'
    this.#queued = undefined
    void this.#run(new AbortController(), learned)
  }

  /** Gives up our own dial in favour of the peer's. Who waits for it gets the peer's link. */
  yieldDial(): void {
    this.#dial?.abort(YIELD)
  }

  /** Takes a connection that is complete, ours or the peer's, in place of any link there is. */
  take(dialled: Dialled): Link {
    // Of a dial of our own that is still under way nothing can come but a second link.
    this.#stopDial()
    this.#yielded?.cancel()
    this.#yielded = undefined
    this.#link?.close('replaced')
    // Another incarnation under the same name may be no node of this package.
    this.ours = dialled.ours
    const link = this.#host.createLink(dialled, this)
    this.#link = link
    this.#upSince = this.#host.clock.now()
    this.#barred = false
    this.lastError = undefined
    this.ups++
    this.lost = undefined
    this.#redial?.cancel()
    const waiters = this.#waiters
    this.#waiters = undefined
    waiters?.send(link, (error) => this.#host.onUnsent(this, error))
    this.#host.onUp(this, link)
    waiters?.resolve(link)
    return link
  }

  /** Called by the link's owner when it ended. */
  linkDown(link: Link, reason: LinkDownReason, error: Error | undefined): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.lost = { reason, at: this.#host.clock.now() }
    this.#host.onDown(this, link, reason, error)
    if (reason === 'replaced') return
    if (this.#host.clock.now() - this.#upSince >= SOUND) this.#redial?.reset()
    this.#scheduleRedial()
    this.#settle()
  }

  close(): void {
    this.#closed = true
    this.#interests.clear()
    this.#redial?.cancel()
    this.#giveUp()
    this.#link?.close('disconnect')
  }

  /** What another interest, or nobody, came with is left. */
  #forgetPort(interest: string): void {
    if (this.#portFrom === interest) [this.port, this.#portFrom] = [undefined, undefined]
  }

  /** Dials, when it is our turn, unless something is under way already. */
  #seek(): void {
    const kind = this.#waiters !== undefined || !this.#interests.onlyLearned ? 'firm' : 'learned'
    const isPromoted = this.#queued === 'learned' && kind === 'firm'
    if (this.pending && !isPromoted) return
    const { gate } = this.#host
    if (isPromoted) gate.leave(this)
    this.#redial?.cancel()
    const refusal = this.#host.refusal(this)
    if (refusal !== undefined) return this.#refuse(refusal)
    this.#queued = kind
    gate.enter(this, kind === 'learned')
  }

  /** As when a dial fails, but not before the caller has what it waits with. */
  #refuse(refusal: ConnectError): void {
    const dial = new AbortController()
    this.#dial = dial
    queueMicrotask(() => this.#dialFailed(dial, refusal))
  }

  async #run(dial: AbortController, learned: boolean): Promise<void> {
    const { gate } = this.#host
    this.#dial = dial
    let dialled: Dialled
    try {
      dialled = await this.#host.dial(this, dial.signal)
    } catch (error) {
      gate.done(learned)
      return this.#dialFailed(dial, error)
    }
    gate.done(learned)
    if (dial.signal.aborted) {
      dialled.established.carrier.destroy()
      return this.#dialFailed(dial, dial.signal.reason)
    }
    this.#dial = undefined
    this.take(dialled)
  }

  #dialFailed(dial: AbortController, error: unknown): void {
    // Who waited for one that was given up knows that.
    if (this.#dial !== dial) return
    this.#dial = undefined
    if (error === YIELD || isSimultaneous(error)) this.#awaitPeer()
    else this.#failed(asConnectError(error, this.peer.name))
  }

  /** The peer's own dial is about to make the link. */
  #awaitPeer(): void {
    this.#yielded = this.#host.clock.after(this.#host.patience, () => {
      this.#yielded = undefined
      this.#failed(outwaited(this.peer.name))
    })
  }

  /** Ends what is under way; who waits for it learns so. A connect that comes after this dials anew. */
  #giveUp(): void {
    if (!this.pending) return
    const error = gaveUp(this.peer.name)
    this.#stopDial()
    this.#yielded?.cancel()
    this.#yielded = undefined
    this.#failed(error)
  }

  #stopDial(): void {
    if (this.#queued !== undefined) this.#host.gate.leave(this)
    this.#queued = undefined
    const dial = this.#dial
    this.#dial = undefined
    dial?.abort(GIVEN_UP)
  }

  #failed(error: ConnectError): void {
    this.lastError = error
    const waiters = this.#waiters
    this.#waiters = undefined
    if (!this.#closed) {
      this.#scheduleRedial()
      this.#host.onFailed(this, error, waiters?.held ?? 0)
      this.#settle()
    }
    waiters?.reject(error)
  }

  #scheduleRedial(): void {
    const inVain = this.lastError?.permanent === true && this.#interests.onlyLearned
    if (inVain || !this.wanted || this.#barred || this.#closed || this.pending) return
    this.#redial ??= new Redial(this.#host.clock)
    this.#redial.schedule(() => this.#seek())
  }

  /** Tells the node when there is nothing left to remember. A bar is remembered. */
  #settle(): void {
    const isBusy = this.#link !== undefined || this.pending || this.#waiters !== undefined
    if (!isBusy && !this.wanted && !this.#barred) this.#host.onIdle(this)
  }
}
