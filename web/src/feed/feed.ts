import type { ChartColumn, SectionName, TimelineEvent, View } from '../../../src/observe/view.ts'
import { ChartRings } from './chart-rings.ts'
import { EventLog } from './event-log.ts'

/** Sections that are sent whole. */
export type WholeSection = Exclude<SectionName, 'charts' | 'timeline'>

const WHOLE: readonly WholeSection[] = [
  'overview',
  'nodes',
  'links',
  'matrix',
  'discovery',
  'processes',
  'pubsub',
  'store',
]

/**
 * `connecting`: for the first time. `live`. `lost`: it was there, and is dialled again. `paused`: by hand. `asleep`: nobody
 * looks at the page.
 */
export type FeedState = 'connecting' | 'live' | 'lost' | 'paused' | 'asleep'

/** What a listener can be told of. */
export type Topic = SectionName | 'state'

/** Milliseconds. */
const RETRY_FIRST = 500
const RETRY_LAST = 5_000
/** A page in a hidden tab stops listening after this. */
const SLEEP_AFTER = 15_000
/** After silence of this length the server is asked whether it is alive. */
const SILENCE = 20_000
const ALIVE_TIMEOUT = 5_000
/** Sections that nobody looks at any more are still sent for this long: people go back and forth. */
const LINGER = 20_000

/** What the server tells, as it tells it: one stream of events, which is opened anew whenever it ends. */
export class Feed {
  state: FeedState = 'connecting'
  /** When the state changed, by the clock of the browser. */
  stateSince = Date.now()
  readonly log = new EventLog()
  charts: ChartRings | undefined
  readonly #sections: Partial<View> = {}
  readonly #listeners = new Map<Topic, Set<() => void>>()
  readonly #wanted = new Map<SectionName, number>()
  #source: EventSource | undefined
  #streamed: ReadonlySet<SectionName> = new Set()
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #settle: ReturnType<typeof setTimeout> | undefined
  #sleep: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setTimeout> | undefined
  /** What the server's clock is ahead of ours. */
  #ahead = 0

  constructor() {
    document.addEventListener('visibilitychange', () => this.#visibility())
    addEventListener('online', () => this.reconnect())
  }

  section<K extends WholeSection>(name: K): View[K] | undefined {
    return this.#sections[name]
  }

  /** Milliseconds since 1970 by the server's clock, which all times of sections are by. */
  now(): number {
    return Date.now() + this.#ahead
  }

  /** Tells `listener` of each change of `topic`, which is asked for from now on. */
  follow(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    if (topic !== 'state') this.#want(topic, 1)
    return () => {
      listeners.delete(listener)
      if (topic !== 'state') this.#want(topic, -1)
    }
  }

  /** Shows what there is, and nothing new, until {@link Feed.resume}. */
  pause(): void {
    this.#close()
    this.#become('paused')
  }

  resume(): void {
    this.#failures = 0
    this.#become('live')
    this.#open()
  }

  /** Does not wait for the next attempt. */
  reconnect(): void {
    if (this.state !== 'lost') return
    this.#failures = 0
    this.#open()
  }

  #want(section: SectionName, change: 1 | -1): void {
    const count = (this.#wanted.get(section) ?? 0) + change
    if (count === 0) this.#wanted.delete(section)
    else this.#wanted.set(section, count)
    clearTimeout(this.#settle)
    const missing = [...this.#wanted.keys()].some((name) => !this.#streamed.has(name))
    // What renders now wants more sections in this very turn.
    this.#settle = setTimeout(() => this.#fit(), missing ? 0 : LINGER)
  }

  #fit(): void {
    const fits =
      this.#wanted.size === this.#streamed.size && [...this.#wanted.keys()].every((name) => this.#streamed.has(name))
    if (!fits && this.state !== 'paused' && this.state !== 'asleep') this.#open()
  }

  #open(): void {
    this.#close()
    this.#streamed = new Set(this.#wanted.keys())
    const query = new URLSearchParams({ sections: [...this.#streamed].join(','), since: String(this.log.cursor) })
    const source = new EventSource(`api/events?${query}`)
    this.#source = source
    source.onopen = () => {
      this.#failures = 0
      this.#become('live')
      this.#alive()
    }
    source.onerror = () => this.#failed()
    for (const name of WHOLE) {
      this.#on(source, name, (section: View[typeof name]) => {
        if (name === 'overview') this.#meet(section as View['overview'])
        Object.assign(this.#sections, { [name]: section })
        this.#tell(name)
      })
    }
    this.#on(source, 'charts', (charts: View['charts']) => {
      this.charts = new ChartRings(charts)
      this.#tell('charts')
    })
    this.#on(source, 'column', (column: ChartColumn) => {
      this.charts?.add(column)
      this.#tell('charts')
    })
    this.#on(source, 'timeline', (event: TimelineEvent) => {
      this.log.add(event)
      this.#tell('timeline')
    })
  }

  #meet({ at, instance }: View['overview']): void {
    this.#ahead = at - Date.now()
    const before = this.#sections.overview?.instance
    if (before === undefined || before === instance) return
    // The node was started anew: what happened before is not told by it, and cursors mean something else.
    this.log.clear()
    this.#retry = setTimeout(() => this.#open())
  }

  #on<T>(source: EventSource, name: string, take: (data: T) => void): void {
    source.addEventListener(name, (event) => {
      this.#alive()
      take(JSON.parse((event as MessageEvent<string>).data) as T)
    })
  }

  #failed(): void {
    this.#close()
    this.#become(this.state === 'connecting' ? 'connecting' : 'lost')
    const pause = Math.min(RETRY_LAST, RETRY_FIRST * 2 ** this.#failures++)
    this.#retry = setTimeout(() => this.#open(), pause * (0.75 + Math.random() / 2))
    void this.#checkSession()
  }

  /** A server that asks for its token again shows its own page for that. */
  async #checkSession(): Promise<void> {
    const answer = await fetch('api/overview').catch(() => undefined)
    if (answer?.status === 401) location.reload()
  }

  /** Something came: the next question is far away. */
  #alive(): void {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => void this.#ask(), SILENCE)
  }

  async #ask(): Promise<void> {
    const source = this.#source
    const answer = await fetch('alive', { signal: AbortSignal.timeout(ALIVE_TIMEOUT) }).catch(() => undefined)
    if (source !== this.#source) return
    if (answer === undefined) this.#failed()
    else this.#alive()
  }

  #visibility(): void {
    clearTimeout(this.#sleep)
    if (document.visibilityState === 'hidden') {
      this.#sleep = setTimeout(() => {
        if (this.state === 'paused') return
        this.#close()
        this.#become('asleep')
      }, SLEEP_AFTER)
    } else if (this.state === 'asleep') {
      this.resume()
    }
  }

  #close(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#watch)
    this.#source?.close()
    this.#source = undefined
    this.#streamed = new Set()
  }

  #become(state: FeedState): void {
    if (state === this.state) return
    this.state = state
    this.stateSince = Date.now()
    this.#tell('state')
  }

  #tell(topic: Topic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener()
  }
}

/** The page's one. */
export const feed = new Feed()
