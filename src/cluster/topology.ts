import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { instance, knownOnly } from '../base/options.ts'
import { type WaitOptions, withLimits } from '../node/waiting.ts'
import { Answers, isMeant, type Reading, type ReadingPolicy } from './answer.ts'
import { makeContext } from './context.ts'
import { DiscoveryError } from './discovery-error.ts'
import { Inquiry } from './inquiry.ts'
import { Membership, type Pruned } from './membership.ts'
import { NodeOverlay } from './node-overlay.ts'
import type { Overlay } from './overlay.ts'
import { OwnOverlay } from './own-overlay.ts'
import { RefreshQueue } from './refresh-queue.ts'
import { Telemetry } from './telemetry.ts'
import type { RefreshResult, TopologyEvent, TopologyEvents, TopologySchedule } from './topology-events.ts'
import type { TopologyHost } from './topology-host.ts'
import {
  type ResolvedTopologyOptions,
  resolveTopologyOptions,
  sameOptions,
  type TopologyChanges,
  type TopologyOptions,
} from './topology-options.ts'
import { TopologyReports } from './topology-reports.ts'

/** An answer that is in effect. */
interface Taken extends Reading, Pruned {
  readonly signal: AbortSignal
}

/**
 * Finds nodes by a strategy, again and again, and keeps them connected; made by `node.topology`. Lookups never overlap. One
 * that fails changes nothing: what was found before stays, and the next one comes at its time.
 */
export class Topology extends EventEmitter<TopologyEvents> implements AsyncDisposable {
  readonly name: string
  readonly #host: TopologyHost
  readonly #onClose: () => void
  readonly #reports: TopologyReports
  readonly #telemetry: Telemetry
  readonly #inquiry: Inquiry
  readonly #answers: Answers
  readonly #members: Membership
  #given: TopologyOptions
  #options: ResolvedTopologyOptions
  #state: 'running' | 'paused' | 'closed' = 'running'
  #timer: Timer | undefined
  /** Ends the wait of the refresh under way for dials. */
  #settling = new AbortController()
  /** Other nodes are meant than when the last answer was read. */
  #otherPolicy = false
  readonly #refreshes = new RefreshQueue((hurry) => this.#refresh(hurry))
  #lastResult: RefreshResult | undefined
  /** When the last refresh ended that succeeded, and when the next lookup is due, by the clock. */
  #refreshedAt: number | undefined
  #dueAt: number | undefined
  #lastError: DiscoveryError | undefined

