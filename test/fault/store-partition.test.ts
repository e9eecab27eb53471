import { describe, expect, it } from 'vitest'
import type { Version } from '../../src/store/index.ts'
import { missingForNetworks, Networks } from '../support/network-namespaces.ts'
import { describeSkipped } from '../support/tools.ts'
import { ready, type StoreNode, StoreNodes, type StoreScene } from './store-nodes.ts'

const timing = { heartbeat: 300, lease: 2000 }

/** Two nodes on the right, one on the left; which is the first loader. */
async function open(networks: Networks, options: (names: readonly string[]) => object) {
  const places = [
    { name: `a@${networks.address('left')}`, within: networks.inside('left') },
    { name: `b@${networks.address('right', 0)}`, within: networks.inside('right') },
    { name: `c@${networks.address('right', 1)}`, within: networks.inside('right') },
  ]
  const names = places.map(({ name }) => name)
  const nodes = await StoreNodes.start(places, { ...timing, ...options(names) }, { netTickTime: 4000 })
  return { nodes, abc: nodes.all as readonly [StoreNode, StoreNode, StoreNode] }
}

/** Writes keys of its own and one of everybody's until it is told to stop, and keeps what was acknowledged. */
function write({ store, node, kept }: StoreScene): void {
  Object.assign(kept, { acknowledged: {}, count: 0, codes: [], back: [], conflicts: [], stopped: false })
  const last = { told: undefined as Version | undefined, read: undefined as Version | undefined }
  const rises = (way: 'told' | 'read', version: Version | undefined): void => {
    if (version === undefined || (last[way]?.compare(version) ?? -1) > 0) kept.back.push(`${way} ${version}`)
    last[way] = version
  }
  store.on('conflict', ({ key, discarded }) => kept.conflicts.push([key, discarded?.value]))
  store.on('change', ({ key, version }) => {
    if (key !== 'shared') return
    rises('told', version)
    rises('read', store.entry(key)?.version)
  })
  const side = node.name
  const writer = async (id: number): Promise<void> => {
    for (let i = 0; !kept.stopped; i++) {
      // Every fourth write is of a key that others write, too.
      const key = i % 4 === 0 ? `shared${i % 16 === 0 ? '' : id}` : `${side} ${id} ${i}`
      const value = `${side} ${id} ${i}`
      try {
        await store.put(key, value, { timeout: 60_000 })
        kept.acknowledged[key] = value
        kept.count++
      } catch (error) {
        kept.codes.push((error as { code: string }).code)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
  kept.writers = Promise.all([0, 1, 2, 3].map(writer))
}

/** Resolves when so many more writes were acknowledged. */
async function written({ kept }: StoreScene, more: number): Promise<void> {
  const until = kept.count + more
  while (kept.count < until) await new Promise((resolve) => setTimeout(resolve, 10))
}

async function stop({ kept }: StoreScene) {
  kept.stopped = true
  await kept.writers
  const { acknowledged, codes, back } = kept
  return { acknowledged, codes: [...new Set(codes)], back } as {
    acknowledged: Record<string, string>
    codes: string[]
    back: string[]
  }
}

const contents = ({ store }: StoreScene): [string, unknown, string][] =>
  Array.from(store.entries(), ([key, { value, version }]): [string, unknown, string] => [
    key,
    value,
    String(version),
  ]).sort(([a], [b]) => (a < b ? -1 : 1))

/** Resolves when a node has a value, whatever it is. */
async function has({ store }: StoreScene, key: string): Promise<void> {
  for await (const event of store.watch(key)) if (event.type === 'put') return
}

const partition = (): void => {
  it('leaves its majority writing, and its minority reading; nothing acknowledged is lost', async () => {
    using networks = Networks.open(2)
    // The first loader is the one that is cut off.
    const { nodes, abc } = await open(networks, (members) => ({ members, loader: members }))
    await using _nodes = nodes
    const [a, b, c] = abc
    expect(await a.run(({ store }) => store.status.loader)).toBe(a.name)
    await Promise.all(abc.map((node) => node.run(write)))
    await Promise.all(abc.map((node) => node.run(written, 100)))
    networks.cut()
    // These can only be answered by another loader.
    await Promise.all([b, c].map((node) => node.run(written, 200)))
    const minority = a.run(({ store }) => store.put('minority', 1, { timeout: 30_000 }))
    await expect(minority).rejects.toMatchObject({ code: 'ERR_NO_QUORUM' })
    expect(await a.run(({ store }) => [store.has('shared'), store.peek('minority') ?? 'none'])).toEqual([true, 'none'])
    const seen = await a.run(({ store }) => store.get('shared'))
    expect(seen).toMatch(/^[abc]@/)
    networks.heal()
    await Promise.all(abc.map((node) => node.run(written, 100)))
    const told = await Promise.all(abc.map((node) => node.run(stop)))
    await a.run(({ store }) => store.put('last', 1, { timeout: 60_000, durability: 'all' }))
    await Promise.all(abc.map((node) => node.run(has, 'last')))
    const [first, ...others] = await Promise.all(abc.map((node) => node.run(contents)))
    for (const other of others) expect(other).toEqual(first)
    const there = new Map(first?.map(([key, value]) => [key, value]))
    for (const { acknowledged, back } of told) {
      expect(back).toEqual([])
      for (const [key, value] of Object.entries(acknowledged)) {
        // What all write is what one of them has written last.
        if (key.startsWith('shared')) expect(there.has(key)).toBe(true)
        else expect(there.get(key)).toBe(value)
      }
    }
    expect(there.has('minority')).toBe(false)
    expect(
      told.flatMap(({ codes }) => codes).filter((code) => code !== 'ERR_NO_QUORUM' && code !== 'ERR_NO_LOADER'),
    ).toEqual([])
  }, 120_000)

  it('without members leaves both sides writing, and tells of each value that is discarded when it heals', async () => {
    using networks = Networks.open(2)
    const { nodes, abc } = await open(networks, () => ({}))
    await using _nodes = nodes
    const [a, b, c] = abc
    await Promise.all(abc.map((node) => node.run(write)))
    await Promise.all(abc.map((node) => node.run(written, 50)))
    networks.cut()
    // Each side has to find out first: what is acknowledged then is the side's alone.
    const alone = async ({ store }: StoreScene, size: number): Promise<void> => {
      while (store.status.nodes.length !== size) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await Promise.all([a.run(alone, 1), b.run(alone, 2), c.run(alone, 2)])
    await Promise.all(abc.map((node) => node.run(written, 50)))
    const told = await Promise.all(abc.map((node) => node.run(stop)))
    // On each side its own value, as its nodes have it.
    const sides = [await a.run(contents), await b.run(contents)]
    networks.heal()
    await Promise.all(abc.map((node) => node.run(ready, 2)))
    await a.run(({ store }) => store.put('last', 1, { timeout: 60_000, durability: 'all' }))
    await Promise.all(abc.map((node) => node.run(has, 'last')))
    const [first, ...others] = await Promise.all(abc.map((node) => node.run(contents)))
    for (const other of others) expect(other).toEqual(first)
    const there = new Map(first?.map(([key, value]) => [key, value]))
    const discarded = new Set(
      (await Promise.all(abc.map((node) => node.run(({ kept }) => kept.conflicts as [string, string][]))))
        .flat()
        .map(([key, value]) => `${key}: ${value}`),
    )
    for (const [key, value] of sides.flat()) {
      if (there.get(key) !== value) expect(discarded).toContain(`${key}: ${value}`)
    }
    // Both sides had written what all write.
    expect(discarded.size).toBeGreaterThan(0)
    for (const { acknowledged } of told) for (const key of Object.keys(acknowledged)) expect(there.has(key)).toBe(true)
  }, 120_000)
}

const missing = missingForNetworks()
const title = 'a partition of the network of a store'
if (missing.length === 0) describe(title, partition)
else describeSkipped(title, missing, partition)
