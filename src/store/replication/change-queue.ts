import type { Action } from './action.ts'
import type { TableChange, TableConflict } from './table.ts'

type Told = Extract<Action, { kind: 'change' | 'replaced' | 'conflict' }>

/** What it counts for when there was nothing to tell. */
const PAUSE = 50

/** Who is told. */
export interface ChangeListener {
  change(change: TableChange, source: string): void
  conflict(conflict: TableConflict): void
}

/** Tells of changes in their order: at once, but for those of a replaced table, which are told little by little. */
export class ChangeQueue {
  readonly #listener: ChangeListener
  readonly #queue: Told[] = []
  #next = 0

  constructor(listener: ChangeListener) {
    this.#listener = listener
  }

  /** Nothing is left to tell. */
  get isEmpty(): boolean {
    return this.#next === this.#queue.length
  }

  add(action: Told): void {
    if (this.isEmpty && action.kind !== 'replaced') this.#tell(action)
    else this.#queue.push(action)
  }

  /** Tells some of what is left: about so many changes. */
  tell(most: number): void {
    for (let left = most; left > 0 && !this.isEmpty; ) {
      const action = this.#queue[this.#next] as Told
      if (action.kind === 'replaced') {
        const { done, value } = action.changes.next()
        if (!done) {
          left -= value === undefined ? PAUSE : 1
          if (value !== undefined) this.#listener.change(value, action.source)
          continue
        }
      } else this.#tell(action)
      left--
      this.#next++
    }
    if (this.#next < 4096 && !this.isEmpty) return
    this.#queue.splice(0, this.#next)
    this.#next = 0
  }

  #tell(action: Exclude<Told, { kind: 'replaced' }>): void {
    if (action.kind === 'change') this.#listener.change(action.change, action.source)
    else this.#listener.conflict(action.conflict)
  }
}
