import { setImmediate } from 'node:timers/promises'
import type { Timer } from '../base/clock.ts'
import { abortable, withDeadline } from '../base/deadline.ts'
import { TsunagiError } from '../base/errors.ts'
import { late, type Source, type SourceHost } from './source.ts'
import type { Answer, PushStrategy } from './strategy.ts'

/** Answers are taken at most this often, in milliseconds: one that changes its mind all the time costs no more. */
export const PUSH_SPACING = 250

/** One iteration over what a strategy yields. */
interface Run {
  readonly abort: AbortController
  readonly first: Promise<void>
  latest: { readonly answer: Answer } | undefined
  /** It has ended, and its last word was not taken yet. */
  over: { readonly error: unknown } | undefined
}

/** A strategy that tells by itself. It is iterated from the first look on, and again after it has ended. */
export class Watch implements Source {
  readonly #strategy: PushStrategy
  readonly #host: SourceHost
  #run: Run | undefined
  #due: Timer | undefined
  #notBefore = 0
  /** The end that is about to be told. */
  #ending: symbol | undefined

  constructor(strategy: PushStrategy, host: SourceHost) {
    this.#strategy = strategy
    this.#host = host
  }

  get live(): boolean {
    return this.#run !== undefined
  }

  async look(signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    const run = this.#run ?? this.#start()
    if (run.latest === undefined) await this.#firstOf(run, signal)
    this.#due?.cancel()
    this.#due = undefined
    this.#notBefore = this.#host.clock.now() + PUSH_SPACING
    if (run.over !== undefined && this.#run === run) this.#finish(run.over.error)
    return (run.latest as { answer: Answer }).answer
  }

  close(): void {
    this.#ending = undefined
    this.#due?.cancel()
    this.#due = undefined
    this.#run?.abort.abort(new TsunagiError('ERR_CLOSED', 'nobody waits for this answer any more'))
    this.#run = undefined
  }

  async #firstOf(run: Run, signal: AbortSignal): Promise<void> {
    const { clock } = this.#host
    const timeout = this.#host.timeout()
    try {
      await withDeadline(
        { clock, timeout, signal },
        () => late(timeout),
        (limit) => abortable(run.first, limit),
      )
    } catch (error) {
      if (this.#run === run) this.close()
      throw error
    }
  }

  #start(): Run {
    let answered!: () => void
    let failed!: (error: unknown) => void
    const first = new Promise<void>((resolve, reject) => {
      answered = resolve
      failed = reject
    })
    // Whoever waits for it hears of it.
    first.catch(() => {})
    const run: Run = { abort: new AbortController(), first, latest: undefined, over: undefined }
    this.#run = run
    const take = (answer: Answer): void => {
      if (this.#run !== run) return
      const isFirst = run.latest === undefined
      run.latest = { answer }
      if (isFirst) answered()
      else this.#announce()
    }
    this.#iterate(run, take).then(
      () =>
        this.#ended(run, failed, new TsunagiError('ERR_CLOSED', `the strategy ${this.#strategy.name} ended its watch`)),
      (error: unknown) => this.#ended(run, failed, error),
    )
    return run
  }

  async #iterate({ abort: { signal } }: Run, take: (answer: Answer) => void): Promise<void> {
    // From here, so that a strategy that throws at once is one that rejects.
    const iterator = this.#strategy.watch(this.#host.context(signal))[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { value, done } = await abortable(iterator.next(), signal)
        if (done === true) return
        take(value)
        // One that yields without ever waiting must not keep everybody else from their turn.
        await setImmediate()
      }
    } finally {
      // Not awaited: it may hang as well as its `next`.
      endQuietly(iterator)
    }
  }

  #ended(run: Run, failed: (error: unknown) => void, error: unknown): void {
    // What hangs on the signal ends with the iteration, however that ended.
    run.abort.abort(error)
    if (this.#run !== run) return
    if (this.#due !== undefined) run.over = { error }
    else if (run.latest !== undefined) this.#finish(error)
    else {
      this.#run = undefined
      failed(error)
    }
  }

  /** Tells of the end when whoever takes an answer at this moment has taken it. */
  #finish(error: unknown): void {
    this.#run = undefined
    const ending = Symbol('ending')
    this.#ending = ending
    void setImmediate().then(() => {
      if (this.#ending === ending) this.#host.onEnd(error)
    })
  }

  #announce(): void {
    if (this.#due !== undefined) return
    const wait = Math.max(0, this.#notBefore - this.#host.clock.now())
    this.#due = this.#host.clock.after(wait, () => {
      this.#due = undefined
      this.#host.onChange()
    })
  }
}

function endQuietly(iterator: AsyncIterator<unknown>): void {
  const end = async (): Promise<unknown> => await iterator.return?.()
  end().catch(() => {
    // Nobody asks any more how it went.
  })
}