  /** Use `node.topology(name, options)`. It looks at once. @throws OptionError */
  constructor(name: string, options: TopologyOptions, host: TopologyHost, onClose: () => void) {
    super()
    this.name = name
    this.#host = host
    this.#onClose = onClose
    this.#given = { ...options }
    this.#options = resolveTopologyOptions(options)
    this.#reports = new TopologyReports(name, this, host.logger)
    this.#telemetry = new Telemetry(name, host.self.full)
    const { clock, maxNames } = host
    this.#answers = new Answers(maxNames)
    const shared = { clock, maxNames, reports: this.#reports, telemetry: this.#telemetry }
    this.#members = new Membership(shared, this.#openOverlay(), this.#options.pruneAfter)
    this.#inquiry = this.#openInquiry()
    this.#startQuietly(false)
  }

  get state(): 'running' | 'paused' | 'closed' {
    return this.#state
  }

  /** What came of the last refresh that succeeded; undefined before the first. */
  get lastResult(): RefreshResult | undefined {
    return this.#lastResult
  }

  /** Why the last lookup failed; undefined when it succeeded. */
  get lastError(): DiscoveryError | undefined {
    return this.#lastError
  }

  /** How it looks, and when: for those who watch it. Times in milliseconds. */
  get schedule(): TopologySchedule {
    const { interval, strategy } = this.#options
    const now = this.#host.clock.now()
    return {
      strategy: strategy.name,
      mode: 'watch' in strategy ? 'push' : 'pull',
      interval,
      refreshedAgo: this.#refreshedAt === undefined ? undefined : now - this.#refreshedAt,
      nextIn: this.#dueAt === undefined ? undefined : Math.max(0, this.#dueAt - now),
    }
  }

  /** The names that count as found. */
  nodes(): string[] {
    return this.#members.names
  }

  /** Whether these options are the ones it has. */
  hasOptions(options: TopologyOptions): boolean {
    return sameOptions(this.#given, options)
  }

  /**
   * Looks now, and dials who is missing now; the next lookup comes an `interval` later. A paused topology resumes. Resolves
   * when the dials have ended.
   *
   * @throws DiscoveryError `ERR_DISCOVERY`; TsunagiError `ERR_CLOSED`, when it is closed or paused meanwhile; `ERR_TIMEOUT`
   * after `timeout` ms (default: none)
   */
  async refresh(options: WaitOptions = {}): Promise<RefreshResult> {
    this.#resume()
    return await this.runOnce(options)
  }

  /** As {@link Topology.refresh}, but a paused topology stays so. */
  async runOnce(options: WaitOptions = {}): Promise<RefreshResult> {
    knownOnly(options, ['timeout', 'signal'])
    options.signal?.throwIfAborted()
    this.#assertOpen()
    const limits = { timeout: Number.POSITIVE_INFINITY, ...options }
    return await withLimits(this.#start(true), this.#host.clock, limits, `the refresh of ${this.name} did not end`)
  }

  /** Looks no more until it is resumed. The nodes found so far stay wanted, and are dialled again when their link is lost. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    const reason = new TsunagiError('ERR_CLOSED', `the topology ${this.name} was paused`)
    this.#refreshes.cancel(reason)
    this.#rest(reason)
    this.#reports.paused()
  }

  /** Looks again, at once. */
  resume(): void {
    if (this.#resume()) this.#startQuietly(false)
  }

  /**
   * Changes options while it runs; those that are not given stay, and those given as undefined get their defaults. It looks
   * at once. With another strategy the nodes of the old one stay until the new one has given a whole answer; other `filter`,
   * `mapName` and `hidden` hold for them too.
   *
   * @throws OptionError; nothing has changed then
   */
  update(options: TopologyChanges): void {
    this.#assertOpen()
    instance(
      options,
      'options',
      'an object of options to change, such as { interval: 1000 }',
      (it) => !Array.isArray(it),
    )
    const was = this.#given
    const given = { ...was, ...options } as TopologyOptions
    const { pruneAfter } = this.#options
    this.#options = resolveTopologyOptions(given)
    this.#given = given
    const changed = (...keys: (keyof TopologyOptions)[]): boolean => keys.some((key) => was[key] !== given[key])
    if (this.#options.pruneAfter !== pruneAfter) this.#members.prune(this.#options.pruneAfter)
    if (changed('filter', 'mapName', 'hidden')) this.#otherPolicy = true
    if (changed('connect', 'disconnect', 'list')) this.#members.replace(this.#openOverlay())
    if (changed('strategy')) this.#inquiry.replace(this.#options.strategy)
    if (this.#state === 'running') this.#startQuietly(false)
  }

  /** What happens from now on, as an async iterator that holds up to 1,000 events for a slow reader. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<TopologyEvent> & AsyncDisposable {
    knownOnly(options, ['signal'])
    this.#assertOpen()
    return this.#reports.events(options.signal)
  }

  /** Looks no more, and withdraws its interest in the nodes. Links that are up stay. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#rest(this.#closedError())
    this.#members.close()
    this.#onClose()
    this.#reports.stopped()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    return `Topology<${this.name}, ${this.#options.strategy.name}, ${this.#state}, ${this.#members.names.length} found>`
  }

  #openInquiry(): Inquiry {
    return new Inquiry(this.#options.strategy, {
      clock: this.#host.clock,
      timeout: () => this.#options.timeout,
      context: (signal) => makeContext(this.#host, this.name, signal),
      onChange: () => this.#startQuietly(false),
      onEnd: (error) => {
        this.#failed(error)
        this.#arm()
      },
    })
  }

  #openOverlay(): Overlay {
    const { own } = this.#options
    if (own === undefined) {
      return new NodeOverlay(this.#host, this.name, this.#telemetry, (name) => isMeant(name, this.#options.filter))
    }
    const timeout = (): number => this.#options.timeout
    return new OwnOverlay(own, { clock: this.#host.clock, timeout, telemetry: this.#telemetry })
  }

  #resume(): boolean {
    this.#assertOpen()
    if (this.#state === 'running') return false
    this.#state = 'running'
    this.#reports.resumed()
    return true
  }

  /** Ends everything that is under way. */
  #rest(reason: Error): void {
    this.#timer?.cancel()
    this.#dueAt = undefined
    this.#inquiry.end(reason)
    this.#settling.abort()
  }

  #startQuietly(hurry: boolean): void {
    this.#start(hurry).catch(() => {
      // Reported as an event.
    })
  }

  /** The refresh under way, if any, waits for no dial any more. */
  #start(hurry: boolean): Promise<RefreshResult> {
    if (!this.#refreshes.waiting) this.#settling.abort()
    return this.#refreshes.add(hurry)
  }

  async #refresh(hurry: boolean): Promise<RefreshResult> {
    if (this.#state === 'closed') throw this.#closedError()
    this.#timer?.cancel()
    this.#settling = new AbortController()
    const settling = this.#settling.signal
    try {
      const { rejected, errors, pruned, failed, signal } = await this.#lookAndTake(hurry)
      // A refresh that is planned already waits for this one.
      if (!this.#refreshes.waiting) await this.#members.settled(settling)
      const standings = await this.#members.standings(signal)
      signal.throwIfAborted()
      const result: RefreshResult = {
        found: this.#members.names,
        connected: standings.connected,
        connecting: standings.connecting,
        failed: [...standings.failed, ...failed],
        pruned,
        rejected,
        errors,
      }
      this.#lastResult = result
      this.#refreshedAt = this.#host.clock.now()
      this.#reports.refreshed(result)
      return result
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async #lookAndTake(hurry: boolean): Promise<Taken> {
    try {
      await this.#reread()
      const { answer, signal } = await this.#inquiry.look()
      const reading = this.#answers.take(answer, this.#policy)
      this.#lastError = undefined
      this.#reports.answered(reading.errors, reading.rejected)
      const { pruned, failed } = await this.#members.take(reading, hurry, signal)
      return { ...reading, pruned, failed, signal }
    } finally {
      this.#arm()
    }
  }

  get #policy(): ReadingPolicy {
    const { filter, mapName, hidden } = this.#options
    return { self: this.#host.self.full, filter, mapName, hidden }
  }

  /** What was found before under options that have changed: also where the next lookup fails, or is not whole, they hold. */
  async #reread(): Promise<void> {
    if (!this.#otherPolicy) return
    this.#otherPolicy = false
    await this.#members.take(this.#answers.again(this.#policy), false, this.#inquiry.begin())
  }

  /** The next lookup comes an interval after this one, unless the source tells by itself when there is something new. */
  #arm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#dueAt = undefined
    if (this.#state !== 'running') return this.#inquiry.rest()
    const { interval } = this.#options
    const wait = this.#inquiry.live ? this.#members.pruneIn(interval) : interval
    if (wait === undefined || wait === Number.POSITIVE_INFINITY) return
    this.#dueAt = this.#host.clock.now() + wait
    this.#timer = this.#host.clock.after(wait, () => this.#startQuietly(false), { keepAlive: true })
  }

  /** Reports a failure, and answers what whoever waits for the refresh gets. */
  #failed(error: unknown): Error {
    const { ended } = this.#inquiry
    if (ended !== undefined) return ended
    const failure = new DiscoveryError(this.name, this.#options.strategy.name, error)
    this.#lastError = failure
    this.#reports.failed(failure)
    return failure
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw this.#closedError()
  }

  #closedError(): TsunagiError {
    return new TsunagiError('ERR_CLOSED', `the topology ${this.name} is closed`)
  }
}
