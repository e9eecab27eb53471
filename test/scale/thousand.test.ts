import { describe, expect, it } from 'vitest'
import { MAX_IN_FLIGHT, MAX_PER_SECOND } from '../../src/node/dial-gate.ts'
import { Network } from './simulation.ts'

/** Time enough for all, in milliseconds of the simulation. */
const LONG = 600_000

/** Every node has all its links; none began more dials within any second than it may, or had more under way. */
function expectMeshed({ nodes }: Network): void {
  const lacking = nodes.filter(({ links }) => links !== nodes.length - 1).map(({ name, links }) => [name, links])
  expect(lacking).toEqual([])
  expect(Math.max(...nodes.map(({ mostUnderWay }) => mostUnderWay))).toBeLessThanOrEqual(MAX_IN_FLIGHT)
  const shortest = nodes.map(({ dials }) => {
    // Each dial against the one that is as many before it as may begin within a second.
    return dials.slice(MAX_PER_SECOND).reduce((least, at, i) => Math.min(least, at - (dials[i] as number)), 1000)
  })
  expect(Math.min(...shortest)).toBe(1000)
}

const linksOf = ({ nodes: { length } }: Network): number => (length * (length - 1)) / 2

describe('nodes that are restarted or lose each other at once', () => {
  it.each([
    ['a thousand, each of which takes up to a second to start', 1000, 1000],
    ['three hundred that start within three seconds', 300, 3000],
    ['three hundred that start at the very same moment', 300, 0],
  ])(
    'mesh without a storm of dials: %s',
    async (_, size, spread) => {
      const network = new Network(size, { seed: 1, slow: 20 })
      network.start(spread)
      expect(await network.clock.run(LONG)).toBe(true)
      expectMeshed(network)
      expect(network.attempts).toBeLessThan(3 * linksOf(network))
    },
    300_000,
  )

  it('mesh again without a storm of dials: a hundred whose network fails for a moment', async () => {
    const network = new Network(100, { seed: 2, slow: 20 })
    network.start(0)
    expect(await network.clock.run(LONG)).toBe(true)
    const before = network.attempts
    network.cutAll()
    expect(await network.clock.run(2 * LONG)).toBe(true)
    expectMeshed(network)
    expect(network.attempts - before).toBeLessThan(3 * linksOf(network))
  })
})
