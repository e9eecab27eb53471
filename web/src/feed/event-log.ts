import type { TimelineEvent } from '../../../src/observe/view.ts'

/** As many as the server keeps. */
const LIMIT = 1000

/** Events of the timeline. One that comes again with the same `id` takes the place of the former. */
export class EventLog {
  readonly #events = new Map<number, TimelineEvent>()
  #sorted: readonly TimelineEvent[] | undefined
  /** Where in the server's timeline we are: what to ask for after a gap. */
  cursor = 0

  add(event: TimelineEvent): void {
    this.cursor = Math.max(this.cursor, event.cursor)
    const known = this.#events.get(event.id)
    if (known !== undefined && known.cursor >= event.cursor) return
    // In the order of what was last told, so that the first of the map is the oldest.
    this.#events.delete(event.id)
    this.#events.set(event.id, event)
    if (this.#events.size > LIMIT) {
      const oldest = this.#events.keys().next()
      if (oldest.done !== true) this.#events.delete(oldest.value)
    }
    this.#sorted = undefined
  }

  clear(): void {
    this.#events.clear()
    this.#sorted = undefined
    this.cursor = 0
  }

  /** The newest first; the same array until something comes. */
  get events(): readonly TimelineEvent[] {
    this.#sorted ??= [...this.#events.values()].sort((a, b) => b.lastAt - a.lastAt || b.cursor - a.cursor)
    return this.#sorted
  }
}
