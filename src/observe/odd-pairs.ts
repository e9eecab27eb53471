import type { ClusterModel } from './cluster-model.ts'
import type { KnownNode } from './known-node.ts'
import type { OddPair } from './view.ts'

/** Pairs that are told of. */
const MAX_PAIRS = 100
/** Reports are not of the same moment: what they disagree about has to stay so for some time, in milliseconds. */
const SETTLED = 2000

/**
 * Pairs of nodes that are both up, where one does not see the other although it wants to, or although the other one says
 * that it does; and pairs of visible BEAM nodes without a link.
 */
export class OddPairs {
  readonly #first = new Map<string, { readonly pair: OddPair; readonly at: number }>()
  #pairs: readonly OddPair[] = []

  get pairs(): readonly OddPair[] {
    return this.#pairs
  }

  update(model: ClusterModel, now: number): void {
    const found = new Map<string, OddPair>()
    for (const node of model.nodes) {
      if (node.sees === undefined) continue
      for (const other of missed(node, model)) {
        if (found.size >= MAX_PAIRS) break
        const kind = model.find(other)?.sees?.has(node.name) === true ? 'asymmetric' : 'missing'
        found.set(`${node.name} ${other}`, { kind, from: node.name, to: other, since: now })
      }
    }
    for (const key of this.#first.keys()) if (!found.has(key)) this.#first.delete(key)
    for (const [key, pair] of found) {
      const first = this.#first.get(key)
      if (first === undefined) this.#first.set(key, { pair, at: now })
      else if (first.pair.kind !== pair.kind) {
        this.#first.set(key, { pair: { ...pair, since: first.pair.since }, at: first.at })
      }
    }
    this.#pairs = [...this.#first.values()].filter((it) => settled(it, model, now)).map(({ pair }) => pair)
  }
}

/** Nodes that are up and that a node should see and does not. */
function missed(node: KnownNode, model: ClusterModel): string[] {
  const sees = node.sees as ReadonlySet<string>
  const wanted = new Set<string>()
  for (const link of node.report?.links ?? []) {
    if (link.wantedBy.length > 0 && link.state !== 'barred') wanted.add(link.to)
  }
  const barred = new Set(node.report?.links.filter((link) => link.state === 'barred').map((link) => link.to))
  const missing: string[] = []
  for (const other of model.nodes) {
    if (other === node || sees.has(other.name) || barred.has(other.name) || !model.isUp(other.name)) continue
    const claims = other.sees?.has(node.name) === true
    const visible = isVisibleBeam(node, model) && isVisibleBeam(other, model)
    // A node that says it sees nobody of those who see it tells of a link that is not there.
    if (claims || wanted.has(other.name) || visible) missing.push(other.name)
  }
  return missing
}

/** A BEAM node that others have a visible link to. */
function isVisibleBeam(node: KnownNode, model: ClusterModel): boolean {
  if (node.kind !== 'beam' || node.sees === undefined) return false
  return model.self.report?.links.some((link) => link.to === node.name && link.hidden === false) === true
}

/** Both have told since, and it is still so. */
function settled({ pair, at }: { pair: OddPair; at: number }, model: ClusterModel, now: number): boolean {
  if (now - at < SETTLED) return false
  // Somebody still sees the node that is missed, or it tells itself.
  const to = model.find(pair.to)
  if (to?.isSelf === true || (to?.sees !== undefined && to.heardAt > at)) return true
  return model.seenBy(pair.to).some((name) => {
    const seer = model.find(name)
    return seer !== undefined && (seer.isSelf || seer.heardAt > at)
  })
}
