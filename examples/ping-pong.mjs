// Ping-pong with Elixir. Start it, then from another terminal:
//
//   elixir --name ex@127.0.0.1 --cookie hello examples/ping-pong.exs
//
// or, in any iex with this cookie: GenServer.call({PingPong, :"ts@127.0.0.1"}, :ping)
import { atom, GenServer, startNode, tuple } from 'tsunagi'

class PingPong extends GenServer {
  handleCall(request) {
    return request === atom('ping') ? atom('pong') : tuple(atom('error'), 'say ping')
  }
}

const node = await startNode({ name: 'ts@127.0.0.1', cookie: 'hello' })
// Elixir's module names are atoms that begin with Elixir.
await node.start(PingPong, { name: 'Elixir.PingPong' })
console.log(`${node.name} plays`)

// Whoever comes is pinged, if it has a PingPong too.
node.on('nodeup', async (name) => {
  try {
    const answer = await node.call({ name: 'Elixir.PingPong', node: name }, atom('ping'))
    console.log(`${name} says ${answer.name}`)
  } catch (error) {
    console.log(`${name} does not play: ${error.code}`)
  }
})

process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())
