import { expect, it } from 'vitest'
import { atom } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'

// Clustorage's README: three nodes, of which `app1` is the loader.
const names = ['app1@127.0.0.1', 'app2@127.0.0.1', 'app3@127.0.0.1']

function storeOf(node: TsunagiNode) {
  return node.store({ loader: 'app1@127.0.0.1', functions: { from: names } })
}

async function demo(cluster: Cluster) {
  const nodes: TsunagiNode[] = []
  for (const alive of ['app1', 'app2', 'app3']) nodes.push(await cluster.start(alive, { connectTo: names }))
  const stores = nodes.map(storeOf)
  await Promise.all(stores.map((store) => store.ready({ nodes: 2, timeout: 30_000 })))
  return { nodes, stores: stores as [(typeof stores)[0], (typeof stores)[0], (typeof stores)[0]] }
}

it('simple key and value data', async () => {
  await using cluster = await Cluster.create()
  const { stores } = await demo(cluster)
  const [app1, app2, app3] = stores
  // Clustorage.get(:hello, fn -> :world end)
  expect(await app2.get('hello', () => atom('world'))).toBe(atom('world'))
  // From then on every node has it, and nobody computes it again. `:"Elixir.Clustorage:hello".get()`
  for (const store of [app1, app3]) {
    expect(await store.get(atom('hello'), () => expect.unreachable())).toBe(atom('world'))
    expect(store.peek('hello')).toBe(atom('world'))
  }
})

it('distributed functions', async () => {
  await using cluster = await Cluster.create()
  const { stores } = await demo(cluster)
  const [app1, app2, app3] = stores
  // Clustorage.call(:sum, [1, 4], fn -> quote do fn(a, b) -> a + b end end end)
  expect(await app3.call('sum', [1, 4], () => (a: number, b: number) => a + b)).toBe(5)
  // `:"Elixir.Clustorage:sum".call([31, 82])`
  for (const store of [app1, app2]) expect(await store.call('sum', [31, 82], () => expect.unreachable())).toBe(113)
})

it('a node that comes later has what was there before', async () => {
  await using cluster = await Cluster.create()
  const { stores } = await demo(cluster)
  await stores[0].put('hello', 'world')
  await stores[0].define('sum', (a: number, b: number) => a + b)
  const late = storeOf(await cluster.start('app4', { connectTo: names }))
  await late.ready({ nodes: 3, timeout: 30_000 })
  expect(late.peek('hello')).toBe('world')
  expect(await late.run('sum', [1, 4])).toBe(5)
})

it('while the loader is down values are read, and writes are refused instead of lost', async () => {
  await using cluster = await Cluster.create()
  const { nodes, stores } = await demo(cluster)
  const [, app2, app3] = stores
  await app2.put('hello', 'world')
  const gone = new Promise<void>((resolve) => {
    app3.on('loader', (name) => name === undefined && resolve())
  })
  await nodes[0]?.close()
  await gone
  expect(app3.peek('hello')).toBe('world')
  expect(await app3.get('hello', () => expect.unreachable())).toBe('world')
  await expect(app3.put('more', 1, { timeout: 1000 })).rejects.toMatchObject({ code: 'ERR_NO_LOADER' })
  const again = storeOf(await cluster.start('app1', { connectTo: names }))
  await again.ready({ nodes: 2, timeout: 30_000 })
  expect(again.peek('hello')).toBe('world')
  await app3.put('more', 1, { timeout: 30_000 })
  await expect.poll(() => again.peek('more')).toBe(1)
})

it('nil is a value', async () => {
  await using cluster = await Cluster.create()
  const { stores } = await demo(cluster)
  const [app1, app2] = stores
  expect(await app1.get('nothing', () => null)).toBeNull()
  expect(await app2.get('nothing', () => expect.unreachable())).toBeNull()
})
