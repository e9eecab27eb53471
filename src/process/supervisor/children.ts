import { type Atom, isAtom } from '../../term/atom.ts'
import { Pid } from '../../term/identifiers.ts'
import type { Term } from '../../term/term.ts'
import type { LocalProcess } from '../local-process.ts'
import type { Child } from './child.ts'
import { keyOf } from './options.ts'

/** The children of a supervisor, in the order they were started first. */
export class Children implements Iterable<Child> {
  readonly #all = new Set<Child>()
  readonly #byId = new Map<string, Child>()
  readonly #byPid = new Map<string, Child>()

  /** Those after and with `first`; all without it. */
  from(first?: Child): Child[] {
    const all = [...this.#all]
    return first === undefined ? all : all.slice(all.indexOf(first))
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#all.values()
  }

  has(child: Child): boolean {
    return this.#all.has(child)
  }

  add(child: Child): void {
    this.#all.add(child)
    if (child.spec.id !== undefined) this.#byId.set(keyOf(child.spec.id), child)
  }

  delete(child: Child): void {
    this.#all.delete(child)
    if (child.spec.id !== undefined) this.#byId.delete(keyOf(child.spec.id))
  }

  /** By what a caller, perhaps on another node, says: an id in any form, or a pid. */
  find(which: Term): Child | undefined {
    if (which instanceof Pid) return this.byPid(which)
    return typeof which === 'string' || isAtom(which) ? this.byId(which) : undefined
  }

  byId(id: string | Atom): Child | undefined {
    return this.#byId.get(keyOf(id))
  }

  byPid(pid: Pid): Child | undefined {
    return this.#byPid.get(pid.key)
  }

  /** A child's process was made, or is gone. */
  setProcess(child: Child, process: LocalProcess | undefined): void {
    if (child.process !== undefined) this.#byPid.delete(child.process.pid.key)
    child.process = process
    if (process !== undefined) this.#byPid.set(process.pid.key, child)
  }
}
