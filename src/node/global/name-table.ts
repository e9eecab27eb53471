import type { Atom, Pid, Term } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import type { ExternalName, NameEntry } from './messages.ts'
import type { Watch, Watches } from './watches.ts'

interface Registered extends NameEntry {
  readonly watch: Watch
  /** The node that registered it for a C node. */
  readonly node: Atom | undefined
}

/** The global names as this node knows them. A name goes when its process does. */
export class NameTable {
  readonly #watches: Watches
  readonly #names = new Map<unknown, Registered>()
  readonly #ofPid = new Map<string, Set<unknown>>()

  constructor(watches: Watches) {
    this.#watches = watches
  }

  get size(): number {
    return this.#names.size
  }

  find(name: Term): NameEntry | undefined {
    return this.#names.get(termKey(name))
  }

  /** Everything, as it is told to another partition. */
  entries(): NameEntry[] {
    return [...this.#names.values()]
  }

  /** The names a node registered for C nodes. */
  external(): ExternalName[] {
    const names: ExternalName[] = []
    for (const { name, pid, node } of this.#names.values()) if (node !== undefined) names.push({ name, pid, node })
    return names
  }

  /** The names a process has. */
  namesOf(pid: Pid): Term[] {
    return Array.from(this.#ofPid.get(pid.key) ?? [], (key) => this.#names.get(key)?.name)
  }

  /** Gives a name to a process, whoever had it before. */
  insert(entry: NameEntry, node?: Atom): void {
    const key = termKey(entry.name)
    this.#delete(key)
    const { name, pid, method } = entry
    const watch = this.#watches.add(pid, () => this.#delete(key))
    this.#names.set(key, { name, pid, method, watch, node })
    const keys = this.#ofPid.get(pid.key)
    if (keys === undefined) this.#ofPid.set(pid.key, new Set([key]))
    else keys.add(key)
  }

  remove(name: Term): void {
    this.#delete(termKey(name))
  }

  #delete(key: unknown): void {
    const entry = this.#names.get(key)
    if (entry === undefined) return
    entry.watch.cancel()
    this.#names.delete(key)
    const keys = this.#ofPid.get(entry.pid.key)
    keys?.delete(key)
    if (keys?.size === 0) this.#ofPid.delete(entry.pid.key)
  }
}

/** Tells of names which node registered them for a C node, if one did. */
export function externalNodes(external: readonly ExternalName[]): (entry: NameEntry) => Atom | undefined {
  const names = new Map(external.map((it) => [termKey(it.name), it]))
  return ({ name, pid }) => {
    const found = names.get(termKey(name))
    return found?.pid.equals(pid) === true ? found.node : undefined
  }
}
