import type {
  ChartColumn,
  LinkView,
  MatrixView,
  Metric,
  NodeView,
  TimelineEvent,
  Traffic,
  View,
} from '../../src/observe/view.ts'

const started = Date.now() - 47 * 60_000
const NAMES = ['aki', 'haru', 'natsu', 'fuyu', 'sakura', 'otp'].map((name) => `${name}@127.0.0.1`)
const [SELF = '', HARU = '', NATSU = '', FUYU = '', SAKURA = '', OTP = ''] = NAMES
const HOSTILE = '<img src=x onerror=alert(1)>'

function isBeam(name: string): boolean {
  return name === SAKURA || name === OTP
}

function wave(name: string, scale: number): number {
  const phase = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  return scale * (1 + 0.4 * Math.sin(Date.now() / 20_000 + phase) + 0.2 * Math.random())
}

function traffic(name: string, scale = 1): Traffic {
  return {
    bytesIn: wave(name, 4_000 * scale),
    bytesOut: wave(`${name}!`, 9_000 * scale),
    messagesIn: wave(name, 40 * scale),
    messagesOut: wave(name, 90 * scale),
  }
}

function node(name: string): NodeView {
  const beam = isBeam(name)
  const down = name === FUYU
  return {
    name,
    self: name === SELF,
    state: name === SELF ? 'self' : down ? 'connecting' : 'connected',
    since: started,
    runtime: name === SAKURA ? 'elixir' : name === OTP ? 'erlang' : 'typescript',
    version: '0.1.0',
    versions: beam
      ? { otp: '27', erts: '15.1', ...(name === SAKURA ? { elixir: '1.17.3' } : {}) }
      : { tsunagi: '0.1.0', node: 'v20.20.2', v8: '11.3.244' },
    visibility: name === OTP || name === HARU ? 'visible' : beam ? 'visible' : 'hidden',
    answer: { state: down ? 'none' : 'answers', at: Date.now(), reason: down ? 'there is no link' : null },
    startedAt: down ? null : started,
    creation: 1_712_345_678,
    eventLoop: beam || down ? null : { p50: 0.2, p99: wave(name, 2), max: 14, utilisation: 0.08 },
    memory: down
      ? null
      : {
          total: wave(name, 70_000_000),
          heapUsed: beam ? null : 24_000_000,
          heapTotal: beam ? null : 40_000_000,
          external: beam ? null : 3_000_000,
          processes: beam ? 12_000_000 : null,
          binary: beam ? 900_000 : null,
          ets: beam ? 700_000 : null,
          atom: beam ? 600_000 : null,
          code: beam ? 11_000_000 : null,
        },
    cpu: down ? null : 0.04,
    processes: down
      ? null
      : { count: beam ? 94 : 12, names: beam ? 51 : 7, mailbox: beam ? null : 0, runQueue: beam ? 0 : null },
    os: down ? null : { host: 'build', platform: 'linux', release: '6.1.0', arch: 'x64', cpus: 2, pid: 4242 },
    listening: down || beam ? null : [{ host: '127.0.0.1', port: 38_211, tls: false }],
    servesEpmd: name === SELF,
    certificates: [],
    seenBy: NAMES.filter((other) => other !== name && !down),
    traffic: beam ? null : traffic(name),
    actions: true,
  }
}

function link(from: string, to: string): LinkView {
  const down = to === FUYU
  return {
    from,
    to,
    state: down ? 'waiting' : 'connected',
    upSince: down ? null : started,
    nodeType: isBeam(to) ? 'visible' : 'hidden',
    dialledBy: from,
    address: '127.0.0.1:38211',
    wantedBy: ['connectTo', 'mesh'],
    traffic:
      isBeam(from) || down ? null : traffic(from + to, to === SAKURA ? 40 : from === HARU || to === HARU ? 6 : 0.05),
    totals: null,
    queuedBytes: isBeam(from) ? null : 0,
    full: false,
    rtt: down ? null : { last: wave(to, 0.4), p50: wave(from + to, 0.35), p99: 1.9 },
    reconnects: to === HARU ? 2 : 0,
    retryAt: down ? Date.now() + 2600 : null,
    error: down
      ? { code: 'ERR_CONNECT_NOT_REGISTERED', reason: 'fuyu is not registered with the EPMD of 127.0.0.1', at: started }
      : null,
    tls: null,
  }
}

