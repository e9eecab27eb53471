import type { LocalProcess } from './local-process.ts'

const firstCapacity = 64

/**
 * Living processes by the id of their pid, as OTP keeps them: ids count up, the slot of one is what is left of it modulo
 * the number of slots, and an id whose slot is taken is left out. So there is no hashing and no search, and no id comes
 * again before all others had their turn.
 */
export class ProcessSlots {
  #slots: (LocalProcess | undefined)[] = new Array(firstCapacity)
  #mask = firstCapacity - 1
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Whether no process has this id, nor its slot. */
  isFree(id: number): boolean {
    return this.#slots[id & this.#mask] === undefined
  }

  /** Adds a process whose id is free. */
  add(process: LocalProcess): void {
    this.#slots[process.pid.id & this.#mask] = process
    // An eighth stays free, so that a free id is never far.
    if (++this.#size > this.#slots.length - this.#slots.length / 8) this.#grow()
  }

  find(id: number): LocalProcess | undefined {
    const process = this.#slots[id & this.#mask]
    return process?.pid.id === id ? process : undefined
  }

  remove(process: LocalProcess): void {
    this.#slots[process.pid.id & this.#mask] = undefined
    this.#size--
  }

  *values(): Generator<LocalProcess, void, undefined> {
    for (const process of this.#slots) if (process !== undefined) yield process
  }

  /** Ids with different slots have different ones among twice as many. */
  #grow(): void {
    const capacity = this.#slots.length * 2
    const slots: (LocalProcess | undefined)[] = new Array(capacity)
    for (const process of this.#slots) if (process !== undefined) slots[process.pid.id & (capacity - 1)] = process
    this.#slots = slots
    this.#mask = capacity - 1
  }
}
