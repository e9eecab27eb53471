import { expect, it } from 'vitest'
import { StoreNodes, type StoreScene } from './store-nodes.ts'

const KEYS = 20
const ROUNDS = 30
const SIZE = 100_000

/** To run on a node that takes no part in the store: watches it as a BEAM node would, by its server. */
async function watch({ node, kept, atom, tuple }: StoreScene, of: string): Promise<void> {
  kept.seen = {}
  kept.events = 0
  await new Promise<void>((resolve) => {
    node.spawn(async (self) => {
      await self.call({ name: 'tsunagi_store', node: of }, tuple(atom('watch'), tuple(atom('prefix'), 'k')))
      for await (const message of self) {
        const [, , event] = message as unknown as [unknown, unknown, [unknown, string, { round: number }]]
        if (event === (atom('synced') as unknown)) resolve()
        else if (Array.isArray(event) || typeof event === 'object') {
          kept.events++
          kept.seen[event[1]] = event[2].round
          kept.changed?.()
        }
      }
    })
  })
}

it('a watcher in a process that stands still costs the store no more than the latest of each key', async () => {
  const places = ['a@127.0.0.1', 'b@127.0.0.1'].map((name) => ({ name }))
  await using nodes = await StoreNodes.start(places.slice(0, 1), {})
  const [a] = nodes.all as [(typeof nodes.all)[0]]
  const b = await nodes.start({ name: 'b@127.0.0.1' }, { name: 'another' })
  await b.run(watch, a.name)
  b.process.kill('SIGSTOP')
  const write = async ({ store, node }: StoreScene, keys: number, rounds: number, size: number) => {
    let most = 0
    for (let round = 1; round <= rounds; round++) {
      for (let i = 0; i < keys; i++) {
        await store.put(`k${i}`, { round, text: 'x'.repeat(size) })
        most = Math.max(most, ...node.links().map(({ queuedBytes }) => queuedBytes))
      }
    }
    return most
  }
  // 60 MB, of which no more than a link's buffer waits for it.
  const most = await a.run(write, KEYS, ROUNDS, SIZE)
  expect(most).toBeLessThan(10_000_000)
  b.process.kill('SIGCONT')
  const settled = async ({ kept }: StoreScene, keys: number, rounds: number) => {
    const done = () => Object.values(kept.seen).filter((round) => round === rounds).length === keys
    while (!done())
      await new Promise((resolve) => {
        kept.changed = resolve
      })
    return kept.events as number
  }
  const events = await b.run(settled, KEYS, ROUNDS)
  expect(events).toBeGreaterThanOrEqual(KEYS)
  expect(events).toBeLessThan((KEYS * ROUNDS) / 2)
}, 120_000)
