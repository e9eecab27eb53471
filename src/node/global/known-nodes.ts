import type { Atom } from '../../term/index.ts'
import type { KnownNode } from './messages.ts'

/** More nodes a partition does not have here: each is dialled, and peers can name as many as they like. */
export const MAX_KNOWN = 10_000

/** Whom a name server counts among its cluster, and how far it is with the others. */
export class KnownNodes {
  readonly #self: Atom
  /** Nodes of our partition, with the protocol versions they speak; 0 while that is not known. */
  readonly #known = new Map<Atom, number>()
  /** Nodes whose partition is about to be joined with ours, with their versions. */
  readonly pending = new Map<Atom, number>()
  /** Nodes we cut, or asked to cut us, so that the end of that connection is no news. */
  readonly removing = new Set<Atom>()
  /** Nodes that have the same names as we do. */
  readonly synced = new Set<Atom>()

  constructor(self: Atom) {
    this.#self = self
  }

  get versions(): ReadonlyMap<Atom, number> {
    return this.#known
  }

  get nodes(): Atom[] {
    return [...this.#known.keys()]
  }

  has(node: Atom): boolean {
    return this.#known.has(node)
  }

  /** Whether a node is of our partition, or about to be. */
  mayBeKnown(node: Atom): boolean {
    return this.#known.has(node) || this.pending.has(node)
  }

  versionOf(node: Atom): number {
    return this.#known.get(node) ?? this.pending.get(node) ?? 0
  }

  /** Adds nodes, or learns their versions; answers those that were not known before. */
  add(nodes: Iterable<KnownNode>): Atom[] {
    const added: Atom[] = []
    for (const [node, version] of nodes) {
      if (node === this.#self) continue
      const known = this.#known.get(node)
      if (known === undefined && this.#known.size >= MAX_KNOWN) continue
      if (known === undefined) added.push(node)
      if (known === undefined || known === 0) this.#known.set(node, version)
    }
    return added
  }

  remove(node: Atom): void {
    this.#known.delete(node)
    this.pending.delete(node)
    this.synced.delete(node)
  }
}
