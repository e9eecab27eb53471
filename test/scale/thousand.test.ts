import { describe, expect, it } from 'vitest'
import { MAX_IN_FLIGHT, MAX_PER_SECOND } from '../../src/node/dial-gate.ts'
import { Network } from './simulation.ts'

/** Time enough for all, in milliseconds of the simulation. */
const LONG = 600_000

/** All watched nodes have all their links; none began more dials within any second than it may, or had more under way. */
function expectMeshed(network: Network, links: number): void {
  for (const { name, dials, mostUnderWay, links: has } of network.watched) {
    expect(has, `links of ${name}`).toBe(links)
    expect(mostUnderWay, `dials under way of ${name}`).toBeLessThanOrEqual(MAX_IN_FLIGHT)
    const gaps = dials.slice(MAX_PER_SECOND).map((at, i) => at - (dials[i] as number))
    expect(Math.min(1000, ...gaps), `ms for ${MAX_PER_SECOND} dials of ${name}`).toBe(1000)
  }
}

describe('nodes that are restarted or lose each other at once', () => {
  it.each([
    ['together', 0],
    ['within three seconds', 3000],
  ])('mesh without a storm of dials: a thousand that start %s', async (_, spread) => {
    const network = new Network(1, 20)
    network.start(1000, 40, spread)
    expect(await network.clock.run(LONG)).toBe(true)
    expectMeshed(network, 999)
    const watched = network.watched.length
    const links = watched * (1000 - watched) + (watched * (watched - 1)) / 2
    expect(network.attempts).toBeLessThan(3 * links)
  })

  it('mesh again without a storm of dials: a hundred whose network fails for a moment', async () => {
    const network = new Network(2, 20)
    network.start(100, 1, 0)
    expect(await network.clock.run(LONG)).toBe(true)
    const before = network.attempts
    network.cutAll()
    expect(await network.clock.run(2 * LONG)).toBe(true)
    expectMeshed(network, 99)
    expect(network.attempts - before).toBeLessThan((3 * (100 * 99)) / 2)
  })
})
