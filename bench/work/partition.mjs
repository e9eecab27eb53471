import { sides } from '../harness/networks.mjs'
import { freePort } from '../harness/stage.mjs'

/** Processes of one node each, on each of two sides. */
export const sideSize = 5
/** Milliseconds. The partition outlasts it. */
const netTickTime = 2_000

/**
 * How long it takes from the moment two networks are joined again until all nodes of both are connected with all.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @returns {Promise<Record<string, number>>}
 */
export async function runPartition(stage) {
  const networks = stage.networks(sideSize)
  const places = sides.flatMap((side) =>
    Array.from({ length: sideSize }, (_, i) => ({
      name: `n${i}@${networks.address(side, i)}`,
      endpoint: stage.nodeWithin(networks.inside(side), 'told'),
    })),
  )
  /** @param {string} command @param {number} count */
  const all = (command, count) => Promise.all(places.map(({ endpoint }) => endpoint.ask(command, count)))
  try {
    const epmdPort = await freePort()
    const names = places.map(({ name }) => name)
    const starts = places.map(({ name, endpoint }) =>
      endpoint.ask('start', name, stage.cookie, epmdPort, netTickTime, ...names),
    )
    await Promise.all(starts)
    await all('reach', places.length - 1)
    networks.cut()
    await all('shrink', sideSize - 1)
    networks.heal()
    const begin = performance.now()
    await all('reach', places.length - 1)
    return { ms: performance.now() - begin }
  } finally {
    await Promise.all(places.map(({ endpoint }) => endpoint.close()))
    networks.close()
  }
}
