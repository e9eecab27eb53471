import { byName, choice, count, fields, flag, list, maybe, number, type Shaped, text, time } from '../shape.ts'

/** The version of all that is asked and answered here. Fields may come to be; one that changes its meaning makes a new version. */
export const REPORT_VERSION = 1

/** The process of each node that answers; see `ReportService`. */
export const REPORTER = 'tsunagi_observe'

/** The longest answer that is made, and read, in characters. */
export const MAX_ANSWER = 2 * 1024 * 1024
/** The longest question. */
export const MAX_QUESTION = 4 * 1024

/** Bounds of a report. What is beyond them is left out, by who makes it and by who reads it. */
export const REPORT_LIMITS = {
  links: 1000,
  topologies: 20,
  names: 100,
  registered: 50,
  processes: 20,
  pubsubs: 20,
  topics: 100,
  stores: 20,
  functions: 100,
  events: 200,
  samples: 120,
  /** Processes that are looked at for a report. */
  scan: 20_000,
} as const

const nodeName = text(255)
const reason = text(300)

/** Since the link is up. */
const totals = fields({ bytesIn: count, bytesOut: count, messagesIn: count, messagesOut: count })

const rtt = fields({ last: count, p50: count, p99: count })

const certificate = fields({ subject: text(200), expires: time, use: text(20) })

const link = fields({
  to: nodeName,
  state: choice('connected', 'connecting', 'waiting', 'barred', 'idle'),
  ours: flag,
  hidden: maybe(flag),
  dialled: maybe(flag),
  upSince: maybe(time),
  address: maybe(text(100)),
  wantedBy: list(20, text(100)),
  ups: count,
  retryAt: maybe(time),
  error: maybe(fields({ code: text(60), reason, at: maybe(time) })),
  totals: maybe(totals),
  queuedBytes: maybe(count),
  full: flag,
  rtt: maybe(rtt),
  tls: maybe(
    fields({
      protocol: text(30),
      cipher: maybe(text(60)),
      subject: maybe(text(200)),
      names: list(20, text(200)),
      expires: maybe(time),
    }),
  ),
})

const node = fields({
  name: nodeName,
  versions: byName(10, 30, text(60)),
  visible: flag,
  startedAt: time,
  creation: count,
  /** Totals since the process began, in milliseconds. */
  cpuTime: count,
  busyTime: count,
  idleTime: count,
  loopDelay: maybe(fields({ p50: count, p99: count, max: count })),
  memory: fields({ rss: count, heapUsed: count, heapTotal: count, external: count }),
  processes: fields({ count, names: count, mailbox: maybe(count) }),
  os: fields({
    host: text(255),
    platform: text(30),
    release: text(100),
    arch: text(30),
    cpus: count,
    pid: count,
  }),
  listening: maybe(fields({ host: text(255), port: number(0, 65535), tls: flag })),
  servesEpmd: flag,
  certificates: list(10, certificate),
  actions: flag,
})

const topology = fields({
  name: text(200),
  strategy: text(100),
  mode: choice('pull', 'push'),
  state: choice('running', 'paused'),
  interval: maybe(count),
  refreshedAt: maybe(time),
  nextAt: maybe(time),
  found: list(REPORT_LIMITS.names, nodeName),
  connected: list(REPORT_LIMITS.names, nodeName),
  missing: list(REPORT_LIMITS.names, fields({ node: nodeName, reason: maybe(reason) })),
  counts: fields({ found: count, connected: count, missing: count }),
  errors: list(10, reason),
  rejected: list(10, fields({ value: text(200), reason })),
})

export const processShape = fields({
  pid: text(60),
  name: maybe(text(255)),
  kind: choice('process', 'server', 'supervisor', 'service'),
  mailboxLength: count,
  mailboxBytes: count,
  dropped: count,
  links: count,
  monitors: count,
  monitoredBy: count,
  startedAt: time,
  trapExit: flag,
})

const processes = fields({
  count,
  names: list(REPORT_LIMITS.registered, text(255)),
  nameCount: count,
  top: list(REPORT_LIMITS.processes, processShape),
})

export const topicShape = fields({ topic: text(300), pattern: flag, subscribers: count })

const pubsub = fields({
  name: text(255),
  engine: text(60),
  subscriptions: count,
  topics: count,
  /** Totals since it was opened. */
  published: count,
  received: count,
  delivered: count,
  droppedBy: byName(20, 60, count),
  retained: fields({ topics: count, bytes: count }),
  top: list(REPORT_LIMITS.topics, topicShape),
})

const store = fields({
  name: text(255),
  engine: text(60),
  role: choice('loader', 'follower', 'recovering', 'joining', 'alone', 'closed'),
  loader: maybe(nodeName),
  epoch: count,
  sequence: count,
  size: count,
  members: list(REPORT_LIMITS.names, nodeName),
  counts: fields({
    hits: count,
    misses: count,
    stale: count,
    computed: count,
    failed: count,
    conflicts: count,
    dropped: count,
  }),
  functions: list(
    REPORT_LIMITS.functions,
    fields({
      name: text(255),
      version: text(60),
      hash: text(100),
      state: choice('loading', 'ready', 'refused'),
      error: maybe(reason),
    }),
  ),
  functionCount: count,
})

export const eventShape = fields({
  /** Which event it is, within one run of the node. */
  id: count,
  /** Grows with each event and each change of one. */
  revision: count,
  at: time,
  lastAt: time,
  count,
  kind: choice(
    'node-up',
    'node-down',
    'dial-failed',
    'accept-failed',
    'send-failed',
    'topology',
    'discovery-failed',
    'pubsub',
    'store',
    'certificate',
    'standstill',
    'action',
    'observe',
  ),
  severity: choice('info', 'good', 'warning', 'error'),
  peer: maybe(nodeName),
  text: text(300),
  reason: maybe(reason),
})

/** What was measured in a few seconds, until `at`. */
export const sampleShape = fields({
  at: time,
  values: byName(20, 20, number()),
})

/** What a node tells of itself. Times are by its own clock. Parts that nobody asked for are null. */
export const reportShape = fields({
  version: number(REPORT_VERSION, REPORT_VERSION),
  at: time,
  /** Another one after each start of the node. */
  run: text(60),
  node,
  links: list(REPORT_LIMITS.links, link),
  linkCount: count,
  topologies: maybe(list(REPORT_LIMITS.topologies, topology)),
  processes: maybe(processes),
  pubsubs: maybe(list(REPORT_LIMITS.pubsubs, pubsub)),
  stores: maybe(list(REPORT_LIMITS.stores, store)),
  events: list(REPORT_LIMITS.events, eventShape),
  samples: maybe(list(REPORT_LIMITS.samples, sampleShape)),
})

export type Report = Shaped<typeof reportShape>
export type NodeReport = Shaped<typeof node>
export type LinkReport = Shaped<typeof link>
export type TopologyReport = Shaped<typeof topology>
export type ProcessesReport = Shaped<typeof processes>
export type PubSubReport = Shaped<typeof pubsub>
export type StoreReport = Shaped<typeof store>
export type EventReport = Shaped<typeof eventShape>
export type Sample = Shaped<typeof sampleShape>
