// A service beside a Phoenix application: hears what is broadcast on a channel's topic, and answers all browsers there.
// Nothing changes in the application, but that it is a node: PHX_SERVER=… elixir --name app@127.0.0.1 --cookie hello -S mix phx.server
//
//   node examples/phoenix-channel-bridge.mjs app@127.0.0.1 MyApp.PubSub room:lobby
import { startNode } from 'tsunagi'
import { readBroadcast } from 'tsunagi/pubsub'

const [app = 'app@127.0.0.1', name = 'MyApp.PubSub', topic = 'room:lobby'] = process.argv.slice(2)
const node = await startNode({ name: 'bridge@127.0.0.1', cookie: 'hello', connectTo: app })
process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())

const pubsub = node.pubsub(name)
const messages = pubsub.subscribe(topic)
node.on('nodeup', (peer) => console.log(`bridge: + ${peer}`))
node.on('nodedown', (peer, { reason }) => console.log(`bridge: - ${peer} (${reason})`))
console.log(`bridge: listens to ${topic} of ${name}`)

// The loop ends when the node is closed.
for await (const message of messages) {
  const { event, payload } = readBroadcast(message)
  console.log(`bridge: ${event} ${JSON.stringify(payload)}`)
  // As if the application had said it: browsers that joined the channel get `counted`.
  if (event === 'new_msg') {
    pubsub.channelBroadcast(topic, 'counted', { words: payload.body.trim().split(/\s+/).length })
  }
}
