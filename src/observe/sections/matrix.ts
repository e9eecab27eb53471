import type { ClusterModel } from '../cluster-model.ts'
import type { KnownNode } from '../known-node.ts'
import type { MatrixCell, MatrixView, OddPair } from '../view.ts'

const MAX_NODES = 100

export function matrixView(model: ClusterModel, odd: readonly OddPair[]): MatrixView {
  const all = model.sorted().filter((node) => node.state !== 'down')
  const nodes = all.slice(0, MAX_NODES)
  const pairs = new Set(odd.map(({ from, to }) => `${from} ${to}`))
  return {
    nodes: nodes.map((node) => node.name),
    rows: nodes.map((node) => {
      const rtts = new Map(node.report?.links.map((link) => [link.to, link.rtt]))
      const cells = nodes.map((to): MatrixCell | null => {
        if (to === node) return null
        const rtt = (node.sees === undefined ? null : rtts.get(to.name)) ?? null
        return { sees: sees(node, to), odd: pairs.has(`${node.name} ${to.name}`), rtt }
      })
      return { node: node.name, tells: node.sees !== undefined, cells }
    }),
    odd,
    total: all.length,
  }
}

/** By its own word; else by that of the other end. */
function sees(node: KnownNode, to: KnownNode): boolean | null {
  return node.sees?.has(to.name) ?? to.sees?.has(node.name) ?? null
}
