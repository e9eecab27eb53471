import { describe, expect, it, vi } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import { Cluster } from '../cluster.ts'

const ROUNDS = 6
const NAMES = ['b', 'c', 'd', 'e', 'f', 'g', 'h']

/** Numbers in [0, 1) that are the same for the same seed: a schedule that failed can be run again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

describe('the mesh in a cluster whose nodes come and go', () => {
  it.each([1, 2, 3])(
    'always comes to the same: all are connected with all, and nobody looks for the dead (seed %i)',
    async (seed) => {
      await using cluster = await Cluster.create()
      const draw = random(seed)
      const live = new Map<string, LocalNode>()
      const hub = await cluster.start('a')
      const toggle = async (name: string): Promise<void> => {
        const node = live.get(name)
        live.delete(name)
        if (node !== undefined) await node.close()
        else live.set(name, await cluster.start(name, { connectTo: hub.name }))
      }
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of NAMES.filter(() => draw() < 0.5)) await toggle(name)
        const all = [hub, ...live.values()]
        const names = all.map(({ name }) => name).sort()
        for (const node of all) {
          const look = (): void => {
            expect([...node.nodes(), node.name].sort()).toEqual(names)
            expect([...node.nodes('known'), node.name].sort()).toEqual(names)
          }
          await vi.waitFor(look, { timeout: 25_000, interval: 20 })
        }
      }
    },
    60_000,
  )
})
