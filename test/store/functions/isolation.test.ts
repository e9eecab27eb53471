import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FunctionOptions } from '../../../src/store/functions/function-options.ts'
import { atom, type Term, tuple } from '../../../src/term/index.ts'
import { Cluster, errorOf, type Member } from './support.ts'

const MiB = 1024 * 1024
const base: FunctionOptions = { from: [], isolate: 'worker', workers: 1, timeout: Infinity }

describe('functions in a worker', () => {
  const cluster = new Cluster()
  let node: Member
  const run = (source: string, ...args: unknown[]) => node.functions.call(source, args, () => source)

  beforeAll(() => {
    node = cluster.join('a@host', { ...base, imports: { 'node:worker_threads': 'node:worker_threads' } })
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('run in another thread, which stays', async () => {
    const source = 'async () => (await import("node:worker_threads")).threadId'
    const thread = await run(source)
    expect(thread).toBeGreaterThan(0)
    expect(await run(source)).toBe(thread)
    expect(node.functions.local(source)).toBe(undefined)
  })

  it.each<[what: string, value: Term]>([
    ['an integer', 1],
    ['negative zero', -0],
    ['a float', 1.5],
    ['a big integer', 2n ** 70n],
    ['text', 'text'],
    ['bytes that are text', new Uint8Array([104, 105])],
    ['null', null],
    ['undefined', undefined],
    ['lists', [1, ['a']]],
    ['objects', { a: { b: true } }],
    ['a map', new Map<Term, Term>([['a', 1]])],
    ['an atom', atom('ok')],
    ['a tuple', tuple(atom('ok'), 'x')],
  ])('take and give terms: %s', async (_what, value) => {
    expect(await run('(a) => a', value)).toEqual(value)
  })

  it('have the makers of terms, whose values are the same here', async () => {
    const result = (await run('async (a) => tuple(atom("ok"), a, a === atom("x"))', atom('x'))) as Term[]
    expect([...result]).toEqual([atom('ok'), atom('x'), true])
    expect(result[0]).toBe(atom('ok'))
  })

  it('reject arguments and results that are no terms, with the path to them', async () => {
    expect(await errorOf(() => run('(a) => a', { f: () => 1 }))).toMatchObject({ code: 'ERR_ENCODE', path: '[0].f' })
    expect(await errorOf(() => run('() => ({ rows: [1, new Date()] })'))).toMatchObject({
      name: 'EncodeError',
      code: 'ERR_ENCODE',
      path: '.rows[1]',
      message: expect.stringMatching(/^the result of the function .*, at \.rows\[1\]$/),
    })
    expect(await errorOf(() => run('() => { const a = []; a.push(a); return a }'))).toMatchObject({
      name: 'EncodeError',
    })
    expect(
      await errorOf(() => run('() => { let a = []; for (let i = 0; i < 3000; i++) a = [a]; return a }')),
    ).toMatchObject({
      code: expect.stringMatching(/^ERR_(?:ENCODE|DECODE|LIMIT)$/),
    })
    expect(await run('(a) => a', 1)).toBe(1)
  })

  it('throw here what they threw there: class, name, message, code, cause and stack', async () => {
    const source = `() => {
      const cause = Object.assign(new Error('below'), { code: 'ENOENT' })
      throw new TypeError('above', { cause })
    }`
    const error = (await errorOf(() => run(source))) as unknown as TypeError & { cause: Error }
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ name: 'TypeError', message: 'above', cause: { message: 'below', code: 'ENOENT' } })
    expect(error.stack).toMatch(/^TypeError: above\n {4}at tsunagi:function\/\S+@\w{8}\.js:3:13\n/)

    const own = '() => { class Mine extends Error { name = "Mine" } throw new Mine("own") }'
    expect(await errorOf(() => run(own))).toMatchObject({ name: 'Mine', message: 'own' })
    await expect(run('() => { throw tuple(atom("not_found"), 1) }')).rejects.toEqual(tuple(atom('not_found'), 1))
    await expect(run('async () => { throw undefined }')).rejects.toBe(undefined)
    await expect(run('() => { throw () => 1 }')).rejects.toThrow(/what is no term: \(\) => 1/)
    await expect(run('() => { throw Object.create(null, { then: { get() { throw 1 } } }) }')).rejects.toBeDefined()
    const lying = '() => { const e = new Error(); Object.defineProperty(e, "message", { get() { throw 1 } }); throw e }'
    await expect(run(lying)).rejects.toThrow(/what is no term/)
  })

  it('are ended when they exceed their time, in an endless loop too, and the next call gets a new thread', async () => {
    const { functions, clock } = node
    await run('(a) => a', 1)
    await functions.define('loop', '() => { for (;;); }')
    const call = errorOf(() => functions.run('loop', [], { timeout: 100 }))
    const waiting = functions.run('(a) => a', [2])
    await Promise.resolve()
    clock.advance(100)
    expect(await call).toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'the function "loop" has not answered within 100 ms',
    })
    expect(await waiting).toBe(2)
  })

  it('are ended when their signal aborts, and leave the queue when they have not begun', async () => {
    const { functions } = node
    await functions.define('loop', '() => { for (;;); }')
    const [first, second] = [new AbortController(), new AbortController()]
    const running = functions.run('loop', [], { signal: first.signal })
    const queued = functions.run('loop', [], { signal: second.signal })
    const last = functions.run('(a) => a', [3])
    second.abort('second')
    await expect(queued).rejects.toBe('second')
    first.abort('first')
    await expect(running).rejects.toBe('first')
    expect(await last).toBe(3)
  })

  it('are ended by an error that nobody catches, and so is nobody else', async () => {
    const error = await errorOf(() =>
      run('() => { setTimeout(() => { throw new Error("stray") }); return new Promise(() => {}) }'),
    )
    expect(error).toMatchObject({ code: 'ERR_FUNCTION_ENDED', cause: { message: 'stray' } })
    expect(await run('(a) => a', 4)).toBe(4)
  })

  it('get the new version after a replacement, while a call finishes on the old', async () => {
    const { functions } = node
    await functions.define('v', '() => new Promise((resolve) => { setTimeout(resolve, 0, "old") })')
    const old = functions.run('v', [])
    await functions.define('v', '() => "new"')
    expect(await functions.run('v', [])).toBe('new')
    expect(await old).toBe('old')
  })
})

