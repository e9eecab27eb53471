// Watches a cluster: who comes, who goes, and why somebody cannot be reached.
//
//   node examples/watch.mjs app@127.0.0.1 [other@127.0.0.1 …]
import { startNode } from 'tsunagi'

const [...peers] = process.argv.slice(2)
const node = await startNode({ name: `watch-${process.pid}@127.0.0.1`, connectTo: peers })
console.log(`${node.name} watches ${peers.join(', ') || 'who connects to it'}`)
node.on('connect-failed', (_name, { reason }) => console.log(`? ${reason}`))
process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())

for await (const { type, node: name, info } of node.monitorNodes({ nodeType: 'all' })) {
  if (type === 'nodeup') console.log(`+ ${name} (${info.nodeType})`)
  else console.log(`- ${name} (${info.reason})`)
}
