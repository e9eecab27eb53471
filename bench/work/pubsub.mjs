/**
 * @typedef {import('../harness/endpoint.mjs').Endpoint} Endpoint
 * @typedef {import('../participants/pubsub.mjs').Bus} Bus
 */

/** Nodes of the fan, and subscribers on each. */
export const fanNodes = 10
export const fanSubscribers = 100
/** Subscribers in the publisher's own process. */
export const localSubscribers = 1000
/** Messages a second whose times are taken: few, and many. */
export const pacedRates = [10_000, 100_000]

/** What every message adds to a receiver's sum. */
const check = 42

/**
 * Everything that can be measured of one bus, each in processes of its own.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {Bus} bus
 * @param {number} ms
 * @returns {Promise<{ name: string, values: Record<string, number> }[]>}
 */
export async function runPubSub(stage, bus, ms) {
  const results = []
  if (bus.works.includes('one')) {
    results.push({ name: 'pubsub one', values: await within(stage, bus, 1, 1, (crew) => one(crew, ms)) })
  }
  if (bus.works.includes('fan')) {
    const values = await within(stage, bus, fanNodes, fanSubscribers, async (crew) => ({
      'deliveries/s': (await rate(crew, fanSubscribers, ms, 50)) * fanNodes * fanSubscribers,
    }))
    results.push({ name: 'pubsub fan', values })
  }
  if (bus.works.includes('local')) {
    const values = await within(stage, bus, 0, localSubscribers, async ({ publisher }) => ({
      'deliveries/s':
        (await rate({ publisher, subscribers: [publisher] }, localSubscribers, ms, 100)) * localSubscribers,
    }))
    results.push({ name: 'pubsub local', values })
  }
  return results
}

/**
 * @typedef {object} Crew
 * @property {Endpoint} publisher
 * @property {readonly Endpoint[]} subscribers
 */

/**
 * A publisher and `nodes` others with subscribers, all connected; without others they are the publisher's own.
 *
 * @template T
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {Bus} bus
 * @param {number} nodes
 * @param {number} subscribers of each
 * @param {(crew: Crew) => Promise<T>} work
 */
async function within(stage, bus, nodes, subscribers, work) {
  const others = []
  for (let left = nodes; left > 0; left--) others.push(await bus.open(stage))
  const { endpoint: publisher } = await bus.open(stage)
  try {
    const receivers = nodes === 0 ? [publisher] : others.map(({ endpoint }) => endpoint)
    for (const { address } of others) await publisher.ask('join', address)
    await Promise.all(receivers.map((endpoint) => endpoint.ask('subscribe', subscribers)))
    if (nodes > 0) {
      await Promise.all(receivers.map((endpoint) => endpoint.ask('ready', 1)))
      await publisher.ask('ready', nodes)
    }
    return await work({ publisher, subscribers: receivers })
  } finally {
    await Promise.all([publisher, ...others.map(({ endpoint }) => endpoint)].map((endpoint) => endpoint.close()))
  }
}

/** @param {Crew} crew @param {number} ms @returns {Promise<Record<string, number>>} */
async function one(crew, ms) {
  /** @type {Record<string, number>} */
  const values = { 'messages/s': await rate(crew, 1, ms, 20_000) }
  const { publisher, subscribers } = crew
  const [subscriber] = /** @type {[Endpoint]} */ (subscribers)
  for (const perSecond of pacedRates) {
    const count = (perSecond * Math.max(1_000, ms)) / 1000
    await subscriber.ask('arm', count)
    await subscriber.ask('time')
    await Promise.all([subscriber.ask('collect'), publisher.ask('pace', count, perSecond)])
    const { p50, p99 } = await subscriber.ask('times')
    values[`p50 ns at ${perSecond}/s`] = p50
    values[`p99 ns at ${perSecond}/s`] = p99
  }
  return values
}

/**
 * Messages a second, at the slowest subscriber; one whose messages did not all come fails. Floods grow until one takes half
 * of the time: by then all code is compiled, however fast it is.
 *
 * @param {Crew} crew
 * @param {number} each subscribers of a process
 * @param {number} ms
 * @param {number} least messages of a flood
 */
async function rate(crew, each, ms, least) {
  let count = least
  let speed = await flood(crew, each, count)
  while (count / speed < ms / 2_000) {
    count = Math.ceil(Math.min(count * 4, Math.max(count * 1.5, (speed * ms) / 1000)))
    speed = await flood(crew, each, count)
  }
  return flood(crew, each, Math.max(least, Math.round((speed * ms) / 1000)))
}

/** @param {Crew} crew @param {number} each @param {number} count */
async function flood({ publisher, subscribers }, each, count) {
  await Promise.all(subscribers.map((subscriber) => subscriber.ask('arm', count * each)))
  // The publisher may itself be the one that collects: then it is asked when it has published.
  const flooded = publisher.ask('flood', count)
  const collected = await Promise.all(subscribers.map((subscriber) => subscriber.ask('collect')))
  await flooded
  for (const { received, sum } of collected) {
    if (received !== count * each || sum !== count * each * check) {
      throw new Error(`sent ${count} to ${each} subscribers, arrived ${received} with a sum of ${sum}`)
    }
  }
  return (count * 1000) / Math.max(...collected.map(({ ms }) => ms))
}
