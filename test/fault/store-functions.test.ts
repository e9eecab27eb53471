import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ready, type StoreNode, StoreNodes, type StoreScene } from './store-nodes.ts'

const names = ['a@127.0.0.1', 'b@127.0.0.1', 'c@127.0.0.1']

/** To run on a node: resolves with what the function gives once that is no less. */
async function reaches({ store }: StoreScene, name: string, result: number): Promise<number> {
  for (;;) {
    const given = store.functions.has(name) ? ((await store.run(name, [])) as number) : -1
    if (given >= result) return given
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('functions that processes share', () => {
  let nodes: StoreNodes
  let abc: readonly [StoreNode, StoreNode, StoreNode]

  beforeAll(async () => {
    nodes = await StoreNodes.start(
      names.map((name) => ({ name })),
      { loader: names, heartbeat: 300, lease: 3000, functions: { from: names } },
    )
    abc = nodes.all as typeof abc
  }, 120_000)
  afterAll(() => nodes[Symbol.asyncDispose]())

  it('are one, although all define them at the same time, and run where they are called', async () => {
    const call = ({ store, node }: StoreScene) => store.call('who', ['x'], () => `(x) => x + ' as ${node.name} has it'`)
    const answers = await Promise.all(abc.map((node) => node.run(call)))
    expect(new Set(answers).size).toBe(1)
    const again = ({ store }: StoreScene) => store.run('who', ['x'])
    expect(await Promise.all(abc.map((node) => node.run(again)))).toEqual(answers)
  })

  it('are replaced while calls run: those finish on what they began with, and no node goes back', async () => {
    const [a, b, c] = abc
    await a.run(({ store }) => store.define('version', { source: '() => 0', version: 0 }))
    await Promise.all(abc.map((node) => node.run(reaches, 'version', 0)))
    const begin = ({ store, kept }: StoreScene): void => {
      // One that runs for as long as all of the replacements take, and calls one after the other.
      kept.open = store.define('slow', { source: 'async (gate) => { await gate; return 0 }', version: 0 }).then(() => {
        kept.running = store.run(
          'slow',
          [
            new Promise((resolve) => {
              kept.finish = resolve
            }),
          ],
          { timeout: 60_000 },
        )
      })
      kept.seen = []
      kept.calling = (async () => {
        for (let last = -1; last < 30; ) {
          last = (await store.run('version', [])) as number
          if (last !== kept.seen.at(-1)) kept.seen.push(last)
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
    }
    await Promise.all([b, c].map((node) => node.run(begin)))
    await Promise.all([b, c].map((node) => node.run(({ kept }) => kept.open)))
    await a.run(async ({ store }) => {
      for (let version = 1; version <= 30; version++) {
        await store.define('version', { source: `() => ${version}`, version })
      }
      await store.define('slow', { source: 'async () => 1', version: 1 })
    })
    const seen = ({ kept }: StoreScene) => kept.calling.then(() => kept.seen as number[])
    for (const versions of await Promise.all([b, c].map((node) => node.run(seen)))) {
      expect(versions).toEqual(versions.toSorted((x: number, y: number) => x - y))
      expect(versions.at(-1)).toBe(30)
    }
    const finished = async ({ store, kept }: StoreScene) => {
      while ((await store.run('slow', [])) !== 1) await new Promise((resolve) => setTimeout(resolve, 10))
      kept.finish()
      return kept.running
    }
    expect(await Promise.all([b, c].map((node) => node.run(finished)))).toEqual([0, 0])
  })

  it('cross when they are long, and are refused when they are too long or use what is not theirs', async () => {
    const [, b, c] = abc
    const long = ({ store }: StoreScene, length: number) =>
      store.define('long', `() => ${JSON.stringify('x'.repeat(length))}.length`).then(({ size }) => size)
    expect(await b.run(long, 250_000)).toBeGreaterThan(250_000)
    expect(await c.run(({ store }) => store.call('long', [], () => '() => 0'))).toBe(250_000)
    await expect(b.run(long, 300_000)).rejects.toMatchObject({
      code: 'ERR_FUNCTION_SOURCE',
      message: expect.stringContaining('262144'),
    })
    const captured = b.run(({ store }) => {
      const rate = 2
      return store.define('captured', (x: number) => x * rate)
    })
    await expect(captured).rejects.toMatchObject({
      code: 'ERR_FUNCTION_SOURCE',
      message: expect.stringContaining('`rate`'),
    })
    expect(await c.run(({ store }) => store.functions.has('captured'))).toBe(false)
  })

  it('that loop for ever, or take all memory, end with their thread, and the node goes on', async () => {
    const [a, b] = abc
    await a.run(({ store }) => store.define('loop', '() => { for (;;); }'))
    await a.run(({ store }) =>
      store.define('eat', '() => { const all = []; for (;;) all.push({ all: [...all.slice(-9)] }) }'),
    )
    const run = async ({ store }: StoreScene, name: string, timeout: number) => {
      while (!store.functions.has(name)) await new Promise((resolve) => setTimeout(resolve, 10))
      return await store.run(name, [], { isolate: 'worker', timeout })
    }
    const looping = b.run(run, 'loop', 1500)
    looping.catch(() => {})
    // Meanwhile it writes.
    await b.run(({ store }) => store.put('while', 'looping'))
    await expect(looping).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await expect(b.run(run, 'eat', 50_000)).rejects.toMatchObject({ code: 'ERR_FUNCTION_ENDED' })
    expect(await b.run(({ store }) => store.run('version', [], { isolate: 'worker' }))).toBe(30)
  })

  it('are not taken from a node that is not listed, which takes those of the others all the same', async () => {
    const [a] = abc
    const stranger = await nodes.start({ name: 'd@127.0.0.1' })
    await stranger.run(ready, 3)
    expect(await stranger.run(({ store }) => store.run('version', []))).toBe(30)
    const defining = stranger.run(({ store }) => store.define('evil', '() => 1'))
    await expect(defining).rejects.toMatchObject({
      code: 'ERR_FUNCTION_REFUSED',
      message: expect.stringContaining('d@127.0.0.1'),
    })
    const removing = stranger.run(({ store }) => store.functions.remove('version'))
    await expect(removing).rejects.toMatchObject({ code: 'ERR_FUNCTION_REFUSED' })
    expect(await a.run(({ store }) => [store.functions.has('evil'), store.functions.has('version')])).toEqual([
      false,
      true,
    ])
    await stranger.process[Symbol.asyncDispose]()
  })

  it('outlast their loader, are defined by the next one, and are there for who comes back', async () => {
    const [a, b, c] = abc
    a.process.kill('SIGKILL')
    await a.process.exited
    expect(await c.run(({ store }) => store.run('version', []))).toBe(30)
    await c.run(({ store }) => store.define('version', { source: '() => 31', version: 31 }, { timeout: 60_000 }))
    expect(await b.run(reaches, 'version', 31)).toBe(31)
    const again = await nodes.start({ name: a.name })
    await again.run(ready, 2)
    expect(await again.run(({ store }) => store.run('version', []))).toBe(31)
    const info = await again.run(({ store }) => store.functions.list().find(({ name }) => name === 'version'))
    expect(info).toMatchObject({ version: 31, submitter: c.name, state: 'ready' })
  })
})