it('a function that takes more memory than it may is ended, and the next call works', async () => {
  await using cluster = new Cluster()
  const { functions } = cluster.join('a@host', { ...base, memory: 16 * MiB })
  // Small objects: with long arrays V8 of Node.js 26 can stand still at the limit, and only a `timeout` ends the thread.
  const hog = '() => { const all = []; for (;;) all.push({ n: all.length }) }'
  const error = await errorOf(() => functions.call('hog', [], () => hog))
  expect(error).toMatchObject({ code: 'ERR_FUNCTION_ENDED', cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' } })
  expect(error.message).toMatch(/more memory than `functions\.memory`/)
  expect(await functions.call('small', [1], () => (a: number) => a + 1)).toBe(2)
})

it('only the calls that ask for it run in a worker, where the node does not ask for all', async () => {
  await using cluster = new Cluster()
  const { functions } = cluster.join('a@host', { from: [], timeout: Infinity, globals: ['process'] })
  await functions.define('self', '(a) => a')
  const value = { fn: () => 1 }
  expect(await functions.run('self', [value])).toBe(value)
  expect(await errorOf(() => functions.run('self', [value], { isolate: 'worker' }))).toMatchObject({
    code: 'ERR_ENCODE',
  })
})

it('as many calls run at once as there are threads', async () => {
  await using cluster = new Cluster()
  const { functions } = cluster.join('a@host', { ...base, workers: 2, globals: ['BroadcastChannel'] })
  // Each needs the other to be running.
  const meet = `(me) => new Promise((resolve) => {
    const channel = new BroadcastChannel('tsunagi functions meet')
    const timer = setInterval(() => channel.postMessage(me), 1)
    channel.onmessage = ({ data }) => {
      channel.postMessage(me)
      clearInterval(timer)
      channel.close()
      resolve(data)
    }
  })`
  await functions.define('meet', meet)
  expect(await Promise.all([functions.run('meet', ['a']), functions.run('meet', ['b'])])).toEqual(['b', 'a'])
  const self = Array.from({ length: 20 }, (_, i) => functions.call('self', [i], () => (a: number) => a))
  expect(await Promise.all(self)).toEqual(Array.from({ length: 20 }, (_, i) => i))
})

it('closing ends what runs and what waits', async () => {
  const cluster = new Cluster()
  const { functions } = cluster.join('a@host', base)
  await functions.define('loop', '() => { for (;;); }')
  const calls = [1, 2, 3].map(() => errorOf(() => functions.run('loop', [])))
  await Promise.resolve()
  await functions.close()
  for (const call of calls) expect(await call).toMatchObject({ code: 'ERR_CLOSED' })
})
