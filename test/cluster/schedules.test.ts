import { EventEmitter, once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Strategy } from '../../src/cluster/strategy.ts'
import type { TopologyChanges } from '../../src/cluster/topology-options.ts'
import { Stage, settle } from './stage.ts'
import '../support/seed.ts'

const NAMES = ['a@h', 'b@h', 'c@h', 'd@h']

/** Where all strategies of a schedule look. */
class World extends EventEmitter {
  names: readonly string[] = []
  mood: 'well' | 'partial' | 'failing' | 'hanging' = 'well'

  set(names: readonly string[], mood: World['mood']): void {
    this.names = names
    this.mood = mood
    this.emit('changed')
  }

  look(): unknown {
    if (this.mood === 'failing') throw new Error('nobody knows')
    if (this.mood === 'hanging') return new Promise(() => {})
    return this.mood === 'well' ? this.names : { nodes: this.names.slice(0, 1), errors: [new Error('half')] }
  }

  asked(): Strategy {
    return { name: 'asked', discover: () => this.look() as never }
  }

  told(): Strategy {
    const world = this
    return {
      name: 'told',
      async *watch({ signal }) {
        while (!signal.aborted) {
          yield (await world.look()) as never
          await once(world, 'changed', { signal })
        }
      },
    }
  }
}

type Step = (stage: Stage, world: World) => unknown

/** Of what is asked for, some is given up. */
const quietly = (promise: Promise<unknown>): void => void promise.catch(() => {})

const members = new Set<string>()
const changes = (world: World): readonly (() => TopologyChanges)[] => [
  () => ({ strategy: world.asked() }),
  () => ({ strategy: world.told() }),
  () => ({ filter: (name) => name !== 'a@h' }),
  () => ({ filter: undefined }),
  () => ({ interval: 100 }),
  () => ({ interval: Number.POSITIVE_INFINITY }),
  () => ({ prune: { after: 300 } }),
  () => ({ prune: 'never' }),
  () => ({ connect: ({ name }) => members.add(name), disconnect: (name) => members.delete(name), list: () => members }),
  () => ({ connect: undefined, disconnect: undefined, list: undefined, prune: undefined }),
]

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.subarray(NAMES), fc.constantFrom('well', 'well', 'partial', 'failing', 'hanging')).map(
    ([names, mood]): Step =>
      (_, world) =>
        world.set(names, mood as World['mood']),
  ),
  fc.nat(9).map(
    (i): Step =>
      ({ topology }, world) =>
        topology.update((changes(world)[i] as () => TopologyChanges)()),
  ),
  fc.constantFrom<Step>(
    ({ topology }) => topology.pause(),
    ({ topology }) => topology.resume(),
    ({ topology }) => quietly(topology.refresh()),
    ({ topology }) => quietly(topology.runOnce()),
    ({ topology }) => quietly(topology.refresh({ signal: AbortSignal.abort(new Error('no')) })),
    ({ topology }) => quietly(topology.runOnce({ timeout: 50 })),
  ),
  fc.constantFrom(1, 100, 250, 5000).map(
    (ms): Step =>
      (stage) =>
        stage.host.clock.advance(ms),
  ),
  fc.boolean().map(
    (easy): Step =>
      ({ host }) =>
        void Object.assign(host, { easy }),
  ),
  fc.constant<Step>(({ host }) => {
    for (const name of host.connected) host.down(name)
  }),
  fc.constant<Step>(() => settle()),
)

describe('whatever becomes of a topology', () => {
  it('in the end it wants whom it finds, and nothing of it is left when it is closed', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, told) => {
          members.clear()
          const world = new World()
          const stage = new Stage({ strategy: told ? world.told() : world.asked(), interval: 1000 })
          const { topology, host } = stage
          for (const step of steps) {
            await step(stage, world)
            await null
          }
          host.easy = true
          // A dial of a real node ends.
          for (const [name, { state }] of host.peers) if (state === 'dialling') host.fail(name)
          world.set(['b@h', 'c@h'], 'well')
          topology.update({ ...changes(world)[told ? 1 : 0]?.(), filter: undefined, interval: 1000 })
          await settle()
          // What hangs is given up, what was told is taken after its time.
          for (let i = 0; i < 3; i++) await stage.pass(5000)
          const refreshed = topology.refresh()
          for (let i = 0; i < 3; i++) await stage.pass(5000)
          const { found } = await refreshed
          expect([...found].sort()).toEqual(['b@h', 'c@h'])
          expect([...new Set([...host.wanted, ...members])].filter((name) => found.includes(name)).sort()).toEqual([
            'b@h',
            'c@h',
          ])
          if (host.wanted.length > 0) expect(host.wanted.sort()).toEqual(['b@h', 'c@h'])
          await topology.close()
          await settle()
          expect([host.wanted, host.clock.pending, host.observers, host.judges.size]).toEqual([[], 0, 0, 0])
          expect(stage.events.at(-1)?.type).toBe('stopped')
        }),
        { numRuns: 300 },
      )
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(unhandled).toEqual([])
  }, 120_000)
})