function links(): LinkView[] {
  return NAMES.filter((name) => name !== FUYU).flatMap((from) =>
    NAMES.filter((to) => to !== from && !(isBeam(from) && to === FUYU)).map((to) => link(from, to)),
  )
}

function matrix(): MatrixView {
  return {
    nodes: NAMES.filter((name) => name !== FUYU),
    rows: NAMES.filter((name) => name !== FUYU).map((name) => ({
      node: name,
      tells: name !== OTP,
      cells: NAMES.filter((to) => to !== FUYU).map((to) =>
        to === name
          ? null
          : {
              sees: name === OTP ? null : !(name === NATSU && to === SAKURA),
              odd: (name === NATSU && to === SAKURA) || (name === SAKURA && to === NATSU),
              rtt: isBeam(name) ? null : { last: 0.4, p50: wave(name + to, 0.4), p99: 2 },
            },
      ),
    })),
    odd: [{ kind: 'asymmetric', from: NATSU, to: SAKURA, since: Date.now() - 61_000 }],
    total: 5,
  }
}

const METRICS: Readonly<Partial<Record<Metric, number>>> = {
  bytesIn: 4_000,
  bytesOut: 9_000,
  messagesIn: 40,
  messagesOut: 90,
  loopDelay: 1.5,
  cpu: 0.04,
  memory: 70_000_000,
  heap: 24_000_000,
  processes: 12,
  rtt: 0.4,
}

export function fakeColumn(at: number): ChartColumn {
  return {
    at,
    nodes: Object.fromEntries(
      NAMES.filter((name) => name !== FUYU).map((name) => [
        name,
        Object.fromEntries(Object.entries(METRICS).map(([metric, scale]) => [metric, wave(name + metric, scale)])),
      ]),
    ),
  }
}

const EVENTS: readonly TimelineEvent[] = [
  ['node-up', 'good', `${HARU} is up`, null],
  ['node-up', 'good', `${SAKURA} is up`, null],
  ['node-down', 'error', `${HARU} is down`, 'connection_closed'],
  ['dial-failed', 'warning', `${FUYU} cannot be reached`, 'fuyu is not registered with the EPMD of 127.0.0.1'],
  ['topology', 'info', `app found ${NATSU} and ${HOSTILE}`, null],
  ['node-up', 'good', `${HARU} is up again`, null],
].map(([kind, severity, text, reason], index) => ({
  id: index + 1,
  cursor: index + 1,
  at: started + index * 95_000,
  lastAt: started + index * 95_000,
  count: kind === 'dial-failed' ? 14 : 1,
  nodes: [SELF, NATSU],
  peer: HARU,
  kind: kind as TimelineEvent['kind'],
  severity: severity as TimelineEvent['severity'],
  text: text as string,
  reason: reason as string | null,
}))

