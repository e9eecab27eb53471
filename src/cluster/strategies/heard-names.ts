import type { StrategyContext } from '../strategy.ts'

/** Names that are told again and again by those who have them. A name that was silent for too long is forgotten. */
export class HeardNames {
  /** When each was heard last. */
  readonly #heard = new Map<string, number>()
  readonly #silence: number
  readonly #max: number

  /** `silence` in milliseconds; `max` names at most are kept. */
  constructor(silence: number, max: number) {
    this.#silence = silence
    this.#max = max
  }

  /** What came of it; `full` when there is no room for another. */
  hear(name: string, now: number): 'new' | 'known' | 'full' {
    const isNew = !this.#heard.has(name)
    if (isNew && this.#heard.size >= this.#max) return 'full'
    this.#heard.set(name, now)
    return isNew ? 'new' : 'known'
  }

  /** Forgets who was silent for too long; answers whether somebody was. */
  forget(now: number): boolean {
    const { size } = this.#heard
    for (const [name, at] of this.#heard) if (at <= now - this.#silence) this.#heard.delete(name)
    return this.#heard.size < size
  }

  /** Begins to count anew for all: nobody has listened for a while. */
  renew(now: number): void {
    for (const name of this.#heard.keys()) this.#heard.set(name, now)
  }

  names(): string[] {
    return [...this.#heard.keys()]
  }
}

/** Topologies and nodes, each with a strategy object of its own as a rule. */
const MAX_KEPT = 100

/**
 * What was heard by each topology that uses one strategy object, from one watch to the next: a topology that was paused, or
 * whose watch failed, loses no node when it listens again.
 */
export class KeptNames {
  readonly #kept = new Map<string, HeardNames>()
  readonly #make: () => HeardNames

  constructor(make: () => HeardNames) {
    this.#make = make
  }

  of({ self, topology }: StrategyContext): HeardNames {
    const key = `${self.full} ${topology}`
    const names = this.#kept.get(key) ?? this.#make()
    this.#kept.delete(key)
    this.#kept.set(key, names)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(oldest as string)
    return names
  }
}
