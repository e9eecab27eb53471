import type { ClusterModel } from '../cluster-model.ts'
import type { StoreReport } from '../report/report.ts'
import type { FunctionView, StoreNode, StoresView, StoreView } from '../view.ts'
import { telling } from './open-parts.ts'

const MAX_STORES = 50
const MAX_FUNCTIONS = 100

interface Part {
  readonly node: string
  readonly isSelf: boolean
  readonly report: StoreReport
}

/** Puts together what nodes tell of their stores. */
export function storesView(model: ClusterModel): StoresView {
  const parts = new Map<string, Part[]>()
  for (const { isSelf, name: node, parts: own } of telling(model)) {
    for (const report of own.stores ?? []) {
      const same = parts.get(report.name) ?? []
      parts.set(report.name, same)
      same.push({ node, isSelf, report })
    }
  }
  const names = [...parts.keys()].sort()
  return {
    stores: names.slice(0, MAX_STORES).map((name) => storeView(name, parts.get(name) ?? [])),
    total: names.length,
  }
}

function storeView(name: string, parts: readonly Part[]): StoreView {
  const loaders = new Map<string, number>()
  for (const { report } of parts) {
    if (report.loader !== null) loaders.set(report.loader, (loaders.get(report.loader) ?? 0) + 1)
  }
  const [most] = [...loaders].sort((a, b) => b[1] - a[1])
  const own = parts.find((part) => part.isSelf) ?? parts[0]
  const functions = functionsOf(parts)
  return {
    name,
    engine: own?.report.engine ?? '',
    here: parts.some((part) => part.isSelf),
    loader: most?.[0] ?? null,
    split: loaders.size > 1,
    epoch: Math.max(0, ...parts.map(({ report }) => report.epoch)),
    members: own?.report.members ?? [],
    size: own?.report.size ?? 0,
    nodes: parts.map(storeNode),
    functions: functions.slice(0, MAX_FUNCTIONS),
    functionCount: Math.max(functions.length, ...parts.map(({ report }) => report.functionCount)),
  }
}

function storeNode({ node, report: { counts, epoch, loader, role, sequence, size } }: Part): StoreNode {
  return { node, role, loader, epoch, sequence, size, ...counts }
}

/** By name and source: nodes that have different ones under a name are told apart. */
function functionsOf(parts: readonly Part[]): FunctionView[] {
  const found = new Map<string, { name: string; version: string; hash: string; nodes: string[]; errors: Failed[] }>()
  for (const { node, report } of parts) {
    for (const { error, hash, name, state, version } of report.functions) {
      const key = `${name} ${hash}`
      const known = found.get(key) ?? { name, version, hash, nodes: [], errors: [] }
      found.set(key, known)
      if (state === 'ready') known.nodes.push(node)
      else if (error !== null) known.errors.push({ node, reason: error })
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

type Failed = FunctionView['errors'][number]
