// Nodes that find each other in a PostgreSQL database, by LISTEN and NOTIFY: no table, no rights but to connect.
//
//   npm install postgres
//   node examples/postgres-discovery.mjs postgres://user@host/database one     and in another terminal: … two
import { startNode } from 'tsunagi'
import { postgres } from 'tsunagi/cluster'

const [connection = process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1/postgres', name = 'one'] =
  process.argv.slice(2)
const node = await startNode({
  name: `${name}@127.0.0.1`,
  cookie: 'hello',
  topologies: { database: { strategy: postgres({ connection, channel: 'tsunagi_example' }) } },
})
process.once('SIGINT', () => node.leave())
process.once('SIGTERM', () => node.leave())

console.log(`${node.name} looks for others`)
node.on('nodeup', (peer) => console.log(`+ ${peer}`))
node.on('nodedown', (peer, { reason }) => console.log(`- ${peer} (${reason})`))
// The database may go and come: nobody is lost by that.
node.topology('database').on('error', (error) => console.log(`${error.code}: ${error.message}`))
