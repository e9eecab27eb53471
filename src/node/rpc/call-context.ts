import type { Process } from '../../process/process.ts'
import type { Pid } from '../../term/index.ts'
import type { CallContext } from './exposed.ts'

/** The `this` of a call that runs. */
export class RunningCall implements CallContext {
  readonly caller: string
  readonly from: Pid
  readonly self: Process
  #abandoned = false
  #controller: AbortController | undefined

  constructor(caller: string, from: Pid, self: Process) {
    this.caller = caller
    this.from = from
    this.self = self
  }

  /** Made on first use: most functions never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      const ended = this.self.signal
      if (this.#abandoned) controller.abort()
      else if (ended.aborted) controller.abort(ended.reason)
      else ended.addEventListener('abort', () => controller.abort(ended.reason), { once: true })
    }
    return this.#controller.signal
  }

  /** Nobody waits for the result any more. */
  abandon(): void {
    this.#abandoned = true
    this.#controller?.abort()
  }
}
