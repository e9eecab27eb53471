import type { CallContext } from '../../../src/node/rpc/exposed.ts'

interface HeldCall {
  readonly context: CallContext
  readonly aborted: Promise<void>
  readonly finish: () => void
}

/** A function to expose that runs until the test ends it, and what each of its calls saw. */
export class Held {
  readonly #calls: HeldCall[] = []
  #woken: (() => void) | undefined
  /** The function itself. */
  readonly hold: (this: CallContext) => Promise<string>

  constructor() {
    const take = (call: HeldCall): void => {
      this.#calls.push(call)
      this.#woken?.()
    }
    this.hold = async function (this: CallContext): Promise<string> {
      const { signal } = this
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await new Promise<void>((finish) => take({ context: this, aborted, finish }))
      return 'held'
    }
  }

  get count(): number {
    return this.#calls.length
  }

  /** Resolves when it was called so often. */
  async called(count: number): Promise<void> {
    while (this.#calls.length < count) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve
      })
    }
  }

  context(call: number): CallContext {
    return this.#at(call).context
  }

  /** Resolves when the signal of a call aborted. */
  aborted(call: number): Promise<void> {
    return this.#at(call).aborted
  }

  finish(call: number): void {
    this.#at(call).finish()
  }

  #at(call: number): HeldCall {
    const found = this.#calls[call]
    if (found === undefined) throw new RangeError(`it was called ${this.#calls.length} times`)
    return found
  }
}
