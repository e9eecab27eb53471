// The Cluster.Observer of Elixir tutorials: a GenServer that says who joins the cluster and who leaves it.
//
//   node examples/cluster-observer.mjs app@127.0.0.1 [other@127.0.0.1 …]
//
// Nodes the named ones know are found too: start another observer (OBSERVER=observer2@127.0.0.1) and see.
import { atom, GenServer, startNode, tuple } from 'tsunagi'

const [...peers] = process.argv.slice(2)
const node = await startNode({ name: process.env.OBSERVER ?? 'observer@127.0.0.1' })

class ClusterObserver extends GenServer {
  #up = (name) => node.send(this.self.pid, tuple(atom('nodeup'), atom(name)))
  #down = (name) => node.send(this.self.pid, tuple(atom('nodedown'), atom(name)))

  // In Elixir this is :net_kernel.monitor_nodes(true): each event comes as a message.
  init() {
    node.on('nodeup', this.#up).on('nodedown', this.#down)
  }

  handleInfo([event, { name }]) {
    console.log(event === atom('nodeup') ? `--- Node up: ${name}` : `--- Node down: ${name}`)
  }

  terminate() {
    node.off('nodeup', this.#up).off('nodedown', this.#down)
  }
}

await node.start(ClusterObserver, { name: 'Elixir.Cluster.Observer' })
console.log(`${node.name} observes`)
// Whoever is not there yet is dialled until it is.
for (const peer of peers) node.connect(peer).catch(({ reason }) => console.log(`? ${reason}`))

process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())
