import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ready, type StoreNode, StoreNodes, type StoreScene } from './store-nodes.ts'

const names = ['a@127.0.0.1', 'b@127.0.0.1', 'c@127.0.0.1']

/** To run on a node: asks for a value, and counts how often it computes it there. What it makes is named `make`. */
async function get({ store, kept, say }: StoreScene, key: string, make: string, options: object = {}) {
  kept.computed ??= 0
  const made: Record<string, () => unknown> = {
    throw: () =>
      new Promise((_, reject) => {
        kept.go = () => reject(new RangeError('it broke'))
      }),
    hang: () => new Promise(() => {}),
    symbol: () => ({ deep: [Symbol('no')] }),
    text: () => `${key} of ${store.name}`,
  }
  const compute = (): never => {
    kept.computed++
    say(`computes ${key}`)
    return (made[make]?.() ?? JSON.parse(make)) as never
  }
  return await store.get(key, compute, { timeout: 50_000, ...options })
}

/** Resolves when the loader has what this node has asked it before. */
async function asked({ store }: StoreScene): Promise<void> {
  await store.put('asked', true)
}

const twice = <T>(value: T): T[] => [value, value]

describe('a value that processes compute together', () => {
  let nodes: StoreNodes
  let abc: readonly [StoreNode, StoreNode, StoreNode]

  beforeAll(async () => {
    nodes = await StoreNodes.start(
      names.map((name) => ({ name })),
      { loader: names, heartbeat: 300, lease: 3000 },
    )
    abc = nodes.all as typeof abc
  }, 120_000)
  afterAll(() => nodes[Symbol.asyncDispose]())

  /** One of them has the lease; the others wait for it. */
  async function computing(on: StoreNode, key: string, make: string, options: object = {}) {
    const outcome = on.run(get, key, make, options)
    outcome.catch(() => {})
    await on.process.waitForOutput(new RegExp(`^computes ${key}$`))
    return { outcome }
  }

  it('is had by all as it is, also when it is nothing', async () => {
    const [a, b, c] = abc
    for (const [i, value] of [null, false, '', 0, [], {}].entries()) {
      const key = `plain${i}`
      const all = await Promise.all(abc.map((node) => node.run(get, key, JSON.stringify(value))))
      expect(all).toEqual([value, value, value])
    }
    const nothing = await b.run(async ({ store }) => (await store.get('undefined', () => undefined)) === undefined)
    expect(nothing).toBe(true)
    const again = ({ store }: StoreScene) =>
      store.get('undefined', () => 'computed anew').then((value) => [value === undefined, store.has('undefined')])
    expect(await Promise.all([a, c].map((node) => node.run(again)))).toEqual(twice([true, true]))
    const counts = await Promise.all(abc.map((node) => node.run(({ kept }) => kept.computed as number)))
    expect(counts.reduce((sum, count) => sum + count)).toBe(6)
  })

  it('is not there when the computation throws, and all who wait hear how', async () => {
    const [a, b, c] = abc
    const { outcome } = await computing(b, 'throws', 'throw')
    const others = [a, c].map((node) => node.run(get, 'throws', 'text'))
    for (const node of [a, c]) await node.run(asked)
    await b.run(({ kept }) => kept.go())
    await expect(outcome).rejects.toMatchObject({ name: 'RangeError', message: 'it broke' })
    const told = { code: 'ERR_COMPUTE', message: expect.stringContaining('RangeError: it broke') }
    for (const other of others) await expect(other).rejects.toMatchObject(told)
    const has = abc.map((node) => node.run(({ store }) => store.has('throws')))
    expect(await Promise.all(has)).toEqual([false, false, false])
    expect(await c.run(get, 'throws', 'text')).toBe('throws of tsunagi_store')
  })

  it('is computed by the next one when the first takes too long, or makes what is no term', async () => {
    const [a, b, c] = abc
    const { outcome } = await computing(b, 'hangs', 'hang', { computeTimeout: 1500 })
    const next = [a, c].map((node) => node.run(get, 'hangs', 'text'))
    await expect(outcome).rejects.toMatchObject({ code: 'ERR_COMPUTE_TIMEOUT' })
    expect(await Promise.all(next)).toEqual(twice('hangs of tsunagi_store'))
    await expect(b.run(get, 'symbol', 'symbol')).rejects.toMatchObject({
      name: 'EncodeError',
      message: expect.stringContaining('deep[0]'),
    })
    // Who asks before the loader has heard of it, hears of it, too.
    await b.run(asked)
    expect(await c.run(get, 'symbol', 'text')).toBe('symbol of tsunagi_store')
  })

  it('is computed by one of those who wait when the process that computes it is killed', async () => {
    const [a, b, c] = abc
    const { outcome } = await computing(b, 'killed', 'hang')
    const next = [a, c].map((node) => node.run(get, 'killed', 'text'))
    for (const node of [a, c]) await node.run(asked)
    b.process.kill('SIGKILL')
    await expect(outcome).rejects.toThrow()
    expect(await Promise.all(next)).toEqual(twice('killed of tsunagi_store'))
    const computed = [a, c].flatMap(({ process }) => process.output.filter((line) => line === 'computes killed'))
    expect(computed).toHaveLength(1)
    const again = await nodes.start({ name: b.name })
    await again.run(ready, 2)
    expect(await again.run(({ store }) => store.peek('killed'))).toBe('killed of tsunagi_store')
  })

  it('is served while it is stale, though its loader is killed, and computed anew by one', async () => {
    const [a, , c] = nodes.all as typeof abc
    const b = nodes.all.find(({ name }) => name === names[1]) as StoreNode
    const life = { ttl: 500, stale: 600_000 }
    expect(await c.run(get, 'rates', '1', life)).toBe(1)
    expect(await a.run(({ store }) => store.status.loader)).toBe(a.name)
    a.process.kill('SIGKILL')
    await a.process.exited
    const stale = async ({ store }: StoreScene): Promise<boolean> => {
      while ((store.entry('rates')?.staleAt ?? Infinity) > Date.now())
        await new Promise((resolve) => setTimeout(resolve, 10))
      return true
    }
    for (const node of [b, c]) expect(await node.run(stale)).toBe(true)
    // At once, and the one in the background may have to wait for the next loader.
    expect(await b.run(get, 'rates', '2', life)).toBe(1)
    const next = async ({ store }: StoreScene) => {
      for await (const event of store.watch('rates')) if (event.type === 'put' && event.value !== 1) return event.value
      return undefined
    }
    expect(await Promise.all([b, c].map((node) => node.run(next)))).toEqual([2, 2])
    expect(await c.run(({ store }) => store.status.loader)).toBe(b.name)
    const all = [b, c].flatMap(({ process }) => process.output.filter((line) => line === 'computes rates'))
    expect(all).toHaveLength(2)
  })
})
