import { abortable, withDeadline } from '../base/deadline.ts'
import { late, type Source, type SourceHost } from './source.ts'
import type { Answer, PullStrategy } from './strategy.ts'

/** A strategy that is asked. */
export class Lookups implements Source {
  readonly live = false
  readonly #strategy: PullStrategy
  readonly #host: SourceHost

  constructor(strategy: PullStrategy, host: SourceHost) {
    this.#strategy = strategy
    this.#host = host
  }

  look(signal: AbortSignal): Promise<Answer> {
    const { clock } = this.#host
    const timeout = this.#host.timeout()
    return withDeadline(
      { clock, timeout, signal },
      () => late(timeout),
      // One that does not heed its signal is left alone with what it does.
      async (limit) => await abortable(this.#ask(limit), limit),
    )
  }

  async #ask(signal: AbortSignal): Promise<Answer> {
    return await this.#strategy.discover(this.#host.context(signal))
  }

  close(): void {}
}
