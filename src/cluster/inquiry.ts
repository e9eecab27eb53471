import { Lookups } from './lookups.ts'
import type { Source, SourceHost } from './source.ts'
import type { Strategy } from './strategy.ts'
import { Watch } from './watch.ts'

/** An answer, and what ends all that follows from it. */
export interface Answered {
  readonly answer: unknown
  readonly signal: AbortSignal
}

/** Why a lookup ends whose strategy was replaced. */
const REPLACED = Symbol('replaced')

/** What a topology asks its strategy, step by step. The strategy can be replaced meanwhile, and all of it be ended. */
export class Inquiry {
  readonly #host: SourceHost
  #source: Source
  #step = new AbortController()
  #asking = false

  constructor(strategy: Strategy, host: SourceHost) {
    this.#host = host
    this.#source = this.#open(strategy)
  }

  /** Whether the strategy will tell of changes by itself. */
  get live(): boolean {
    return this.#source.live
  }

  /** Why the last step was ended from outside; undefined when it was not. */
  get ended(): Error | undefined {
    const { aborted, reason } = this.#step.signal
    return aborted && reason instanceof Error ? reason : undefined
  }

  /** Begins a step that asks nothing. */
  begin(): AbortSignal {
    this.#step = new AbortController()
    return this.#step.signal
  }

  /** Asks the strategy; the new one, when it is replaced meanwhile. */
  async look(): Promise<Answered> {
    for (;;) {
      const signal = this.begin()
      this.#asking = true
      try {
        const answer = await this.#source.look(signal)
        signal.throwIfAborted()
        return { answer, signal }
      } catch (error) {
        if (signal.reason !== REPLACED) throw error
      } finally {
        this.#asking = false
      }
    }
  }

  replace(strategy: Strategy): void {
    this.#source.close()
    this.#source = this.#open(strategy)
    if (this.#asking) this.#step.abort(REPLACED)
  }

  /** Nobody listens until the next look. */
  rest(): void {
    this.#source.close()
  }

  /** Ends the step under way too. */
  end(reason: Error): void {
    this.#source.close()
    this.#step.abort(reason)
  }

  #open(strategy: Strategy): Source {
    return 'watch' in strategy ? new Watch(strategy, this.#host) : new Lookups(strategy, this.#host)
  }
}
