import type { LinkReport, Report } from '../../src/observe/report/report.ts'

/** What of a link is not as usual. */
export type LinkOf = Partial<LinkReport> & { readonly to: string }

/** A report that a node could have made. */
export function makeReport(
  name: string,
  links: readonly LinkOf[],
  { at = 0, loopDelay = 0, listening = true, expires }: MadeOf = {},
): Report {
  return {
    version: 1,
    at,
    run: 'run',
    node: {
      name,
      versions: { tsunagi: '1.2.3' },
      visible: false,
      startedAt: 0,
      creation: 1,
      cpuTime: 0,
      busyTime: 0,
      idleTime: 0,
      loopDelay: { p50: loopDelay, p99: loopDelay, max: loopDelay },
      memory: { rss: 1, heapUsed: 1, heapTotal: 1, external: 1 },
      processes: { count: 1, names: 1, mailbox: 0 },
      os: { host: 'h', platform: 'linux', release: '1', arch: 'x64', cpus: 1, pid: 1 },
      listening: listening ? { host: '127.0.0.1', port: 1, tls: false } : null,
      servesEpmd: false,
      certificates: expires === undefined ? [] : [{ subject: `CN=${name}`, expires, use: 'both' }],
      actions: false,
    },
    links: links.map(makeLink),
    linkCount: links.length,
    topologies: null,
    processes: null,
    pubsubs: null,
    stores: null,
    events: [],
    samples: null,
  }
}

interface MadeOf {
  readonly at?: number
  readonly loopDelay?: number
  readonly listening?: boolean
  readonly expires?: number
}

function makeLink(link: LinkOf): LinkReport {
  return {
    state: 'connected',
    ours: true,
    hidden: true,
    dialled: true,
    upSince: 0,
    address: null,
    wantedBy: [],
    ups: 1,
    retryAt: null,
    error: null,
    totals: null,
    queuedBytes: 0,
    full: false,
    rtt: null,
    tls: null,
    ...link,
  }
}
