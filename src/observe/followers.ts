import { OptionError } from '../base/errors.ts'
import type { Update } from './observatory.ts'
import type { Part } from './report/question.ts'
import { SECTIONS } from './sections.ts'
import type { ChartColumn, SectionName, TimelineEvent } from './view.ts'

/** The sections whose content nodes tell only when they are asked for it. */
const PARTS: Readonly<Partial<Record<SectionName, Part>>> = {
  discovery: 'topologies',
  processes: 'processes',
  pubsub: 'pubsubs',
  store: 'stores',
}

interface Follower {
  readonly listener: (update: Update) => void
  readonly sections: ReadonlySet<SectionName>
}

/** Those who look at an observatory, each at some of its sections. */
export class Followers {
  readonly #followers = new Set<Follower>()

  get size(): number {
    return this.#followers.size
  }

  /** The sections that somebody looks at. */
  get sections(): ReadonlySet<SectionName> {
    return new Set([...this.#followers].flatMap(({ sections }) => [...sections]))
  }

  /** What nodes have to be asked for. */
  get parts(): readonly Part[] {
    return [...this.sections].flatMap((name) => PARTS[name] ?? [])
  }

  /** What this returns takes it back. @throws OptionError */
  add(listener: (update: Update) => void, sections: readonly SectionName[] = SECTIONS): () => void {
    for (const name of sections) {
      if (!SECTIONS.includes(name)) throw new OptionError('sections', name, `names out of ${SECTIONS.join(', ')}`)
    }
    const follower = { listener, sections: new Set(sections) }
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** Tells each of what is new in what it looks at. */
  tell(changed: readonly SectionName[], events: readonly TimelineEvent[], column: ChartColumn | null): void {
    for (const { listener, sections } of [...this.#followers]) {
      const update: Update = {
        sections: changed.filter((name) => sections.has(name)),
        events: sections.has('timeline') ? events : [],
        column: sections.has('charts') ? column : null,
      }
      if (update.sections.length > 0 || update.events.length > 0 || update.column !== null) notify(listener, update)
    }
  }

  clear(): void {
    this.#followers.clear()
  }
}

/** A listener that throws is reported as uncaught, as usual, but not in the midst of our own work. */
function notify(listener: (update: Update) => void, update: Update): void {
  try {
    listener(update)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
