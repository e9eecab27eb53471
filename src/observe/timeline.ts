import type { JournalEntry } from './report/journal.ts'
import type { EventReport } from './report/report.ts'
import type { TimelineEvent, TimelineView } from './view.ts'

/** Several nodes tell of one thing within so many milliseconds. */
const TOGETHER = 10_000
/** Nodes that are named as those who tell. */
const MAX_TELLERS = 20

/** What other nodes tell, too: it is one event, whoever tells it. */
const SHARED: ReadonlySet<string> = new Set(['node-up', 'node-down', 'dial-failed'])

interface Kept {
  event: TimelineEvent
  /** What the tellers know it by. */
  readonly origins: Set<string>
  /** All of them; the event names some. */
  readonly tellers: Set<string>
}

/** What happened in the cluster, as its nodes have told it: the last events, each with all who tell it. */
export class Timeline {
  readonly #capacity: number
  /** The one that changed last is the last. */
  readonly #events = new Map<number, Kept>()
  readonly #byOrigin = new Map<string, Kept>()
  #cursor: number
  #view: TimelineView | undefined
  /** What came or changed since it was taken. */
  #fresh: TimelineEvent[] = []

  /** `start`: milliseconds since 1970. Cursors begin there, so that they grow over restarts. */
  constructor(start: number, capacity = 1000) {
    this.#cursor = Math.floor(start) * 1000
    this.#capacity = capacity
  }

  get view(): TimelineView {
    this.#view ??= { events: Array.from(this.#events.values(), ({ event }) => event) }
    return this.#view
  }

  /** What a node tells, of one of its runs, with its times by our clock. */
  tell(node: string, run: string, told: EventReport): void {
    const origin = JSON.stringify([node, run, told.id])
    const kept = this.#byOrigin.get(origin) ?? this.#sameAs(node, told)
    if (kept === undefined) return this.#add(node, origin, told)
    const { event } = kept
    if (kept.origins.has(origin) && told.count <= event.count && told.lastAt <= event.lastAt) return
    kept.origins.add(origin)
    kept.tellers.add(node)
    this.#byOrigin.set(origin, kept)
    const nodes = event.nodes.includes(node) ? event.nodes : [...event.nodes, node].slice(0, MAX_TELLERS)
    kept.event = {
      ...event,
      cursor: ++this.#cursor,
      nodes,
      at: Math.min(event.at, told.at),
      lastAt: Math.max(event.lastAt, told.lastAt),
      count: Math.max(event.count, told.count),
    }
    this.#events.delete(event.id)
    this.#events.set(event.id, kept)
    this.#changed(kept.event)
  }

  /** What is seen from here of a node that does not tell itself. */
  note(node: string, at: number, { kind, severity, text, reason = null, peer = null }: JournalEntry): void {
    const told = { id: ++this.#cursor, revision: 0, at, lastAt: at, count: 1, kind, severity, text, reason, peer }
    this.tell(node, 'seen', told)
  }

  /** What came or changed after a cursor, in that order. */
  since(cursor: number): TimelineEvent[] {
    return this.view.events.filter((event) => event.cursor > cursor)
  }

  /** What came or changed since this was last called; of what changed often, the last state. */
  take(): TimelineEvent[] {
    const fresh = new Map(this.#fresh.map((event) => [event.id, event]))
    this.#fresh = []
    return [...fresh.values()].sort((a, b) => a.cursor - b.cursor)
  }

  #add(node: string, origin: string, { at, lastAt, count, kind, severity, peer, text, reason }: EventReport): void {
    const cursor = ++this.#cursor
    const event = { id: cursor, cursor, at, lastAt, count, nodes: [node], peer, kind, severity, text, reason }
    const kept: Kept = { event, origins: new Set([origin]), tellers: new Set([node]) }
    this.#events.set(cursor, kept)
    this.#byOrigin.set(origin, kept)
    for (const [id, old] of this.#events) {
      if (this.#events.size <= this.#capacity) break
      this.#events.delete(id)
      for (const it of old.origins) this.#byOrigin.delete(it)
    }
    this.#changed(event)
  }

  /** What another node has told of the same thing. */
  #sameAs(node: string, { at, kind, peer }: EventReport): Kept | undefined {
    if (!SHARED.has(kind)) return undefined
    for (const kept of [...this.#events.values()].reverse()) {
      const { event, tellers } = kept
      if (event.kind !== kind || event.peer !== peer) continue
      if (Math.abs(event.lastAt - at) <= TOGETHER && !tellers.has(node)) return kept
    }
    return undefined
  }

  #changed(event: TimelineEvent): void {
    this.#view = undefined
    this.#fresh.push(event)
    if (this.#fresh.length > this.#capacity) this.#fresh.shift()
  }
}
