// A cache in front of a slow API: three nodes that serve requests, and ask the API once for all of them.
//
//   node examples/cached-api.mjs
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { startNode } from 'tsunagi'

let asked = 0
const api = createServer(async (request, response) => {
  asked++
  await setTimeout(500) // That is how slow it is.
  response.end(JSON.stringify({ path: request.url, euro: 1.0842 }))
}).listen(0, '127.0.0.1')
await once(api, 'listening')
const url = `http://127.0.0.1:${api.address().port}`

// Each of them would be a process of its own; in one program they are easier to try.
const names = ['one@127.0.0.1', 'two@127.0.0.1', 'three@127.0.0.1']
const nodes = await Promise.all(names.map((name) => startNode({ name, cookie: 'hello', connectTo: names })))
const stores = nodes.map((node) => node.store({ ttl: 60_000, stale: 600_000 }))
await Promise.all(stores.map((store) => store.ready({ nodes: 2 })))

/** Fresh for a minute. For ten more it is answered from memory still, while one node asks the API anew. */
const rates = (store) => store.get('rates', async () => (await fetch(`${url}/rates`)).json())

const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => rates(stores[index % 3])))
console.log(`${answers.length} answers on three nodes, the API was asked ${asked === 1 ? 'once' : `${asked} times`}`)

console.log('from memory, without a wait:', stores[2].peek('rates'))

// A node that comes later has the values the moment it is ready, even if those that computed them are gone.
const late = await startNode({ name: 'late@127.0.0.1', cookie: 'hello', connectTo: names })
const lateStore = late.store({ ttl: 60_000, stale: 600_000 })
await lateStore.ready({ nodes: 3 })
await nodes[0].close()
console.log('a node that came later:', await rates(lateStore))
console.log(`the API was asked ${asked === 1 ? 'once' : `${asked} times`} in all`)

await Promise.all([late, ...nodes].map((node) => node.close()))
api.close()
