interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Simulated time: what is to happen, in its order. A heap, the earliest first. */
export class Timeline {
  /** Milliseconds since it began. */
  now = 0
  readonly #events: Event[] = []
  #order = 0

  /** Has something happen after so many milliseconds; of two for the same moment, in the order of the calls. */
  at(delay: number, run: () => void): void {
    const event = { at: this.now + Math.max(0, delay), order: this.#order++, run }
    const events = this.#events
    let index = events.length
    events.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = events[parent] as Event
      if (!before(event, above)) break
      events[index] = above
      index = parent
    }
    events[index] = event
  }

  /** Lets time pass. */
  run(until: number): void {
    for (let next = this.#events[0]; next !== undefined && next.at <= until; next = this.#events[0]) {
      this.#pop()
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  #pop(): void {
    const events = this.#events
    const moved = events.pop() as Event
    if (events.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && before(events[child + 1] as Event, events[child] as Event)) child++
      if (before(moved, events[child] as Event)) break
      events[at] = events[child] as Event
      at = child
    }
    events[at] = moved
  }
}

function before(a: Event, b: Event): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at
}
