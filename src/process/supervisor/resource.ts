import { OptionError } from '../../base/errors.ts'
import { atom } from '../../term/atom.ts'
import type { Term } from '../../term/term.ts'
import { isTuple } from '../../term/tuple.ts'
import { NORMAL } from '../exit-signal.ts'
import type { ServerHandlers, ServerProcess } from '../gen-server.ts'
import type { Process } from '../process.ts'

/** What a supervisor can keep beside processes: it is open when it is there, and can be closed. */
export type Resource = (Closable | AsyncDisposable) & {
  /** If there is one: resolves when it ended by itself, rejects when it failed. Then its child ends, and is restarted. */
  readonly ended?: PromiseLike<unknown> | undefined
}

/** Something with a `close`. Called once. */
export interface Closable {
  close(): unknown
}

/** Makes what is supervised. `self` is the process that stands for it; `self.signal` aborts when that is killed. */
export type ResourceStart = (self: Process) => Resource | PromiseLike<Resource>

const EXIT = atom('EXIT')

/** The process that stands for a resource. It traps exits, so that the resource is closed before it ends. */
export class ResourceServer implements ServerHandlers {
  readonly #start: ResourceStart
  #resource: Resource | undefined
  #error: unknown

  constructor(start: ResourceStart) {
    this.#start = start
  }

  async init(self: ServerProcess): Promise<void> {
    this.#resource = await this.#start(self)
    if (!isResource(this.#resource)) {
      throw new OptionError('start', this.#resource, 'a function that makes something with close()')
    }
    // When it is killed there is no `terminate`.
    self.signal.addEventListener('abort', () => void this.#closeQuietly(), { once: true })
    if (self.signal.aborted) return void (await this.#closeQuietly())
    this.#resource.ended?.then(
      () => self.stop(),
      (error: unknown) => {
        this.#error = error
        self.continue(undefined)
      },
    )
  }

  handleContinue(): never {
    throw this.#error
  }

  handleInfo(message: Term, self: ServerProcess): void {
    if (isTuple(message) && message[0] === EXIT && message[2] !== NORMAL) self.stop(message[2])
  }

  async terminate(): Promise<void> {
    const resource = this.#resource
    this.#resource = undefined
    if (resource === undefined) return
    if ('close' in resource) await resource.close()
    else await resource[Symbol.asyncDispose]()
  }

  /** Nobody is left to hear of an error. */
  async #closeQuietly(): Promise<void> {
    await this.terminate().catch(() => {})
  }

  formatStatus(): Term {
    return {}
  }
}

function isResource(value: unknown): value is Resource {
  if (typeof value !== 'object' || value === null) return false
  return ('close' in value && typeof value.close === 'function') || Symbol.asyncDispose in value
}
