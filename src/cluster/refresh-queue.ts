import { setImmediate } from 'node:timers/promises'

/** A refresh that has not begun. All who ask meanwhile share it. */
interface Planned<T> {
  hurry: boolean
  /** Why it will not begin after all. */
  cancelled: Error | undefined
  readonly result: Promise<T>
}

/**
 * Runs refreshes one after another. What is asked for while one is under way is one more, so that its answer was looked up
 * after it was asked for.
 */
export class RefreshQueue<T> {
  readonly #run: (hurry: boolean) => Promise<T>
  /** The first begins in the next turn, so that who listens right after the topology was made hears of it. */
  #current: Promise<unknown> = setImmediate()
  #planned: Planned<T> | undefined

  constructor(run: (hurry: boolean) => Promise<T>) {
    this.#run = run
  }

  /** Whether one waits for the end of the one under way. */
  get waiting(): boolean {
    return this.#planned !== undefined
  }

  /** Plans a refresh for when the one under way has ended. Whoever drops the promise has to catch its rejection. */
  add(hurry: boolean): Promise<T> {
    if (this.#planned !== undefined && this.#planned.cancelled === undefined) {
      if (hurry) this.#planned.hurry = true
      return this.#planned.result
    }
    const begin = (): Promise<T> => {
      if (this.#planned === planned) this.#planned = undefined
      return planned.cancelled === undefined ? this.#run(planned.hurry) : Promise.reject(planned.cancelled)
    }
    const planned: Planned<T> = { hurry, cancelled: undefined, result: this.#current.then(begin, begin) }
    this.#planned = planned
    this.#current = planned.result
    return planned.result
  }

  /** The one that waits is not run; who waits for it gets the reason. */
  cancel(reason: Error): void {
    if (this.#planned !== undefined) this.#planned.cancelled = reason
  }
}
