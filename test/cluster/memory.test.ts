import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import type { TopologyOptions } from '../../src/cluster/topology-options.ts'
import { FakeHost, Stage } from './stage.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const REFRESHES = 5_000
/** Bytes for each refresh: less than the signal, the timer or the promises that one could leave behind. */
const TOLERANCE = 150

const names = Array.from({ length: 20 }, (_, i) => `n${i}@127.0.0.1`)
const some = (n: number): string[] => (n % 2 === 0 ? names : names.slice(3))

/** A topology that is refreshed again and again. It tells its strategy the how manieth time it is. */
class Treadmill {
  readonly #stage: Stage
  #count = 0

  constructor(answer: (n: number) => unknown, options: Omit<TopologyOptions, 'strategy'> = {}, push = false) {
    const host = Object.assign(new FakeHost(), { logger: silentLogger })
    const next = (): never => answer(++this.#count) as never
    const pulled = { name: 'pulled', discover: next }
    const pushed = {
      name: 'pushed',
      async *watch() {
        yield next()
      },
    }
    this.#stage = new Stage({ ...options, strategy: push ? pushed : pulled, interval: 1 }, host as never)
    // What the stage itself collects is not to be counted.
    Object.assign(this.#stage.events, { push: () => 0 })
  }

  async run(times: number): Promise<void> {
    for (const end = this.#count + times; this.#count < end; ) {
      this.#stage.host.clock.advance(1)
      await nextTurn()
      for (const name of this.#stage.host.peers.keys()) if (!names.includes(name)) this.#stage.host.peers.delete(name)
    }
  }

  close(): Promise<void> {
    return this.#stage.topology.close()
  }
}

describe('a topology that is refreshed for ever has no more memory then', () => {
  const members = new Set<string>()
  const own = {
    connect: ({ name }: { name: string }) => name !== names[4] && members.add(name),
    disconnect: (name: string) => members.delete(name),
    list: () => members,
  }
  it.each<[string, () => Treadmill]>([
    ['nodes come and go', () => new Treadmill(some, { prune: { after: 5 } })],
    [
      'nodes come that never were there before',
      () => new Treadmill((n) => [`x${n}@127.0.0.1`], { prune: { after: 0 } }),
    ],
    ['lookups fail', () => new Treadmill((n) => Promise.reject(new Error(`fault ${n}`)))],
    ['answers are not whole', () => new Treadmill((n) => ({ nodes: some(n), errors: [new Error(`fault ${n}`)] }))],
    ['answers have nonsense', () => new Treadmill((n) => [...names, `nonsense ${n}`])],
    ['a watch ends', () => new Treadmill(some, {}, true)],
    ['functions of one’s own connect', () => new Treadmill(some, { ...own, prune: { after: 0 } })],
  ])('when %s', async (_, make) => {
    const treadmill = make()
    const used = (): number => {
      collect()
      return process.memoryUsage().heapUsed
    }
    await treadmill.run(2_000)
    const before = used()
    await treadmill.run(REFRESHES)
    const grown = used() - before
    await treadmill.close()
    expect(grown / REFRESHES).toBeLessThan(TOLERANCE)
  })
})
