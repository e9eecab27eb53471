import { TsunagiError } from '../../base/errors.ts'
import type { Term } from '../../term/index.ts'
import type { Compilable } from './compile.ts'
import { FunctionError } from './function-error.ts'
import { FunctionThread } from './function-thread.ts'
import { pack } from './packed-terms.ts'

/** Calls that may wait for a thread. */
const MOST_WAITING = 10_000

interface Waiting {
  readonly take: (thread: FunctionThread) => void
  readonly reject: (reason: unknown) => void
}

/** The threads of a node's functions: started when needed, at most so many, replaced when one had to be ended. */
export class FunctionThreads {
  readonly #most: number
  readonly #memory: number
  readonly #all = new Set<FunctionThread>()
  #idle: FunctionThread[] = []
  readonly #waiting = new Set<Waiting>()
  #closed = false

  constructor(options: { readonly workers: number; readonly memory: number }) {
    this.#most = options.workers
    this.#memory = options.memory
  }

  /**
   * Runs a function in a thread. When `signal` aborts the thread is ended, since nothing else stops what it runs, and the
   * call rejects with the signal's reason.
   *
   * @throws what the function threw; EncodeError for arguments or a result that are no terms; FunctionError
   * `ERR_FUNCTION_ENDED`; TsunagiError `ERR_LIMIT`, `ERR_CLOSED`
   */
  async run(what: Compilable, args: readonly unknown[], signal: AbortSignal): Promise<Term> {
    const packed = pack(args as readonly Term[])
    const thread = await this.#thread(signal)
    let onAbort: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(signal.reason)
        void thread.end()
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      const running = thread.run(what, packed)
      // After an abort nobody hears how it ends.
      running.catch(() => {})
      return await Promise.race([running, aborted])
    } catch (error) {
      if (this.#closed && error instanceof FunctionError && error.code === 'ERR_FUNCTION_ENDED') throw closed()
      throw error
    } finally {
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
      this.#release(thread)
    }
  }

  /** Ends all threads; calls that run or wait reject. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting) reject(closed())
    this.#waiting.clear()
    await Promise.all(Array.from(this.#all, (thread) => thread.end()))
  }

  async #thread(signal: AbortSignal): Promise<FunctionThread> {
    signal.throwIfAborted()
    if (this.#closed) throw closed()
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#all.size < this.#most) return this.#start()
    if (this.#waiting.size >= MOST_WAITING) {
      throw new TsunagiError('ERR_LIMIT', `${MOST_WAITING} calls of functions wait for a thread already`)
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
      }
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          signal.removeEventListener('abort', onAbort)
          how(value)
        }
      const waiting: Waiting = { take: settle(resolve), reject: settle(reject) }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #start(): FunctionThread {
    const thread = new FunctionThread(this.#memory, () => this.#ended(thread))
    this.#all.add(thread)
    return thread
  }

  #release(thread: FunctionThread): void {
    if (!thread.usable) return
    const next = this.#next()
    if (next === undefined) this.#idle.push(thread)
    else next.take(thread)
  }

  #ended(thread: FunctionThread): void {
    this.#all.delete(thread)
    this.#idle = this.#idle.filter((idle) => idle !== thread)
    if (!this.#closed) this.#next()?.take(this.#start())
  }

  #next(): Waiting | undefined {
    const [first] = this.#waiting
    if (first !== undefined) this.#waiting.delete(first)
    return first
  }
}

function closed(): TsunagiError {
  return new TsunagiError('ERR_CLOSED', 'the store is closed')
}
