import { Backoff } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { TsunagiError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Atom, Pid, Reference, Term } from '../../term/index.ts'
import { type Groups, Holder, type Membership, type PgEvent } from './groups.ts'
import { discover, join, leave, type ScopeMessage, sync, type Update } from './scope-messages.ts'

/** The way to one peer, over the link there is. Sending throws as a link does, and dials never. */
export interface ScopeLine {
  readonly peer: Atom
  /** Our own scope's process, which all messages come from. */
  readonly self: Pid
  /** Sends to the peer's process of the scope's name. */
  sendToName(message: Term): void
  sendTo(scope: Pid, message: Term): void
  /** Monitors a scope, or whoever has its name. The DOWN must come to {@link PeerScope.down}, after this has returned. */
  monitor(scope?: Pid): Reference
  demonitor(ref: Reference): void
}

/** What all conversations of a scope share. */
export interface ScopeState {
  readonly name: string
  readonly groups: Groups
  readonly clock: Clock
  readonly logger: Logger
  /** See `Limits.pgMembers`. */
  readonly pgMembers: number
  /** Who is a member has changed. Called when all of it is done. */
  changed(events: readonly PgEvent[]): void
}

/** A group that members left. */
export interface Left {
  readonly key: unknown
  readonly name: Term
  /** Nobody of ours is in it any more. */
  readonly empty: boolean
}

/** Milliseconds until a peer is told all again, when its link had no room for news. */
const RESEND = 1000
/** Times in that time that it is told all because another process there is the scope now: it could keep us busy by that. */
const MOST_TELLS = 5

/**
 * The conversation with the scope of one connected peer.
 *
 * | state | left by |
 * |---|---|
 * | asked by name: monitored by name, `discover` sent | its sync: known. DOWN (`noproc`): waits |
 * | waits, ever longer up to 5 s | the time is over: asked by name. Its `discover`: met |
 * | met: monitored by pid, told all we have, asked for all it has | its sync: known. DOWN: waits |
 * | known: news are told and taken | DOWN: waits |
 *
 * OTP's scopes find each other when a node comes up, but only visible ones, and nobody tells us when one starts later;
 * so we ask until there is one. That it has the name and does not answer yet is no reason to ask again: it is monitored.
 *
 * A BEAM's scope ends when it is told of leaving a group that it does not hold. So it is told of all our members before it
 * is told of news, and then of each change exactly once; {@link PeerScope.#withheld} says what it could not be told.
 */
export class PeerScope {
  readonly #line: ScopeLine
  readonly #state: ScopeState
  readonly #held: Holder
  readonly #backoff = new Backoff()
  /** The monitor by name, as long as whoever has the name is asked and has not answered. */
  #probe: Reference | undefined
  #met: { readonly scope: Pid; readonly ref: Reference } | undefined
  /** It was asked by pid. */
  #asked = false
  /** Its sync has come. */
  #known = false
  /** It holds all our memberships but those withheld. */
  #told = false
  /** How often it was told of all of them since `#tellsSince`. */
  #tells = 0
  #tellsSince = 0
  /** Keys of the groups it could not be told of, such as when the limit on atoms was reached. */
  #withheld: Set<unknown> | undefined
  #timer: Timer | undefined
  #warned = false

  constructor(line: ScopeLine, state: ScopeState) {
    this.#line = line
    this.#state = state
    this.#held = new Holder(state.pgMembers)
  }

  /** There is a link. */
  start(): void {
    this.#probeName()
  }

  /** The link is gone, or our scope is closed; monitors over it are, too. */
  stop(): readonly PgEvent[] {
    this.#timer?.cancel()
    this.#probe = undefined
    return this.#forget()
  }

