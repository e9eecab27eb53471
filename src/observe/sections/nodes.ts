import type { ClusterModel } from '../cluster-model.ts'
import type { KnownNode } from '../known-node.ts'
import type { CertificateView, NodesView, NodeView } from '../view.ts'

const MAX_NODES = 500

export function nodesView(model: ClusterModel): NodesView {
  const nodes = model.sorted()
  return { nodes: nodes.slice(0, MAX_NODES).map((node) => nodeView(node, model)), total: nodes.length }
}

function nodeView(node: KnownNode, model: ClusterModel): NodeView {
  return {
    name: node.name,
    self: node.isSelf,
    state: node.state,
    since: node.since,
    visibility: visibilityOf(node, model),
    answer: node.answer,
    seenBy: model.seenBy(node.name),
    actions: node.isSelf || (node.sees !== undefined && node.report?.node.actions === true),
    ...(node.kind === 'beam' ? beamFacts(node) : tsunagiFacts(node)),
  }
}

type Facts = Omit<NodeView, 'name' | 'self' | 'state' | 'since' | 'visibility' | 'answer' | 'seenBy' | 'actions'>

const NOTHING: Facts = {
  runtime: 'unknown',
  version: null,
  versions: {},
  startedAt: null,
  creation: null,
  eventLoop: null,
  memory: null,
  cpu: null,
  processes: null,
  os: null,
  listening: null,
  servesEpmd: null,
  certificates: [],
  traffic: null,
}

function tsunagiFacts(node: KnownNode): Facts {
  if (node.report === undefined) return node.kind === 'tsunagi' ? { ...NOTHING, runtime: 'typescript' } : NOTHING
  const { certificates, creation, listening, loopDelay, memory, os, processes, servesEpmd, startedAt, versions } =
    node.report.node
  const { external, heapTotal, heapUsed, rss } = memory
  return {
    runtime: 'typescript',
    version: versions.tsunagi ?? null,
    versions,
    startedAt: node.time(startedAt),
    creation,
    eventLoop: loopDelay === null ? null : { ...loopDelay, utilisation: node.utilisation },
    memory: {
      total: rss,
      heapUsed,
      heapTotal,
      external,
      processes: null,
      binary: null,
      ets: null,
      atom: null,
      code: null,
    },
    cpu: node.cpu ?? null,
    processes: { ...processes, runQueue: null },
    os,
    listening: listening === null ? [] : [listening],
    servesEpmd,
    certificates: [
      ...certificates.map(({ subject, expires }): CertificateView => ({ subject, expires, of: 'own' })),
      ...shownBy(node),
    ],
    traffic: node.rates ?? null,
  }
}

/** Certificates that its peers have shown. */
function shownBy(node: KnownNode): CertificateView[] {
  return (node.report?.links ?? []).slice(0, 100).flatMap(({ tls, to }) => {
    return tls?.subject == null || tls.expires === null ? [] : [{ subject: tls.subject, expires: tls.expires, of: to }]
  })
}

function beamFacts({ beam, identity }: KnownNode): Facts {
  const { memory } = beam ?? {}
  const part = (name: string): number | null => memory?.[name] ?? null
  return {
    ...NOTHING,
    runtime: identity?.runtime ?? 'unknown',
    version: (identity?.runtime === 'elixir' ? identity.versions.elixir : identity?.versions.otp) ?? null,
    versions: identity?.versions ?? {},
    startedAt: identity?.startedAt ?? null,
    memory:
      memory === undefined
        ? null
        : {
            total: memory.total ?? 0,
            heapUsed: null,
            heapTotal: null,
            external: null,
            processes: part('processes'),
            binary: part('binary'),
            ets: part('ets'),
            atom: part('atom'),
            code: part('code'),
          },
    processes:
      beam === undefined
        ? null
        : { count: beam.processes, names: beam.nameCount, mailbox: null, runQueue: beam.runQueue },
    os: identity?.os ?? null,
  }
}

/** By its own word, or by that of anybody who has a link to it. */
function visibilityOf(node: KnownNode, model: ClusterModel): NodeView['visibility'] {
  if (node.report !== undefined) return node.report.node.visible ? 'visible' : 'hidden'
  for (const other of model.nodes) {
    const hidden = other.report?.links.find((link) => link.to === node.name)?.hidden
    if (typeof hidden === 'boolean') return hidden ? 'hidden' : 'visible'
    if (other.beam?.visible.includes(node.name) === true) return 'visible'
    if (other.beam?.hidden.includes(node.name) === true) return 'hidden'
  }
  return null
}
