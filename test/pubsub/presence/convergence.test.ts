import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Delta } from '../../../src/pubsub/presence/delta.ts'
import type { Entry } from '../../../src/pubsub/presence/entry.ts'
import type { PresenceState } from '../../../src/pubsub/presence/state.ts'
import { A, B, C, connected, newPid, ref, sync } from './cast.ts'
import { FakeTrackers } from './fake-trackers.ts'

const replicas = [A, B, C, ref('d')]
const index = fc.nat({ max: replicas.length - 1 })

const command = fc.oneof(
  fc.record({ do: fc.constant('join' as const), at: index, key: fc.constantFrom('x', 'y', 'z') }),
  fc.record({ do: fc.constantFrom('leave' as const, 'update' as const), at: index, which: fc.nat({ max: 9 }) }),
  // Tells what was done; which of the others gets it, and when, is open.
  fc.record({ do: fc.constant('tell' as const), at: index }),
  fc.record({ do: fc.constant('deliver' as const), at: index, which: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant('sync' as const), at: index, from: index }),
  fc.record({ do: fc.constantFrom('down' as const, 'up' as const), at: index, of: index }),
)

/** What each replica has of its own, and what it was seen to tell of what comes and goes. */
class World {
  readonly states = connected(...replicas)
  readonly own: Entry[][] = replicas.map(() => [])
  readonly #visible = replicas.map(() => new Set<Entry>())
  readonly #told: Delta[] = []

  run(step: typeof command extends fc.Arbitrary<infer T> ? T : never): void {
    const state = this.states[step.at] as PresenceState
    const own = this.own[step.at] as Entry[]
    switch (step.do) {
      case 'join': {
        const entry = state.join({ pid: newPid(), topic: 't', key: step.key, meta: {} })
        own.push(entry)
        return this.#see(step.at, { joins: [entry], leaves: [] })
      }
      case 'leave': {
        const [entry] = own.splice(step.which, 1)
        if (entry === undefined) return
        state.leave(entry)
        return this.#see(step.at, { joins: [], leaves: [entry] })
      }
      case 'update': {
        const entry = own[step.which]
        if (entry === undefined) return
        const updated = state.update(entry, { updated: true })
        own[step.which] = updated
        return this.#see(step.at, { joins: [updated], leaves: [entry] })
      }
      case 'tell':
        if (state.hasDelta) this.#told.push(state.takeDelta())
        return
      case 'deliver': {
        const delta = this.#told[step.which]
        if (delta !== undefined) this.#see(step.at, state.merge(delta))
        return
      }
      case 'sync':
        return this.#see(step.at, sync(state, this.states[step.from] as PresenceState))
      case 'down':
        return this.#see(step.at, state.replicaDown(replicas[step.of] as string))
      case 'up':
        return this.#see(step.at, state.replicaUp(replicas[step.of] as string))
    }
  }

  heal(): void {
    for (const at of replicas.keys()) {
      for (const of of replicas.keys()) this.run({ do: 'up', at, of })
    }
    for (const at of replicas.keys()) {
      for (const from of replicas.keys()) if (from !== at) this.run({ do: 'sync', at, from })
    }
  }

  /** What was told of is what is there. */
  check(): void {
    for (const [at, state] of this.states.entries()) {
      expect(new Set(state.all())).toEqual(this.#visible[at])
    }
  }

  #see(at: number, { joins, leaves }: { joins: readonly Entry[]; leaves: readonly Entry[] }): void {
    const visible = this.#visible[at] as Set<Entry>
    for (const entry of leaves) if (!visible.delete(entry)) throw new Error(`${entry.key} left, but was not there`)
    for (const entry of joins) {
      if (visible.has(entry)) throw new Error(`${entry.key} joined twice`)
      visible.add(entry)
    }
  }
}

describe('replicas', () => {
  it('come to the same, with all that was added and not removed, whatever came in whatever order', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (steps) => {
        const world = new World()
        for (const step of steps) {
          world.run(step)
          world.check()
        }
        world.heal()
        world.check()
        const all = world.own.flatMap((own) => own.map((entry) => `${entry.replica} ${entry.clock}`)).sort()
        for (const state of world.states) {
          expect(Array.from(state.all(), (entry) => `${entry.replica} ${entry.clock}`).sort()).toEqual(all)
          expect(state.looseTags).toBe(0)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('come to the same by deltas alone as by whole states', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (steps) => {
        const [byDeltas, byStates] = [new World(), new World()]
        for (const world of [byDeltas, byStates]) {
          for (const step of steps) if (['join', 'leave', 'update'].includes(step.do)) world.run(step)
        }
        const deltas = byDeltas.states.map((state) => state.takeDelta())
        for (const state of byDeltas.states) for (const delta of deltas.toReversed()) state.merge(delta)
        byStates.heal()
        for (const [at, state] of byDeltas.states.entries()) {
          const tags = (of: PresenceState) => Array.from(of.all(), (entry) => `${entry.replica} ${entry.clock}`).sort()
          expect(tags(state)).toEqual(tags(byStates.states[at] as PresenceState))
          expect(state.context).toEqual((byStates.states[at] as PresenceState).context)
        }
      }),
      { numRuns: 100 },
    )
  })
})

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), at: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'update' as const),
      at: index,
      which: fc.nat({ max: 9 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'mend' as const), at: index, from: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), at: index }) },
)

describe('trackers', () => {
  it('agree again after losses, partitions and restarts, within a few periods', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.integer({ min: 0, max: 30 }), (steps, loss) => {
        const net = new FakeTrackers(['a', 'b', 'c', 'd'], { loss: loss / 100 })
        for (const step of steps) {
          switch (step.do) {
            case 'join':
              net.join(step.at)
              break
            case 'leave':
              net.leave(step.at, step.which)
              break
            case 'update':
              net.update(step.at, step.which)
              break
            case 'wait':
              net.clock.advance(step.ms)
              break
            case 'cut':
              net.cut(step.at, step.from)
              break
            case 'mend':
              net.mend(step.at, step.from)
              break
            case 'restart':
              net.restart(step.at)
          }
        }
        net.heal()
        net.clock.advance(60_000)
        const expected = net.expected()
        for (const at of replicas.keys()) expect(net.list(at)).toEqual(expected)
        expect(net.errors).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})
