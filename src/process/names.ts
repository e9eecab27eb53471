import { OptionError, TsunagiError } from '../base/errors.ts'
import { type Atom, atom } from '../term/atom.ts'
import type { LocalProcess } from './local-process.ts'

/**
 * The names of local processes. As in OTP a name belongs to one process and a process has at most one name; it is free
 * again the moment its process ends.
 */
export class Names {
  readonly #processes = new Map<Atom, LocalProcess>()

  get size(): number {
    return this.#processes.size
  }

  find(name: Atom): LocalProcess | undefined {
    return this.#processes.get(name)
  }

  /** All names, in the order they were registered. */
  list(): string[] {
    return Array.from(this.#processes.keys(), (name) => name.name)
  }

  /** @throws TsunagiError `ERR_NAME_TAKEN` when another process has the name. */
  checkFree(name: Atom): void {
    const owner = this.#processes.get(name)
    if (owner !== undefined) {
      throw new TsunagiError('ERR_NAME_TAKEN', `the name ${name.name} belongs to ${owner.pid} already`)
    }
  }

  register(name: Atom, process: LocalProcess): void {
    this.checkFree(name)
    if (process.nameAtom !== undefined) {
      throw new TsunagiError('ERR_NAME_TAKEN', `${process.pid} has a name already: ${process.nameAtom.name}`)
    }
    this.#processes.set(name, process)
    process.nameAtom = name
  }

  /** Frees a name. False when nobody had it. */
  release(name: Atom): boolean {
    const process = this.#processes.get(name)
    if (process === undefined) return false
    this.#processes.delete(name)
    process.nameAtom = undefined
    return true
  }
}

/** Checks a name that somebody wants to register. `undefined` says "no name" in OTP and is refused there, too. */
export function checkName(name: unknown): Atom {
  if (typeof name !== 'string' || name === '' || name === 'undefined') {
    throw new OptionError('name', name, 'a non-empty name other than "undefined"')
  }
  return atom(name)
}
