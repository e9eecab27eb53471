import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Version } from '../../src/store/version.ts'
import { atom, tuple } from '../../src/term/index.ts'
import { Cluster } from '../node/cluster.ts'
import { deferred } from '../support/deferred.ts'
import { MemoryCluster } from './memory-engine.ts'

/** A node with a store on an engine that is shared with the other stores of the test. */
async function open(options: object = {}) {
  const cluster = await Cluster.create()
  const memory = new MemoryCluster()
  const node = await cluster.start('a')
  const store = node.store({ engine: memory.factory(), ...options })
  return { cluster, memory, node, store, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

describe('the values of a store', () => {
  it('can be anything, undefined and null and false among it', async () => {
    await using scene = await open()
    const { store } = scene
    const values = [undefined, null, false, 0, '', [], 'text', tuple(1, 2), { a: [1] }, new Uint8Array()]
    for (const [i, value] of values.entries()) {
      await store.put(`k${i}`, value)
      expect(store.has(`k${i}`)).toBe(true)
      expect(await store.get(`k${i}`, () => expect.unreachable())).toEqual(value instanceof Uint8Array ? '' : value)
    }
    expect(store.has('other')).toBe(false)
    expect(await store.get('other')).toBeUndefined()
  })

  it('are found by a string, an atom or a list of such', async () => {
    await using scene = await open()
    const { store } = scene
    await store.put('a.b', 1)
    expect(store.peek(['a', 'b'])).toBe(1)
    expect(store.peek(['a', atom('b')])).toBe(1)
    await store.put(atom('hello'), 2)
    expect(store.peek('hello')).toBe(2)
    expect([...store.keys()]).toEqual(['a.b', 'hello'])
  })

  it.each([[''], ['a\0b'], [[]], [['a', '']], [1], [undefined], ['\ud800'], ['x'.repeat(5000)], [tuple('a')]])(
    'have no key such as %j',
    async (key) => {
      await using scene = await open()
      const { store } = scene
      await expect(store.put(key as never, 1)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'key' })
      await expect(store.get(key as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
      expect(() => store.peek(key as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    },
  )

  it('are kept apart by namespaces', async () => {
    await using scene = await open()
    const { store } = scene
    const users = store.namespace('users')
    await store.put('1', 'root')
    await users.put('1', 'ada')
    await users.namespace('old').put('1', 'bob')
    expect([store.peek('1'), users.peek('1'), users.namespace('old').peek('1')]).toEqual(['root', 'ada', 'bob'])
    expect([...store.keys()]).toEqual(['1'])
    expect([...users.entries()].map(([key, { value }]) => [key, value])).toEqual([['1', 'ada']])
    expect(await users.delete('1')).toBe(true)
    expect([store.has('1'), users.has('1')]).toEqual([true, false])
  })

  it('are refused with the path to what is no term, and nothing is written', async () => {
    await using scene = await open()
    await expect(scene.store.put('k', { a: [() => 1] } as never)).rejects.toMatchObject({
      code: 'ERR_ENCODE',
      path: expect.anything(),
    })
    expect(scene.store.has('k')).toBe(false)
  })

  it('can be written and taken away only if they have a version', async () => {
    await using scene = await open()
    const { store } = scene
    const first = await store.put('k', 1, { expected: 'absent' })
    await expect(store.put('k', 2, { expected: 'absent' })).rejects.toMatchObject({
      code: 'ERR_VERSION',
      current: first,
    })
    const second = await store.put('k', 2, { expected: first })
    expect(second.compare(first)).toBeGreaterThan(0)
    await expect(store.delete('k', { expected: first })).rejects.toMatchObject({ code: 'ERR_VERSION' })
    expect(await store.delete('k', { expected: second })).toBe(true)
    expect(await store.delete('k')).toBe(false)
    await expect(store.put('k', 1, { expected: '1.1@x' as never })).rejects.toMatchObject({ option: 'expected' })
    expect(Version.parse(first.toString())?.equals(first)).toBe(true)
  })

  it('are updated without losing an update that somebody else makes at the same time', async () => {
    await using scene = await open()
    const { store } = scene
    const updates = Array.from({ length: 20 }, () =>
      store.update<number>('n', async (n = 0) => {
        await setImmediate()
        return n + 1
      }),
    )
    await Promise.all(updates)
    expect(store.peek('n')).toBe(20)
  })

  it('are written together', async () => {
    await using scene = await open()
    const { store } = scene
    const seen: number[] = []
    store.on('change', () => seen.push([...store.keys()].length))
    const version = await store.putMany([
      ['a', 1],
      ['b', 2],
    ])
    expect(await store.getMany(['a', 'b', 'c'])).toEqual([1, 2, undefined])
    expect(store.entry('a')?.version).toEqual(version)
    expect(await store.putMany([])).toBeUndefined()
  })
})

describe('get with a computation', () => {
  it('computes a value once, whoever asks meanwhile', async () => {
    await using scene = await open()
    const b = await scene.cluster.start('b')
    const other = b.store({ engine: scene.memory.factory() })
    const value = deferred<string>()
    let computed = 0
    const compute = () => {
      computed++
      return value.promise
    }
    const asked = [scene.store, scene.store, other, other].map((store) => store.get('k', compute))
    await setImmediate()
    value.resolve('world')
    expect(await Promise.all(asked)).toEqual(['world', 'world', 'world', 'world'])
    expect(computed).toBe(1)
    expect(scene.store.stats).toMatchObject({ hits: 0, misses: 2, computed: 1 })
    expect(await scene.store.get('k', () => expect.unreachable())).toBe('world')
  })

  it('gives what the computation throws to all who wait, and stores nothing', async () => {
    await using scene = await open()
    const b = await scene.cluster.start('b')
    const other = b.store({ engine: scene.memory.factory() })
    const failure = new RangeError('too far')
    const gate = deferred()
    const compute = async () => {
      await gate.promise
      throw failure
    }
    const here = scene.store.get('k', compute)
    const too = scene.store.get('k', compute)
    const there = other.get('k', () => expect.unreachable())
    gate.resolve()
    await expect(here).rejects.toBe(failure)
    await expect(too).rejects.toBe(failure)
    await expect(there).rejects.toMatchObject({ code: 'ERR_COMPUTE', message: expect.stringContaining('too far') })
    expect(scene.store.has('k')).toBe(false)
    expect(await scene.store.get('k', () => 1)).toBe(1)
  })

  it('tells the path to what is no term, and lets the next one try', async () => {
    await using scene = await open()
    await expect(scene.store.get('k', () => [Symbol('x')] as never)).rejects.toMatchObject({ code: 'ERR_ENCODE' })
    expect(await scene.store.get('k', () => 1)).toBe(1)
  })

  it('lets the next one try when a computation takes too long', async () => {
    await using scene = await open({ computeTimeout: 20 })
    const b = await scene.cluster.start('b')
    const other = b.store({ engine: scene.memory.factory() })
    let aborted: AbortSignal | undefined
    const hangs = scene.store.get('k', ({ signal }) => {
      aborted = signal
      return new Promise<never>(() => {})
    })
    await expect.poll(() => aborted).toBeDefined()
    const next = other.get('k', () => 'mine')
    await expect(hangs).rejects.toMatchObject({ code: 'ERR_COMPUTE_TIMEOUT' })
    expect(aborted?.aborted).toBe(true)
    expect(await next).toBe('mine')
  })

  it('goes on while anybody waits, and is given up with the last one', async () => {
    await using scene = await open()
    const { store } = scene
    const [first, second] = [new AbortController(), new AbortController()]
    let signal: AbortSignal | undefined
    const compute = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return new Promise<never>(() => {})
    }
    const waits = [first, second].map(({ signal }) => store.get('k', compute, { signal }))
    await expect.poll(() => signal).toBeDefined()
    first.abort(new Error('enough'))
    await expect(waits[0]).rejects.toThrow('enough')
    expect(signal?.aborted).toBe(false)
    second.abort(new Error('enough, too'))
    await expect(waits[1]).rejects.toThrow('enough, too')
    expect(signal?.aborted).toBe(true)
    expect(await store.get('k', () => 'later')).toBe('later')
  })

  it('serves a stale value at once and computes it anew', async () => {
    await using scene = await open()
    const { store } = scene
    await store.put('k', 1, { ttl: 0, stale: 60_000 })
    const changed = new Promise((resolve) => store.on('change', resolve))
    expect(await store.get('k', () => 2, { ttl: 60_000 })).toBe(1)
    await changed
    expect(await store.get('k', () => expect.unreachable())).toBe(2)
    expect(store.stats).toMatchObject({ hits: 2, stale: 1, computed: 1 })
  })

  it('tells when a stale value could not be computed anew, and goes on serving it', async () => {
    await using scene = await open()
    const { store } = scene
    await store.put('k', 1, { ttl: 0, stale: 60_000 })
    const failed = new Promise((resolve) => store.on('refresh-failed', (...args) => resolve(args)))
    const failure = new Error('no')
    expect(
      await store.get('k', () => {
        throw failure
      }),
    ).toBe(1)
    expect(await failed).toEqual(['k', failure])
    expect(store.peek('k')).toBe(1)
  })

  it('computes a value whose time is over', async () => {
    await using scene = await open()
    const { store } = scene
    await store.put('k', 1, { ttl: 0 })
    expect([store.peek('k'), store.has('k'), store.entry('k'), [...store.keys()]]).toEqual([
      undefined,
      false,
      undefined,
      [],
    ])
    // The loader has not taken it away yet.
    expect(await store.get('k', () => 2)).toBe(2)
    expect(await store.get('k', () => expect.unreachable())).toBe(2)
  })

  it('refuses options it does not know', async () => {
    await using scene = await open()
    const wrong = scene.store.get('k', () => 1, { tll: 5 } as never)
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining('ttl') })
    await expect(scene.store.put('k', 1, { ttl: -1 })).rejects.toMatchObject({ option: 'ttl' })
    await expect(scene.store.put('k', 1, { durability: 'none' as never })).rejects.toMatchObject({
      option: 'durability',
    })
  })
})

describe('a store', () => {
  it('is the same each time it is asked for, and refuses other options', async () => {
    await using scene = await open({ ttl: 1000 })
    const { node, store } = scene
    expect(node.store()).toBe(store)
    expect(node.store({ name: 'tsunagi_store' })).toBe(store)
    expect(node.store({ engine: scene.memory.factory(), ttl: 1000 })).toBe(store)
    expect(() => node.store({ engine: scene.memory.factory(), ttl: 1 })).toThrow('the same options as before')
    const other = node.store({ engine: scene.memory.factory(), name: 'other' })
    expect(other).not.toBe(store)
    await other.close()
    expect(node.registered()).not.toContain('other')
  })

  it.each([
    [{ durability: 'all' }, 'ERR_UNSUPPORTED'],
    [{ members: ['a@b'] }, 'ERR_UNSUPPORTED'],
    [{ directory: '/x' }, 'ERR_UNSUPPORTED'],
    [{ lease: 5 }, 'ERR_INVALID_OPTION'],
    [{ loader: 'a@b' }, 'ERR_UNSUPPORTED'],
    [{ nam: 'x' }, 'ERR_INVALID_OPTION'],
    [{ functions: { form: [] } }, 'ERR_INVALID_OPTION'],
  ])('refuses %j with %s', async (options, code) => {
    await using cluster = await Cluster.create()
    const node = await cluster.start('a')
    const ask = () => node.store({ engine: new MemoryCluster().factory(), ...(options as object) })
    expect(ask).toThrow(expect.objectContaining({ code }))
    expect(node.registered()).not.toContain('tsunagi_store')
  })

  it('closes with its node, and whoever waits is told', async () => {
    await using scene = await open()
    const { node, store } = scene
    await store.put('there', 1)
    const waits = store.get('k', () => new Promise<never>(() => {}))
    const watch = store.watch('k')
    const closed = new Promise<void>((resolve) => store.once('close', resolve))
    await setImmediate()
    await Promise.all([expect(waits).rejects.toMatchObject({ code: 'ERR_CLOSED' }), node.close(), closed])
    expect(await watch.next()).toMatchObject({ value: { type: 'synced' } })
    expect(await watch.next()).toMatchObject({ done: true })
    await expect(store.put('k', 1)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    for (const key of ['k', 'there']) await expect(store.get(key)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect([store.peek('there'), store.has('there'), store.entry('there')]).toEqual([undefined, false, undefined])
    expect(() => [...store.keys()]).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await store.close()
  })
})

describe('a watch', () => {
  it('tells what is there, then that this was all, and then what changes', async () => {
    await using scene = await open()
    const { store } = scene
    await store.put('a.1', 1)
    await store.put('b.1', 2)
    const watch = store.watch({ prefix: 'a.' })
    expect((await watch.next()).value).toMatchObject({ type: 'put', key: 'a.1', value: 1, cause: 'snapshot' })
    expect((await watch.next()).value).toEqual({ type: 'synced' })
    const next = watch.next()
    await store.put('b.2', 3)
    await store.put('a.2', 4)
    expect((await next).value).toMatchObject({ type: 'put', key: 'a.2', value: 4, cause: 'put' })
    await store.delete('a.1')
    expect((await watch.next()).value).toMatchObject({ type: 'delete', key: 'a.1', cause: 'delete' })
    watch.close()
    expect(await watch.next()).toEqual({ value: undefined, done: true })
  })

  it('gives a slow reader the latest of each key', async () => {
    await using scene = await open()
    const { store } = scene
    const watch = store.watch('k', { snapshot: false })
    for (let i = 0; i < 100; i++) await store.put('k', i)
    await store.put('other', 1)
    expect((await watch.next()).value).toMatchObject({ value: 99 })
    const next = watch.next()
    await store.put('k', 'last')
    expect((await next).value).toMatchObject({ value: 'last' })
  })

  it('tells a change that comes while what is there is read once', async () => {
    await using scene = await open()
    const { store } = scene
    for (const key of ['a', 'b', 'c']) await store.put(key, 'old')
    const watch = store.watch()
    expect((await watch.next()).value).toMatchObject({ key: 'a' })
    await store.put('b', 'new')
    await store.put('d', 'new')
    const rest: unknown[] = []
    for (let i = 0; i < 4; i++) {
      const { value } = await watch.next()
      rest.push(value?.type === 'put' ? [value.key, value.value] : value?.type)
    }
    expect(rest).toEqual([['c', 'old'], 'synced', ['b', 'new'], ['d', 'new']])
  })

  it('ends with an error when too many keys changed unread', async () => {
    await using scene = await open()
    const watch = scene.store.watch({ snapshot: false, capacity: 2 })
    for (const key of ['a', 'b', 'c']) await scene.store.put(key, 1)
    await expect(watch.next()).rejects.toMatchObject({ code: 'ERR_LIMIT' })
    expect(await watch.next()).toMatchObject({ done: true })
  })

  it('ends with its signal, and leaves nothing behind', async () => {
    await using scene = await open()
    const abort = new AbortController()
    const watch = scene.store.watch({ signal: abort.signal, snapshot: false })
    const next = watch.next()
    abort.abort()
    expect(await next).toMatchObject({ done: true })
    for await (const event of scene.store.watch()) {
      expect(event.type).toBe('synced')
      break
    }
  })
})
