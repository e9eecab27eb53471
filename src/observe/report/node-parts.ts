import { arch, availableParallelism, hostname, platform, release } from 'node:os'
import { cpuUsage, memoryUsage, pid, versions } from 'node:process'
import type { LinkTls } from '../../dist/carrier.ts'
import type { LinkInfo } from '../../node/local-node.ts'
import type { PeerInfo } from '../../node/peer-info.ts'
import { cut } from '../shape.ts'
import type { Rtt } from '../view.ts'
import type { EventLoopMeter } from './event-loop.ts'
import type { ObservedNode } from './observed-node.ts'
import type { LinkReport, NodeReport } from './report.ts'
import type { WallTime } from './wall-time.ts'

/** What does not change while a process runs. */
const OS = {
  host: hostname(),
  platform: platform(),
  release: release(),
  arch: arch(),
  cpus: availableParallelism(),
  pid,
}

/** What a node tells of itself and its process. */
export interface NodeFacts {
  readonly node: ObservedNode
  readonly meter: EventLoopMeter
  readonly startedAt: number
  /** Messages in all mailboxes; null where there are too many processes to look at. */
  readonly mailbox: number | null
  /** Whether peers may act upon it. */
  readonly actions: boolean
  /** This package's version. */
  readonly version: string
}

export function nodeReport({ node, meter, startedAt, mailbox, actions, version }: NodeFacts): NodeReport {
  const { user, system } = cpuUsage()
  const { rss, heapUsed, heapTotal, external } = memoryUsage()
  const { busy, idle } = meter.times
  const { processes, names } = node.counts
  const { listening } = node
  return {
    name: node.name,
    versions: { tsunagi: version, node: versions.node, v8: versions.v8, openssl: versions.openssl ?? '' },
    visible: node.visible,
    startedAt,
    creation: node.creation,
    cpuTime: (user + system) / 1000,
    busyTime: busy,
    idleTime: idle,
    loopDelay: meter.delay ?? null,
    memory: { rss, heapUsed, heapTotal, external },
    processes: { count: processes, names, mailbox },
    os: OS,
    listening: listening === undefined ? null : { ...listening, tls: node.certificates().length > 0 },
    servesEpmd: node.servesEpmd,
    certificates: node
      .certificates()
      .slice(0, 10)
      .map(({ subject, expires, use }) => ({ subject: cut(subject, 200), expires, use })),
    actions,
  }
}

/** What is told of a link. `high`: queued bytes above which it counts as full. */
export function linkReport(
  peer: PeerInfo,
  link: LinkInfo | undefined,
  times: WallTime,
  high: number,
  rtt: Rtt | undefined,
): LinkReport {
  return {
    to: peer.node,
    state: peer.state,
    ours: peer.ours,
    hidden: link === undefined ? null : link.nodeType === 'hidden',
    dialled: peer.dialled ?? null,
    upSince: times.ago(peer.upFor),
    address: link?.address ?? null,
    wantedBy: peer.wantedBy.slice(0, 20).map((it) => cut(it, 100)),
    ups: peer.ups,
    retryAt: times.in(peer.retryIn),
    error: errorOf(peer, times),
    totals: link === undefined ? null : totalsOf(link),
    queuedBytes: link?.queuedBytes ?? null,
    full: link !== undefined && link.queuedBytes > high,
    rtt: rtt ?? null,
    tls: link?.tls === undefined ? null : tlsReport(link.tls),
  }
}

function tlsReport({ cipher, peer, protocol }: LinkTls): LinkReport['tls'] {
  return {
    protocol,
    cipher,
    subject: peer === undefined ? null : cut(peer.subject, 200),
    names: (peer?.names ?? []).slice(0, 20).map((name) => cut(name, 200)),
    expires: peer?.expires ?? null,
  }
}

export function totalsOf({ bytesIn, bytesOut, messagesIn, messagesOut }: LinkInfo) {
  return { bytesIn, bytesOut, messagesIn, messagesOut }
}

/** A dial that failed says more than how the link before it ended. */
function errorOf({ error, lost }: PeerInfo, times: WallTime): LinkReport['error'] {
  const at = times.ago(lost?.ago)
  if (error !== undefined) return { code: error.code, reason: cut(error.reason, 300), at }
  if (lost === undefined) return null
  return { code: lost.reason, reason: `the link was lost: ${lost.reason}`, at }
}