export function fakeView(): View {
  const times = Array.from({ length: 120 }, (_, index) => Date.now() - (119 - index) * 5_000)
  return {
    overview: {
      at: Date.now(),
      instance: 'made up',
      self: SELF,
      verdict: {
        level: 'warning',
        sentence: '',
        text: `${FUYU} is wanted and not up`,
        since: started,
        problems: [{ level: 'warning', text: `${FUYU} is wanted and not up`, since: started, nodes: [FUYU] }],
      },
      versions: { tsunagi: '0.1.0', node: 'v20.20.2' },
      startedAt: started,
      actions: true,
      tail: true,
      counts: { nodes: 5, typescript: 3, beam: 2, missing: 1, links: 10 },
      traffic: traffic(SELF),
      interval: 1000,
    },
    nodes: { nodes: NAMES.map(node), total: NAMES.length },
    links: { links: links(), total: links().length },
    matrix: matrix(),
    discovery: {
      topologies: [SELF, HARU].map((name) => ({
        node: name,
        name: 'app',
        strategy: 'localEpmd',
        mode: 'pull',
        state: 'running',
        interval: 5_000,
        refreshedAt: Date.now() - 3_000,
        nextAt: Date.now() + 2_000,
        found: NAMES,
        connected: NAMES.filter((other) => other !== FUYU),
        missing: [{ node: FUYU, reason: 'not registered' }],
        counts: { found: 6, connected: 5, missing: 1 },
        errors: name === HARU ? ['ERR_EPMD_REFUSED: nothing listens on 127.0.0.1:4369'] : [],
        rejected: [{ value: HOSTILE, reason: 'no node name' }],
        actions: true,
      })),
      total: 2,
    },
    processes: {
      nodes: NAMES.filter((name) => name !== FUYU).map((name) => ({
        node: name,
        count: 12,
        names: ['sink', HOSTILE, 'Elixir.PingPong'],
        nameCount: 3,
        top: isBeam(name) ? [] : fakeProcesses(),
      })),
      total: 5,
    },
    pubsub: {
      pubsubs: [
        {
          name: 'MyApp.PubSub',
          engine: 'mesh',
          here: true,
          nodes: [SELF, HARU, NATSU].map((name) => ({
            node: name,
            subscriptions: 4,
            topics: 3,
            published: 12.4,
            received: 30,
            delivered: 61,
            dropped: 0,
            droppedBy: {},
            retained: { topics: 0, bytes: 0 },
          })),
          topics: ['sensors', 'sensor:*', HOSTILE].map((topic) => ({
            topic,
            pattern: topic.endsWith('*'),
            subscribers: 3,
            nodes: [
              { node: SELF, subscribers: 2 },
              { node: HARU, subscribers: 1 },
            ],
          })),
          topicCount: 3,
        },
      ],
      total: 1,
    },
    store: {
      stores: [
        {
          name: 'default',
          engine: 'mesh',
          here: true,
          loader: SELF,
          split: false,
          epoch: 3,
          members: [],
          size: 3,
          nodes: [SELF, HARU].map((name) => ({
            node: name,
            role: name === SELF ? 'loader' : 'follower',
            loader: SELF,
            epoch: 3,
            sequence: 128,
            size: 3,
            hits: 230,
            misses: 3,
            stale: 1,
            computed: 3,
            failed: 0,
            conflicts: 0,
            dropped: 0,
          })),
          functions: [
            {
              name: 'sum',
              version: '3.12',
              hash: 'a91f0c33bd72',
              nodes: [SELF],
              errors: [{ node: HARU, reason: 'not allowed there' }],
            },
          ],
          functionCount: 1,
        },
      ],
      total: 1,
    },
    charts: {
      step: 5_000,
      times,
      nodes: NAMES.filter((name) => name !== FUYU).map((name) => ({
        node: name,
        series: Object.fromEntries(
          Object.entries(METRICS).map(([metric, scale]) => [metric, times.map(() => wave(name + metric, scale))]),
        ),
      })),
    },
    timeline: { events: EVENTS },
  }
}

function fakeProcesses() {
  return ['sink', 'Elixir.PingPong', HOSTILE, null].map((name, index) => ({
    pid: `<0.${index + 12}.0>`,
    name,
    kind: 'server' as const,
    mailboxLength: index,
    mailboxBytes: index * 100,
    dropped: 0,
    links: 1,
    monitors: 0,
    monitoredBy: 2,
    startedAt: started,
    trapExit: index === 1,
  }))
}

export function fakePage(query: URLSearchParams): { items: unknown[]; total: number; more: boolean } {
  const items =
    query.get('list') === 'processes'
      ? fakeProcesses()
      : query.get('list') === 'keys'
        ? ['rates', 'hello', HOSTILE].map((key) => ({
            key,
            bytes: 120,
            version: '3.12',
            staleAt: null,
            expiresAt: Date.now() + 60_000,
          }))
        : ['sink', 'Elixir.PingPong', HOSTILE]
  return { items, total: items.length, more: false }
}
