import type { ClusterModel } from '../cluster-model.ts'
import type { KnownNode } from '../known-node.ts'
import type { LinkReport } from '../report/report.ts'
import type { LinksView, LinkTls, LinkView } from '../view.ts'

const MAX_LINKS = 2000

export function linksView(model: ClusterModel): LinksView {
  const links: LinkView[] = []
  let total = 0
  for (const node of model.sorted()) {
    const own = linksOf(node)
    total += own.length
    if (links.length < MAX_LINKS) links.push(...own.slice(0, MAX_LINKS - links.length))
  }
  return { links, total }
}

function linksOf(node: KnownNode): LinkView[] {
  if (node.sees === undefined) return []
  const links =
    node.kind === 'beam' && node.beam !== undefined
      ? [...node.beam.visible.map((to) => beamLink(node, to, 'visible')), ...hiddenLinks(node)]
      : (node.report?.links ?? []).map((link) => linkView(node, link))
  return links.sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0))
}

function hiddenLinks(node: KnownNode): LinkView[] {
  return (node.beam?.hidden ?? []).map((to) => beamLink(node, to, 'hidden'))
}

function linkView(node: KnownNode, link: LinkReport): LinkView {
  const { address, dialled, error, full, hidden, queuedBytes, rtt, state, tls, to, totals, ups, wantedBy } = link
  return {
    from: node.name,
    to,
    state,
    upSince: node.time(link.upSince),
    nodeType: hidden === null ? null : hidden ? 'hidden' : 'visible',
    dialledBy: dialled === null ? null : dialled ? node.name : to,
    address,
    wantedBy,
    traffic: node.linkRates.get(to) ?? null,
    totals,
    queuedBytes,
    full,
    rtt,
    reconnects: Math.max(0, ups - 1),
    retryAt: node.time(link.retryAt),
    error: error === null ? null : { ...error, at: node.time(error.at) },
    tls: tls === null ? null : tlsView(tls),
  }
}

function tlsView({ cipher, expires, names, protocol }: NonNullable<LinkReport['tls']>): LinkTls {
  return { protocol, cipher, names, expires }
}

/** A BEAM node tells only whom it sees. */
function beamLink(node: KnownNode, to: string, nodeType: 'visible' | 'hidden'): LinkView {
  return {
    from: node.name,
    to,
    state: 'connected',
    upSince: null,
    nodeType,
    dialledBy: null,
    address: null,
    wantedBy: [],
    traffic: null,
    totals: null,
    queuedBytes: null,
    full: false,
    rtt: null,
    reconnects: 0,
    retryAt: null,
    error: null,
    tls: null,
  }
}