  /** A message that came over the peer's link. Its scope lives there. */
  receive(message: ScopeMessage): void {
    const { scope } = message
    switch (message.kind) {
      case 'discover':
        if (!this.#meet(scope)) return
        this.#tell()
        return this.#ask()
      case 'sync': {
        if (!this.#meet(scope)) return
        this.#endProbe()
        this.#known = true
        this.#backoff.reset()
        const events = this.#state.groups.replace(this.#held, message.groups)
        this.#checkRoom()
        this.#tell()
        return this.#state.changed(events)
      }
      case 'update':
        // Those of others, and what comes before its sync, say nothing that a sync will not.
        if (this.#known && scope.equals(this.#met?.scope)) this.#update(message.updates)
    }
  }

  /** A DOWN of one of our monitors. False when it is none of this peer. */
  down(ref: Reference): boolean {
    if (ref.equals(this.#probe)) {
      this.#probe = undefined
      if (this.#met === undefined) this.#wait()
      else this.#ask()
    } else if (ref.equals(this.#met?.ref)) {
      const events = this.#forget()
      if (this.#probe === undefined) this.#wait()
      this.#state.changed(events)
    } else return false
    return true
  }

  /** Processes of ours joined a group. `all`: how many are in it now. */
  joined(key: unknown, membership: Membership, all: number): void {
    const { self } = this.#line
    const scope = this.#hearer
    if (scope === undefined || this.#withheld?.has(key)) return
    if (this.#sent(() => this.#line.sendTo(scope, join(self, membership))) !== 'refused') return
    this.#withhold(key)
    // What it holds of the group would go stale.
    if (all > membership.pids.length) this.#tellAll(scope)
  }

  /** Processes of ours left groups, each of which is listed as often as they did. */
  left(pids: readonly Pid[], groups: readonly Left[]): void {
    const { self } = this.#line
    const scope = this.#hearer
    const told = this.#withheld === undefined ? groups : groups.filter(({ key }) => !this.#withheld?.has(key))
    for (const { key, empty } of groups) if (empty) this.#withheld?.delete(key)
    if (scope === undefined || told.length === 0) return
    const names = told.map(({ name }) => name)
    // What it could not be told in so many words it is told by all that is left.
    if (this.#sent(() => this.#line.sendTo(scope, leave(self, pids, names))) === 'refused') this.#tellAll(scope)
  }

  /** The scope that hears of news; none before it was told all, and while it has to be told all anew. */
  get #hearer(): Pid | undefined {
    return this.#told ? this.#met?.scope : undefined
  }

  #probeName(): void {
    this.#timer?.cancel()
    const asked = this.#trySend(() => {
      this.#probe = this.#line.monitor()
      this.#line.sendToName(discover(this.#line.self))
    })
    if (asked === 'sent') return
    this.#endProbe()
    this.#wait()
  }

  #endProbe(): void {
    if (this.#probe !== undefined) this.#line.demonitor(this.#probe)
    this.#probe = undefined
  }

  #wait(): void {
    this.#after(this.#backoff.next(), () => this.#probeName())
  }

  #after(ms: number, act: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#state.clock.after(ms, act)
  }

  /**
   * The peer's scope is this one. Another one before it is gone, whether we heard of it or not. False when it could not be
   * monitored: we would not learn of its end.
   */
  #meet(scope: Pid): boolean {
    if (scope.equals(this.#met?.scope)) return true
    let ref: Reference | undefined
    this.#trySend(() => {
      ref = this.#line.monitor(scope)
    })
    if (ref === undefined) return false
    const before = this.#met
    const events = this.#forget()
    if (before !== undefined) this.#line.demonitor(before.ref)
    this.#met = { scope, ref }
    this.#state.changed(events)
    return true
  }

  #forget(): readonly PgEvent[] {
    this.#timer?.cancel()
    this.#met = undefined
    this.#asked = false
    this.#known = false
    this.#told = false
    this.#withheld = undefined
    return this.#state.groups.clear(this.#held)
  }

  /** Asks for a sync, unless it is on its way already. */
  #ask(): void {
    const met = this.#met
    if (met === undefined || this.#known || this.#asked || this.#probe !== undefined) return
    const sent = this.#trySend(() => this.#line.sendTo(met.scope, discover(this.#line.self)))
    if (sent === 'sent') this.#asked = true
    else this.#tryLater()
  }

  /** Tells it all we have, once. */
  #tell(): void {
    if (this.#met === undefined || this.#told) return
    const now = this.#state.clock.now()
    const since = now - this.#tellsSince
    if (since >= RESEND) {
      this.#tellsSince = now
      this.#tells = 0
    }
    if (++this.#tells <= MOST_TELLS) this.#tellAll(this.#met.scope)
    else this.#tryLater(RESEND - since)
  }

  #tellAll(scope: Pid): void {
    const { self } = this.#line
    this.#told = true
    const memberships = [...this.#state.groups.localMemberships()].filter(({ key }) => !this.#withheld?.has(key))
    if (this.#sent(() => this.#line.sendTo(scope, sync(self, memberships))) !== 'refused') return
    // Something among it cannot be sent to this peer: all but that.
    if (this.#sent(() => this.#line.sendTo(scope, sync(self, []))) !== 'sent') return
    for (const { key, name, pids } of memberships) {
      const sent = this.#sent(() => this.#line.sendTo(scope, join(self, { name, pids })))
      if (sent === 'full') return
      if (sent === 'refused') this.#withhold(key)
    }
  }

  /** Sends news. What a full link does not take is made up for by a sync, once it has room. */
  #sent(send: () => void): 'sent' | 'full' | 'refused' {
    const sent = this.#trySend(send)
    if (sent === 'full') {
      this.#told = false
      this.#tryLater()
    }
    return sent
  }

  #tryLater(ms: number = RESEND): void {
    this.#after(ms, () => {
      this.#tell()
      this.#ask()
    })
  }

  #trySend(send: () => void): 'sent' | 'full' | 'refused' {
    try {
      send()
      return 'sent'
    } catch (error) {
      if (!(error instanceof TsunagiError)) throw error
      if (error.code === 'ERR_LINK_FULL') return 'full'
      this.#warn(`cannot be told everything: ${error.message}`, { err: error })
      return 'refused'
    }
  }

  #withhold(key: unknown): void {
    this.#withheld ??= new Set()
    this.#withheld.add(key)
  }

  #update(updates: readonly Update[]): void {
    const { groups } = this.#state
    const events: PgEvent[] = []
    for (const { key, name, pids, type } of updates) {
      const done = type === 'join' ? groups.add(this.#held, key, { name, pids }) : groups.take(this.#held, key, pids)
      if (done.length > 0) events.push({ type, group: name, pids: done })
    }
    this.#checkRoom()
    this.#state.changed(events)
  }

  #checkRoom(): void {
    if (!this.#held.full) return
    this.#warn(`has more members than the ${this.#state.pgMembers} of the limit pgMembers; the rest is left out`)
  }

  #warn(what: string, data: object = {}): void {
    if (this.#warned) return
    this.#warned = true
    const { name, logger } = this.#state
    const peer = this.#line.peer.name
    logger.warn({ node: peer, scope: name, ...data }, `pg scope ${name}: ${peer} ${what}`)
  }
}
