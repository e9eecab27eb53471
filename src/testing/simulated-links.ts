import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** A connection between two nodes. Each side learns of its beginning and its end in its own time. */
interface Link {
  readonly ends: readonly [string, string]
  up: boolean
  readonly seenUp: Set<string>
  /** What arrived before the receiver knew of the link. */
  readonly early: Map<string, (() => void)[]>
  /** When the last message each way arrives: they stay in order. */
  readonly arrival: Map<string, number>
}

/** What happens at the ends of links. */
export interface LinksHost {
  readonly random: Random
  readonly timeline: Timeline
  /** Nodes that live. */
  names(): string[]
  /** What a node that lives now does when a link begins or ends, unless that life of it is over by then; undefined: none lives. */
  atEnd(name: string): ((run: (event: LinkEvent) => void) => void) | undefined
}

/** Tells a node of a link. */
export interface LinkEvent {
  up(peer: string): void
  down(peer: string): void
}

/** The connections of a simulated cluster. They break, come back, and take their time. */
export class SimulatedLinks {
  readonly #host: LinksHost
  readonly #links = new Map<string, Link>()
  /** Pairs that cannot reach each other. */
  readonly #blocked = new Set<string>()

  constructor(host: LinksHost) {
    this.#host = host
  }

  /** Sends something over the link there is now; `deliver` happens where it arrives, if it does. */
  send(from: string, to: string, deliver: () => void): void {
    const { random, timeline } = this.#host
    const link = this.#links.get(pair(from, to))
    if (link?.up !== true || !link.seenUp.has(from)) return
    const arrival = Math.max(timeline.now + 0.1 + random.next() ** 4 * 400, link.arrival.get(to) ?? 0)
    link.arrival.set(to, arrival)
    const arrive = (): void => {
      if (!link.up) return
      if (link.seenUp.has(to)) deliver()
      else link.early.get(to)?.push(arrive)
    }
    timeline.at(arrival - timeline.now, arrive)
  }

  /** Two nodes lose their connection, and do not get it back while blocked. */
  block(a: string, b: string): void {
    this.#blocked.add(pair(a, b))
    this.#cut(this.#links.get(pair(a, b)))
  }

  unblock(a: string, b: string): void {
    this.#blocked.delete(pair(a, b))
    this.connect(a, b)
  }

  unblockAll(): void {
    this.#blocked.clear()
    const names = this.#host.names()
    for (const [i, a] of names.entries()) for (const b of names.slice(i + 1)) this.connect(a, b)
  }

  /** A connection breaks, and comes back. */
  flap(a: string, b: string): void {
    const link = this.#links.get(pair(a, b))
    if (link === undefined) return
    this.#cut(link)
    const { random, timeline } = this.#host
    timeline.at(100 + random.below(3000), () => this.connect(a, b))
  }

  /** Breaks the links that a node has now. */
  disconnect(name: string): void {
    for (const link of this.#of(name)) this.#cut(link)
  }

  /** The same, some time later, though others may have begun by then. */
  disconnectLater(name: string, delay: number): void {
    const links = this.#of(name)
    this.#host.timeline.at(delay, () => {
      for (const link of links) this.#cut(link)
    })
  }

  #of(name: string): Link[] {
    return [...this.#links.values()].filter(({ ends }) => ends.includes(name))
  }

  connect(a: string, b: string): void {
    const { random, timeline } = this.#host
    const key = pair(a, b)
    const old = this.#links.get(key)
    const [atA, atB] = [this.#host.atEnd(a), this.#host.atEnd(b)]
    if (this.#blocked.has(key) || old?.up || atA === undefined || atB === undefined) return
    if (old !== undefined) {
      timeline.at(200, () => this.connect(a, b))
      return
    }
    const link: Link = {
      ends: [a, b],
      up: true,
      seenUp: new Set(),
      early: new Map([
        [a, []],
        [b, []],
      ]),
      arrival: new Map(),
    }
    this.#links.set(key, link)
    for (const [name, peer, at] of [
      [a, b, atA],
      [b, a, atB],
    ] as const) {
      timeline.at(1 + random.below(50), () => {
        if (!link.up) return
        at((event) => {
          link.seenUp.add(name)
          event.up(peer)
          for (const run of link.early.get(name)?.splice(0) ?? []) run()
        })
      })
    }
  }

  /** Both sides notice, each in its time; what is under way is lost. */
  #cut(link: Link | undefined): void {
    if (!link?.up) return
    const { random, timeline } = this.#host
    link.up = false
    const [a, b] = link.ends
    const key = pair(a, b)
    let left = 2
    for (const [name, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const at = this.#host.atEnd(name)
      timeline.at(random.below(100), () => {
        left--
        if (left === 0 && this.#links.get(key) === link) this.#links.delete(key)
        at?.((event) => {
          if (link.seenUp.has(name)) event.down(peer)
        })
      })
    }
    // Dialled anew, as a node's connectors do.
    timeline.at(500 + random.below(1500), () => this.connect(a, b))
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
