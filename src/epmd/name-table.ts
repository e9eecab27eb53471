import { randomInt } from 'node:crypto'
import type { NodeEntry } from './wire.ts'

/** How many free names are remembered, so that their next registration gets another creation; as many as epmd_srv.c. */
const maxUnused = 1000

/** A name that is registered. */
export interface RegisteredName extends NodeEntry {
  /** Tells incarnations of the name apart; a random u32 from 4 up. */
  readonly creation: number
  /** Number of the connection that holds the name. */
  readonly fd: number
}

/** The names an EPMD knows. */
export class NameTable {
  readonly #active = new Map<string, RegisteredName>()
  readonly #unused = new Map<string, RegisteredName>()

  get active(): Iterable<RegisteredName> {
    return this.#active.values()
  }

  get unused(): Iterable<RegisteredName> {
    return this.#unused.values()
  }

  find(name: string): RegisteredName | undefined {
    return this.#active.get(name)
  }

  /** Registers a name; undefined when it is taken, or one that would garble the NAMES listing. */
  register(entry: NodeEntry, fd: number): RegisteredName | undefined {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (entry.name === '' || /[\x00-\x1f\x7f]/.test(entry.name) || this.#active.has(entry.name)) return undefined
    const last = this.#unused.get(entry.name)?.creation
    const registered = { ...entry, creation: newCreation(entry.highVersion, last), fd }
    this.#unused.delete(entry.name)
    this.#active.set(entry.name, registered)
    return registered
  }

  unregister(registered: RegisteredName): void {
    if (this.#active.get(registered.name) !== registered) return
    this.#active.delete(registered.name)
    this.#unused.set(registered.name, registered)
    if (this.#unused.size > maxUnused) this.#unused.delete(this.#unused.keys().next().value as string)
  }
}

/**
 * Random, since two EPMDs that count up from their start time give one creation twice when they start in one second.
 * 0 means "unknown" and 1 to 3 are what requesters older than OTP 23 get, who have two bits for it.
 */
function newCreation(highVersion: number, last: number | undefined): number {
  for (;;) {
    const creation = highVersion >= 6 ? randomInt(4, 2 ** 32) : randomInt(1, 4)
    if (creation !== last) return creation
  }
}
