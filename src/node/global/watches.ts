import type { Process } from '../../process/process.ts'
import { type Atom, atom, isTuple, type Pid, Reference, type Term } from '../../term/index.ts'

const DOWN = atom('DOWN')

/** A monitor on a process that has a name or holds a lock. */
export interface Watch {
  cancel(): void
}

interface Entry {
  readonly node: Atom
  readonly onDown: () => void
}

/** The monitors of a name server, by their references and by the nodes they lead to. */
export class Watches {
  readonly #process: Process
  readonly #entries = new Map<string, Entry>()
  /** What fired while it was being set. */
  #early: string | undefined

  constructor(process: Process) {
    this.#process = process
  }

  get size(): number {
    return this.#entries.size
  }

  /** Calls `onDown` when the process ends, does not exist, or cannot be reached; never before this returns. */
  add(pid: Pid, onDown: () => void): Watch {
    this.#early = undefined
    const ref = this.#process.monitor(pid)
    const key = ref.key
    this.#entries.set(key, { node: pid.nodeAtom, onDown })
    if (this.#early === key) queueMicrotask(() => this.#fire(key))
    return {
      cancel: () => {
        if (this.#entries.delete(key)) this.#process.demonitor(ref)
      },
    }
  }

  /** Takes a message if it is a DOWN, ours or not. */
  take(message: Term): boolean {
    if (!isTuple(message) || message.length !== 5 || message[0] !== DOWN) return false
    const ref = message[1]
    if (ref instanceof Reference) {
      if (this.#entries.has(ref.key)) this.#fire(ref.key)
      else this.#early = ref.key
    }
    return true
  }

  #fire(key: string): void {
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    entry?.onDown()
  }

  /** Acts as if all processes of a node had ended. */
  dropNode(node: Atom): void {
    for (const { node: of, onDown } of [...this.#entries.values()]) {
      // `onDown` cancels its watch, or finds that there is nothing left to do.
      if (of === node) onDown()
    }
  }
}
