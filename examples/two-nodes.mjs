// Two nodes in one program: they find each other, one calls the other, one leaves.
//
//   node examples/two-nodes.mjs
import { once } from 'node:events'
import { startNode } from 'tsunagi'

const cookie = 'hello'
const a = await startNode({ name: 'a@127.0.0.1', cookie })
const b = await startNode({ name: 'b@127.0.0.1', cookie, connectTo: a.name })
await b.ready()
console.log(`${b.name} is connected to ${b.nodes()}`)

await a.start({ handleCall: (request) => `you said ${request}` }, { name: 'parrot' })
console.log(await b.call({ name: 'parrot', node: a.name }, 'hello'))

const down = once(b, 'nodedown')
await a.close()
const [name, { reason }] = await down
console.log(`${name} is gone: ${reason}`)
await b.close()
