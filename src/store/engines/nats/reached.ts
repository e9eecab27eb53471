import { abortable } from '../../../base/deadline.ts'

/** How far a copy is, and who waits for it to be further. Looks at no more than those who need not wait any more. */
export class Reached {
  #revision = 0
  readonly #waiting = new Map<number, { readonly promise: Promise<void>; readonly wake: () => void }>()

  /** The last revision seen. */
  get revision(): number {
    return this.#revision
  }

  seen(revision: number): void {
    const before = this.#revision
    if (revision <= before) return
    this.#revision = revision
    if (revision - before <= this.#waiting.size) {
      for (let next = before + 1; next <= revision; next++) this.#wake(next)
    } else {
      for (const next of this.#waiting.keys()) if (next <= revision) this.#wake(next)
    }
  }

  /** Revisions begin anew. */
  restart(): void {
    this.#revision = 0
  }

  /** Resolves when a revision has been seen, or a later one. @throws the signal's reason */
  wait(revision: number, signal: AbortSignal): Promise<void> {
    let waiting = this.#waiting.get(revision)
    if (waiting === undefined) {
      let wake = (): void => {}
      const promise = new Promise<void>((resolve) => {
        wake = resolve
      })
      waiting = { promise, wake }
      this.#waiting.set(revision, waiting)
    }
    return abortable(waiting.promise, signal)
  }

  #wake(revision: number): void {
    this.#waiting.get(revision)?.wake()
    this.#waiting.delete(revision)
  }
}
