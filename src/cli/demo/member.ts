// The program of one node of the demo: `member.js NAME EPMD_PORT PEER [DASHBOARD_PORT]`, with the cookie in TSUNAGI_COOKIE.
// It is started with a channel to the demo and ends with it.
import { silentLogger } from '../../base/logger.ts'
import { type Atom, atom, isTuple, parse, print, type Term } from '../../term/index.ts'
import { startNode } from '../../tsunagi.ts'
import { describeFailure } from '../failure.ts'
import type { MemberOrder, MemberReport, StoreOrder } from './messages.ts'
import { measure } from './sensor.ts'
import { SharedStore } from './shared-store.ts'

const [name = '', epmdPort = '', peer = '', dashboardPort] = process.argv.slice(2)
const ADD: Atom = atom('add')

function tell(report: MemberReport): void {
  if (process.connected) process.send?.(report)
}

// Ctrl-C reaches the whole group; the demo decides when its nodes end.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
// The demo may have been killed while this program was being loaded: then nobody tells any more.
if (!process.connected) process.exit()

const node = await startNode({
  name,
  connectTo: peer,
  epmd: { port: Number(epmdPort) },
  logger: silentLogger,
  ...(dashboardPort === undefined ? {} : { dashboard: { port: Number(dashboardPort), actions: true } }),
})
node.on('nodeup', (other) => tell({ type: 'nodeup', node: other }))
node.on('nodedown', (other, { reason }) => tell({ type: 'nodedown', node: other, reason }))

let total = 0
await node.start(
  {
    handleCall(request: Term): Term {
      if (isTuple(request) && request[0] === ADD && typeof request[1] === 'number') total += request[1]
      return total
    },
  },
  { name: 'counter' },
)

const store = new SharedStore(node)

async function obey(order: MemberOrder | StoreOrder): Promise<string> {
  switch (order.do) {
    case 'call':
      return print(await node.call({ name: order.name, node: order.node }, parse(order.term)))
    case 'measure':
      measure(node, (from, celsius) => tell({ type: 'heard', node: from, celsius }))
      return 'ok'
    default:
      return store.obey(order)
  }
}

process.on('message', (order: MemberOrder | StoreOrder) => {
  obey(order).then(
    (answer) => tell({ type: 'done', id: order.id, answer }),
    (error: unknown) => tell({ type: 'failed', id: order.id, error: describeFailure(error).message }),
  )
})

const { dashboard } = node
tell({
  type: 'started',
  port: node.listening?.port ?? 0,
  servesEpmd: node.servesEpmd,
  ...(dashboard === undefined ? {} : { dashboard: dashboard.url }),
})
for (const other of node.nodes()) tell({ type: 'nodeup', node: other })
