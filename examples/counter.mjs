// A GenServer that Node.js, Erlang and Elixir programs can call. Start it, then call it from another terminal:
//
//   node examples/counter.mjs
//   npx tsunagi call counter@127.0.0.1 counter '{add, 2}' --cookie hello
//   elixir --name ex@127.0.0.1 --cookie hello examples/counter.exs
//
// It also calls a server of the Elixir program, once that has come.
import { atom, GenServer, isTuple, startNode, tuple } from 'tsunagi'

class Counter extends GenServer {
  #total = 0

  handleCall(request) {
    if (request === atom('total')) return this.#total
    if (!isTuple(request) || request[0] !== atom('add')) return tuple(atom('error'), 'say total or {add, N}')
    this.#total += request[1]
    return tuple(atom('ok'), this.#total)
  }

  handleCast(message) {
    if (message === atom('reset')) this.#total = 0
  }
}

const node = await startNode({ name: 'counter@127.0.0.1', cookie: 'hello' })
await node.start(Counter, { name: 'counter' })
console.log(`${node.name} counts`)

node.on('nodeup', async (name) => {
  console.log(`${name} came`)
  if (!name.startsWith('ex@')) return
  try {
    console.log('Elixir says', await node.call({ name: 'Elixir.Greeter', node: name }, tuple(atom('greet'), 'Node.js')))
  } catch (error) {
    console.log(error.message)
  }
})
node.on('nodedown', (name, { reason }) => console.log(`${name} left: ${reason}`))

process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())
