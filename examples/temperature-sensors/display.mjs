// Shows the temperatures of all sensors, and who comes and goes.
//
//   node examples/temperature-sensors/display.mjs
import { startNode } from 'tsunagi'

const node = await startNode({ name: 'display@127.0.0.1', cookie: 'hello' })
const pubsub = node.pubsub('KantanCluster.PubSub')
const measurements = pubsub.subscribe('hello_nerves:measurements')
console.log('display: waits for sensors')

process.once('SIGINT', () => node.close())
process.once('SIGTERM', () => node.close())
node
  .on('nodeup', (name) => console.log(`display: + ${name}`))
  .on('nodedown', (name) => console.log(`display: - ${name}`))

// The loop ends when the node is closed.
for await (const [, { temperature_c }, { name }] of measurements) {
  console.log(`display: ${name.split('@')[0]} ${temperature_c.toFixed(1)} °C`)
}
