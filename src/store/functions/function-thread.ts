import { Worker } from 'node:worker_threads'
import { EncodeError, type Term } from '../../term/index.ts'
import type { Compilable } from './compile.ts'
import { FunctionError, quoted } from './function-error.ts'
import { unpack } from './packed-terms.ts'
import { restoreThrown, type Thrown } from './thrown.ts'

/** One call, as the thread gets it. */
export interface ToThread {
  /** Which function, of which source. */
  readonly key: string
  /** The function, when the thread does not have it yet. */
  readonly what: Compilable | undefined
  /** The arguments, packed. */
  readonly args: Uint8Array<ArrayBuffer>
  /** Forget all functions first. */
  readonly fresh: boolean
}

/** What the thread answers. */
export type FromThread =
  | { readonly type: 'result'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'thrown'; readonly thrown: Thrown }
  | { readonly type: 'no-term'; readonly message: string; readonly path: string }

interface Call {
  readonly name: string
  readonly resolve: (value: Term) => void
  readonly reject: (reason: unknown) => void
}

const MiB = 1024 * 1024
const MOST_COMPILED = 1000
const STACK_MIB = 4
const YOUNG_MIB = 16

/** A thread that runs distributed functions, one call at a time. */
export class FunctionThread {
  readonly #worker: Worker
  readonly #compiled = new Set<string>()
  #call: Call | undefined
  #failure: Error | undefined
  #ended = false

  /** `onEnd` is called once, when the thread is no more; a call that was running has been rejected then. */
  constructor(memory: number, onEnd: (thread: FunctionThread) => void) {
    this.#worker = new Worker(workerUrl(), {
      name: 'tsunagi-function',
      // The parent's flags (loaders, inspectors, coverage) are of no use to the thread and slow its start.
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(memory / MiB),
        maxYoungGenerationSizeMb: YOUNG_MIB,
        stackSizeMb: STACK_MIB,
      },
    })
    this.#worker.on('message', (answer: FromThread) => this.#answer(answer))
    this.#worker.on('error', (error) => {
      this.#failure = error
    })
    this.#worker.once('exit', () => {
      this.#ended = true
      const call = this.#take()
      call?.reject(this.#endError(call.name))
      onEnd(this)
    })
    this.#worker.unref()
  }

  /** False once it was told to end, or ended by itself. */
  get usable(): boolean {
    return !this.#ended
  }

  /**
   * Runs a function. There must be no other call under way. It has no bound: who is tired of waiting ends the thread.
   *
   * Rejects with what the function threw, with an EncodeError when its result is no term, or with `ERR_FUNCTION_ENDED`.
   */
  run(what: Compilable, args: Uint8Array<ArrayBuffer>): Promise<Term> {
    const key = `${what.hash} ${what.name}`
    const known = this.#compiled.has(key)
    const fresh = !known && this.#compiled.size >= MOST_COMPILED
    if (fresh) this.#compiled.clear()
    this.#compiled.add(key)
    const message: ToThread = { key, what: known ? undefined : what, args, fresh }
    return new Promise((resolve, reject) => {
      this.#call = { name: what.name, resolve, reject }
      this.#worker.ref()
      this.#worker.postMessage(message, [args.buffer])
    })
  }

  /** Ends the thread wherever it is, even in an endless loop. Idempotent. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#worker.terminate()
  }

  #answer(answer: FromThread): void {
    const call = this.#take()
    if (call === undefined) return
    try {
      if (answer.type === 'result') call.resolve(unpack(answer.bytes))
      else if (answer.type === 'thrown') call.reject(restoreThrown(answer.thrown))
      else call.reject(new EncodeError(`the result of ${quoted(call.name)}: ${answer.message}`, answer.path))
    } catch (error) {
      call.reject(error)
    }
  }

  #take(): Call | undefined {
    const call = this.#call
    this.#call = undefined
    this.#worker.unref()
    return call
  }

  #endError(name: string): FunctionError {
    const cause = this.#failure
    const memory = (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const why = memory ? 'it needs more memory than `functions.memory`' : (cause?.message ?? 'its thread was ended')
    return new FunctionError('ERR_FUNCTION_ENDED', `${quoted(name)} was ended: ${why}`, { function: name, cause })
  }
}

/**
 * Where the thread's code is. Run from source, as by this project's tests, this file is TypeScript, which a worker of
 * Node 20 cannot load; the built file next to it in `dist` is the same code.
 */
function workerUrl(): URL {
  const path = import.meta.url.endsWith('.ts') ? '../../../dist/store/functions/worker.js' : './worker.js'
  return new URL(path, import.meta.url)
}
