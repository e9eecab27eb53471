// A sensor: publishes a temperature twice a second, to whoever subscribed, wherever in the cluster.
//
//   node examples/temperature-sensors/sensor.mjs kitchen
import { atom, Float, startNode, tuple } from 'tsunagi'

const place = process.argv[2] ?? 'kitchen'
const node = await startNode({ name: `${place}@127.0.0.1`, cookie: 'hello', connectTo: 'display@127.0.0.1' })

// The name of KantanCluster's pub/sub: a Nerves device that runs KantanCluster takes part as it is.
const pubsub = node.pubsub('KantanCluster.PubSub', { publishOnly: true })

let temperature = 20 + Math.random() * 5
const measuring = setInterval(() => {
  temperature += Math.random() - 0.5
  // {:hello_nerves_measurements, %{temperature_c: 21.4}, :"kitchen@127.0.0.1"}; a Float stays one when it is 21.0.
  const measurement = { temperature_c: new Float(Math.round(temperature * 10) / 10) }
  pubsub.broadcast('hello_nerves:measurements', tuple(atom('hello_nerves_measurements'), measurement, atom(node.name)))
}, 500)

const stop = async () => {
  clearInterval(measuring)
  await node.close()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
