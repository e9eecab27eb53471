import { ok } from 'node:assert/strict'
import type { TsunagiNode } from '../tsunagi.ts'

/** One check, for any test runner: `for (const { name, run } of checks) it(name, run)`. */
export interface ConformanceCheck {
  readonly name: string
  /** Rejects with an `AssertionError` when what is checked fails it. */
  run(): Promise<void>
}

/** An engine in a world that its author has made for it. */
export interface EngineUnderTest<Engine> {
  readonly engine: Engine
  /** Three nodes or more, any two of which reach each other by the engine. */
  readonly nodes: readonly TsunagiNode[]
  /** Ends the world, its nodes included. */
  readonly close: () => Promise<void> | void
}

/** What has to hold in a world. */
export interface Expectation<World> {
  readonly name: string
  check(world: World): Promise<void>
}

/** Makes checks of expectations: each gets a world of its own, which ends whatever comes of it. */
export function conformanceChecks<World extends { readonly close?: () => Promise<void> | void }>(
  make: () => Promise<World> | World,
  expectations: readonly Expectation<World>[],
): ConformanceCheck[] {
  return expectations.map(({ name, check }) => ({
    name,
    async run() {
      const world = await make()
      try {
        await check(world)
      } finally {
        await world.close?.()
      }
    },
  }))
}

/** As {@link conformanceChecks}, of what is expected of an engine; `begin` puts it to work on the nodes. */
export function engineChecks<Engine, Trial>(
  make: () => Promise<EngineUnderTest<Engine>> | EngineUnderTest<Engine>,
  begin: (world: EngineUnderTest<Engine>) => Trial,
  expectations: readonly Expectation<Trial>[],
): ConformanceCheck[] {
  return conformanceChecks(
    make,
    expectations.map(({ name, check }) => ({
      name,
      async check(world) {
        ok(world.nodes.length >= 3, 'the world has less than three nodes')
        await check(begin(world))
      },
    })),
  )
}
