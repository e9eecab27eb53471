import { expect, vi } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import type { Answer, FoundNode, PushStrategy } from '../../../src/cluster/strategy.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { strategyContext } from '../../../src/testing/strategy-context.ts'
import { LogBook } from '../../process/network.ts'

/** Follows the watch of a strategy, and has its last answer. */
export class Follower implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly log = new LogBook()
  /** Resolves when the watch has ended, with its error. */
  readonly over: Promise<unknown>
  answers = 0
  nodes: readonly (string | FoundNode)[] = []
  /** Whether the last answer was whole. */
  whole = false
  readonly #abort = new AbortController()

  /** `clock`: another than its own, which stands still. */
  constructor(strategy: PushStrategy, more: { self?: string; cookie?: string; clock?: Clock } = {}) {
    const context = strategyContext({ clock: this.clock, ...more, logger: this.log, signal: this.#abort.signal })
    const follow = async (): Promise<void> => {
      for await (const answer of strategy.watch(context)) {
        this.answers++
        this.#take(answer)
      }
    }
    this.over = follow().then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  get names(): string[] {
    return this.nodes.map((node) => (typeof node === 'string' ? node : node.name)).sort()
  }

  async sees(...names: string[]): Promise<void> {
    const patience = { timeout: 20_000 }
    await vi.waitFor(() => expect([this.answers > 0, this.names]).toEqual([true, names]), patience)
  }

  #take(answer: Answer): void {
    const {
      nodes,
      errors,
      whole = errors.length === 0,
    } = Symbol.iterator in answer ? { nodes: answer, errors: [] } : answer
    this.nodes = [...nodes]
    this.whole = whole
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new Error('the test is over'))
    await this.over
  }
}
