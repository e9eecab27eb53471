// A node for containers, which finds the others by what its platform has: the API of Kubernetes (SERVICE), or names in DNS
// (QUERY). At port 8080 it answers 200 when it is connected to PEERS others, for a probe. At SIGTERM it leaves in good order.
//
// The Dockerfile, kubernetes.yaml, compose.yaml and fly.toml beside it run it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { startNode } from 'tsunagi'
import { dns, kubernetes } from 'tsunagi/cluster'

const { ADDRESS, COOKIE, FLY_PRIVATE_IP, PEERS = '0', PORT = '9100', PROBE_PORT = '8080', QUERY, SERVICE } = process.env
const port = Number(PORT)
const address = ADDRESS ?? FLY_PRIVATE_IP ?? ownAddress()

const node = await startNode({
  // The others find an address, so that must be what the name has.
  name: `app@${address}`,
  cookie: COOKIE,
  // Where all pods listen at one port, nobody needs to ask an EPMD for it.
  ...(SERVICE === undefined ? {} : { epmd: false, listen: { host: address, port } }),
  topologies: {
    app: { strategy: SERVICE === undefined ? dns({ query: QUERY }) : kubernetes({ service: SERVICE, port }) },
  },
})
node.on('nodeup', (name) => console.log(`+ ${name}`))
node.on('nodedown', (name, { reason }) => console.log(`- ${name}: ${reason}`))
node.topology('app').on('discovery-failed', ({ message }) => console.log(message))

const probe = createServer((_request, response) => {
  response.writeHead(node.isReady({ nodes: Number(PEERS) }) ? 200 : 503).end()
}).listen(Number(PROBE_PORT))
console.log(`${node.name} runs`)

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
await node.leave({ deadline: 20_000 })
probe.close()

function ownAddress() {
  const all = Object.values(networkInterfaces()).flat()
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
