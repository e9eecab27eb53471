import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert/strict'
import type { Change, Durability, EngineFactory } from '../store/engine.ts'
import type { Store } from '../store/store.ts'
import type { StoreOptions } from '../store/store-options.ts'
import { atom, type Term, tuple } from '../term/index.ts'
import type { TsunagiNode } from '../tsunagi.ts'
import { type ConformanceCheck, type EngineUnderTest, type Expectation, engineChecks } from './conformance.ts'

/** An engine of stores in a world that its author has made for it. */
export type StoreEngineUnderTest = EngineUnderTest<EngineFactory>

/**
 * What a store expects of an engine, as named checks. `make` is called for each. What an engine declares in its
 * `capabilities` is checked, and that asking for what it does not declare is refused. What partitions and lost disks do to it
 * is its own tests' business.
 *
 * @example
 * describe('myEngine', () => {
 *   for (const { name, run } of storeEngineChecks(makeWorld)) it(name, run)
 * })
 */
export function storeEngineChecks(
  make: () => Promise<StoreEngineUnderTest> | StoreEngineUnderTest,
): ConformanceCheck[] {
  return engineChecks(make, (world) => new Trial(world), CHECKS)
}

/** Real milliseconds for what should come at once. Only an engine that fails waits as long. */
const PATIENCE = 30_000
const wait = { timeout: PATIENCE }

/** An engine at work. */
class Trial {
  readonly #subject: StoreEngineUnderTest

  constructor(subject: StoreEngineUnderTest) {
    this.#subject = subject
  }

  get capabilities() {
    return this.#subject.engine.capabilities
  }

  store(node: number, options: Omit<StoreOptions, 'engine'> = {}): Store {
    const { engine, nodes } = this.#subject
    return (nodes[node] as TsunagiNode).store({ name: 'checks', engine, ...options })
  }

  name(node: number): string {
    return (this.#subject.nodes[node] as TsunagiNode).name
  }

  /** Three of them that have all there is, and know of each other where their engine does. */
  async stores(options: Omit<StoreOptions, 'engine'> = {}): Promise<[Store, Store, Store]> {
    const stores = [0, 1, 2].map((node) => this.store(node, options)) as [Store, Store, Store]
    await this.ready(stores)
    return stores
  }

  async ready(stores: readonly Store[]): Promise<void> {
    await Promise.all(
      stores.map(async (store) => {
        await store.ready({ nodes: stores.length - 1, ...wait }).catch((error: { code?: unknown }) => {
          if (error.code !== 'ERR_UNSUPPORTED') throw error
          return store.ready(wait)
        })
      }),
    )
  }
}

/** Resolves when `test` holds; it is tried now and after each change of the store. */
function until(store: Store, what: string, test: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = setTimeout(() => end(new Error(`waited in vain until ${what}`)), PATIENCE)
    const end = (error?: Error): void => {
      clearTimeout(over)
      store.off('change', look)
      if (error === undefined) resolve()
      else reject(error)
    }
    const look = (): void => {
      if (test()) end()
    }
    store.on('change', look)
    look()
  })
}

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve = (_value: T): void => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** A computation that never ends, and tells when it begins. */
function hangs(begun: ReturnType<typeof deferred<void>>): () => Promise<never> {
  return () => {
    begun.resolve()
    return new Promise(() => {})
  }
}

function never(): never {
  throw new Error('computed once more')
}

const VALUES: readonly Term[] = [
  undefined,
  null,
  false,
  0,
  -1.5,
  2n ** 80n,
  '',
  'grüße',
  [],
  {},
  atom('ok'),
  tuple(),
  tuple(atom('a'), [1, [2]]),
  { a: { b: [null, undefined] } },
  new Uint8Array(),
  new Uint8Array([104, 105]),
  new Map<Term, Term>([[1, 'one']]),
]

const CHECKS: readonly Expectation<Trial>[] = [
  {
    name: 'has what one node writes on all nodes, and on that one at once',
    async check(trial) {
      const [a, b, c] = await trial.stores()
      for (const [i, value] of VALUES.entries()) {
        await a.put(`k${i}`, value, wait)
        ok(a.has(`k${i}`), 'a node does not see its own write')
      }
      for (const store of [a, b, c]) {
        await until(store, 'all is there', () => VALUES.every((_, i) => store.has(`k${i}`)))
        for (const [i, value] of VALUES.entries()) {
          // Bytes that are empty are text as well.
          const expected = value instanceof Uint8Array && value.length === 0 ? '' : value
          deepStrictEqual(plain(store.peek(`k${i}`)), plain(expected))
          deepStrictEqual(plain(await store.get(`k${i}`, never)), plain(expected))
        }
        strictEqual([...store.keys()].length, VALUES.length)
      }
    },
  },
  {
    name: 'gives values nobody can spoil for others',
    async check(trial) {
      const [a, b] = await trial.stores()
      await a.put('k', { list: [1, { deep: [2] }], tuple: tuple([3]) }, wait)
      await a.put('bytes', { bytes: new Uint8Array([1, 2]) }, wait)
      await until(b, 'both are there', () => b.has('k') && b.has('bytes'))
      for (const store of [a, b]) {
        const value = store.peek('k') as { list: [number, { deep: number[] }]; tuple: [number[]] }
        throws(() => void value.list.push(5 as never), TypeError)
        throws(() => void value.list[1].deep.push(5), TypeError)
        throws(() => void value.tuple[0].push(5), TypeError)
        const spoilt = store.peek('bytes') as { bytes: Uint8Array }
        spoilt.bytes[0] = 9
        deepStrictEqual([...(store.peek('bytes') as { bytes: Uint8Array }).bytes], [1, 2])
      }
    },
  },
  {
    name: 'tells every node of changes in one order, with versions that rise',
    async check(trial) {
      const stores = await trial.stores()
      const [a, b, c] = stores
      const heard = stores.map((store) => {
        const changes: Change[] = []
        store.on('change', (change) => void changes.push(change))
        return changes
      })
      for (let i = 0; i < 20; i++) await (i % 2 === 0 ? a : b).put(`k${i % 3}`, i, wait)
      await b.delete('k0', wait)
      await c.put('last', 1, wait)
      await Promise.all(stores.map((store) => until(store, 'the last one is there', () => store.has('last'))))
      const said = heard.map((changes) =>
        changes.map(({ key, entry, cause, version }) => [key, entry?.value, cause, version.sequence]),
      )
      deepStrictEqual(said[1], said[0])
      deepStrictEqual(said[2], said[0])
      strictEqual(said[0]?.length, 22)
      for (const changes of heard) {
        for (const [i, { version }] of changes.entries()) {
          const before = changes[i - 1]?.version
          ok(before === undefined || version.compare(before) > 0, 'a version that does not rise')
        }
      }
    },
  },
  {
    name: 'takes any text for a key',
    async check(trial) {
      const [a, b] = await trial.stores()
      const keys = [
        ' ',
        '.',
        'a.b',
        '..',
        '*',
        '>',
        '$KV',
        'a b',
        'grüße',
        '\u{1F600}',
        '=',
        '%41',
        'A',
        'a',
        '/',
        '\n',
      ]
      keys.push('x'.repeat(4096), 'é'.repeat(2048), `${'x'.repeat(4095)}y`)
      for (const key of keys) await a.put(key, key, wait)
      await a.namespace('n').put('a', 'inner', wait)
      await a.put('last', 1, wait)
      await until(b, 'all are there', () => b.has('last'))
      for (const key of keys) strictEqual(b.peek(key), key)
      deepStrictEqual([...b.keys()].sort(), [...keys, 'last'].sort())
      strictEqual(b.namespace('n').peek('a'), 'inner')
    },
  },
  {
    name: 'takes a value away on all nodes, and says whether there was one',
    async check(trial) {
      const [a, b] = await trial.stores()
      strictEqual(await a.delete('k', wait), false)
      await a.put('k', undefined, wait)
      await until(b, 'it is there', () => b.has('k'))
      strictEqual(await b.delete('k', wait), true)
      strictEqual(b.has('k'), false)
      await until(a, 'it is gone', () => !a.has('k'))
      strictEqual(await a.delete('k', wait), false)
      await a.put('k', 1, { ...wait, expected: 'absent' })
      await until(b, 'it is there again', () => b.peek('k') === 1)
    },
  },
  {
    name: 'compares and sets: of many at the same time one is taken, and the others hear which version there is',
    async check(trial) {
      const stores = await trial.stores()
      const [a, b] = stores
      const settled = async (expected: 'absent' | Awaited<ReturnType<Store['put']>>) => {
        const outcomes = await Promise.allSettled(
          [...stores, ...stores].map((store, i) => store.put('k', i, { ...wait, expected })),
        )
        const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled')
        strictEqual(taken.length, 1)
        const { value } = taken[0] as PromiseFulfilledResult<Awaited<ReturnType<Store['put']>>>
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') strictEqual(outcome.reason.code, 'ERR_VERSION')
        }
        return value
      }
      const first = await settled('absent')
      const second = await settled(first)
      ok(second.compare(first) > 0)
      await rejects(b.delete('k', { ...wait, expected: first }), { code: 'ERR_VERSION', current: second })
      strictEqual(await a.delete('k', { ...wait, expected: second }), true)
    },
  },
  {
    name: 'loses no update that nodes make at the same time',
    async check(trial) {
      const stores = await trial.stores()
      const updates = stores.flatMap((store) =>
        Array.from({ length: 50 }, () => store.update<number>('n', (n = 0) => n + 1, wait)),
      )
      await Promise.all(updates)
      await Promise.all(stores.map((store) => until(store, 'it is 150', () => store.peek('n') === 150)))
    },
  },
  {
    name: 'writes several values together, in one step where it can',
    async check(trial) {
      const [a, b] = await trial.stores()
      const sizes = new Set<number>()
      b.on('change', () => sizes.add([...b.keys()].length))
      const entries = Array.from({ length: 50 }, (_, i): [string, number] => [`k${i}`, i])
      await a.putMany(entries, wait)
      deepStrictEqual(
        await a.getMany(entries.map(([key]) => key)),
        entries.map(([, value]) => value),
      )
      await until(b, 'all are there', () => entries.every(([key]) => b.has(key)))
      if (trial.capabilities.atomicBatch) {
        const versions = new Set(entries.map(([key]) => String(b.entry(key)?.version)))
        strictEqual(versions.size, 1)
      }
    },
  },
  {
    name: 'writes nothing of a value that has no Erlang form, and names the place',
    async check(trial) {
      const [a] = await trial.stores()
      const bad = { list: [1, () => {}] } as unknown as Term
      await rejects(a.put('k', bad, wait), { code: 'ERR_ENCODE', path: '.list[1]' })
      await rejects(
        a.putMany(
          [
            ['good', 1],
            ['k', bad],
          ],
          wait,
        ),
        { code: 'ERR_ENCODE' },
      )
      deepStrictEqual([a.has('k'), a.has('good')], [false, false])
    },
  },
  {
    name: 'computes a value once in the whole cluster',
    async check(trial) {
      const stores = await trial.stores()
      const value = deferred<string>()
      let computed = 0
      const compute = (): Promise<string> => {
        computed++
        return value.promise
      }
      const asked = [...stores, ...stores].map((store) => store.get('k', compute, wait))
      while (computed === 0) await tick()
      value.resolve('world')
      deepStrictEqual(await Promise.all(asked), new Array<string>(6).fill('world'))
      strictEqual(computed, 1)
      for (const store of stores) strictEqual(await store.get('k', never), 'world')
    },
  },
  {
    name: 'tells all who wait what a computation has thrown, stores nothing, and computes for the next one',
    async check(trial) {
      const [a, b, c] = await trial.stores()
      const begun = deferred<void>()
      const gate = deferred<void>()
      const failure = new RangeError('too far')
      const here = a.get(
        'k',
        async () => {
          begun.resolve()
          await gate.promise
          throw failure
        },
        wait,
      )
      await begun.promise
      const others = [b, c].map((store) => store.get('k', never, wait))
      const heard = [
        rejects(here, (error: unknown) => error === failure),
        ...others.map((other) => rejects(other, { code: 'ERR_COMPUTE', message: /too far/, node: trial.name(0) })),
      ]
      // They wait for as long as the holder does, and nothing tells from outside that they do.
      for (let i = 0; i < 50; i++) await tick()
      gate.resolve()
      await Promise.all(heard)
      deepStrictEqual(
        [a, b, c].map((store) => store.has('k')),
        [false, false, false],
      )
      strictEqual(await b.get('k', () => 1, wait), 1)
    },
  },
  {
    name: 'lets the next one compute when the first one takes too long, gives up, or is gone',
    async check(trial) {
      const [a, b, c] = await trial.stores()
      const hung = deferred<void>()
      const slow = a.get('slow', hangs(hung), { ...wait, computeTimeout: 50 })
      const tooLate = rejects(slow, { code: 'ERR_COMPUTE_TIMEOUT' })
      await hung.promise
      strictEqual(await b.get('slow', () => 'by b', wait), 'by b')
      await tooLate

      const giver = new AbortController()
      const given = deferred<void>()
      const gives = a.get('given', hangs(given), {
        ...wait,
        signal: giver.signal,
      })
      const gaveUp = rejects(gives, /enough/)
      await given.promise
      const next = b.get('given', () => 'by b', wait)
      giver.abort(new Error('enough'))
      strictEqual(await next, 'by b')
      await gaveUp

      const held = deferred<void>()
      const dies = c.get('held', hangs(held), wait)
      const closed = rejects(dies, { code: 'ERR_CLOSED' })
      await held.promise
      const heir = b.get('held', () => 'by b', wait)
      await c.close()
      strictEqual(await heir, 'by b')
      await closed
    },
  },
  {
    name: 'gives all who wait for a computation what somebody writes meanwhile, and tells it that it is not needed',
    async check(trial) {
      const [a, b, c] = await trial.stores()
      const begun = deferred<AbortSignal>()
      const computed = a.get(
        'k',
        ({ signal }) => {
          begun.resolve(signal)
          return new Promise<never>(() => {})
        },
        wait,
      )
      const signal = await begun.promise
      const waited = c.get('k', never, wait)
      await tick()
      await b.put('k', 'written', wait)
      deepStrictEqual(await Promise.all([computed, waited]), ['written', 'written'])
      ok(signal.aborted, 'the computation goes on')
      strictEqual(a.stats.failed, 0)
    },
  },
  {
    name: 'lets a computation go on when its key is deleted, which had no value',
    async check(trial) {
      const [a, b] = await trial.stores()
      const begun = deferred<void>()
      const value = deferred<string>()
      const computed = a.get(
        'k',
        () => {
          begun.resolve()
          return value.promise
        },
        wait,
      )
      await begun.promise
      strictEqual(await b.delete('k', wait), false)
      value.resolve('computed')
      strictEqual(await computed, 'computed')
      strictEqual(await b.get('k', never, wait), 'computed')
    },
  },
  {
    name: 'serves a stale value while one node computes it anew',
    async check(trial) {
      const [a, b] = await trial.stores()
      await a.put('k', 'old', { ...wait, ttl: 0, stale: 3_600_000 })
      await until(b, 'it is there', () => b.has('k'))
      strictEqual(await b.get('k', () => 'new', { ttl: 3_600_000 }), 'old')
      await Promise.all([a, b].map((store) => until(store, 'it is new', () => store.peek('k') === 'new')))
      strictEqual(await a.get('k', never), 'new')
    },
  },
  {
    name: 'takes away what has expired, on all nodes, and takes the next value of that key',
    async check(trial) {
      const stores = await trial.stores()
      const [a, b] = stores
      const gone = stores.map(
        (store) =>
          new Promise<void>((resolve) => {
            store.on('change', ({ key, entry }) => {
              if (key === 'k' && entry === undefined) resolve()
            })
          }),
      )
      await a.put('k', 1, { ...wait, ttl: 20, stale: 20 })
      await Promise.all(gone)
      deepStrictEqual(
        stores.map((store) => store.has('k')),
        [false, false, false],
      )
      await b.put('k', 2, { ...wait, expected: 'absent' })
      await until(a, 'it is there', () => a.peek('k') === 2)
    },
  },
  {
    name: 'gives a node that comes later all there is',
    async check(trial) {
      const early = [trial.store(0), trial.store(1)]
      await trial.ready(early)
      const [a] = early as [Store, Store]
      await a.putMany(
        Array.from({ length: 500 }, (_, i): [string, Term] => [`k${i}`, i]),
        wait,
      )
      for (let i = 0; i < 100; i++) await a.delete(`k${i}`, wait)
      const late = trial.store(2)
      await late.ready(wait)
      strictEqual([...late.keys()].length, 400)
      strictEqual(late.peek('k499'), 499)
      strictEqual(String(late.entry('k499')?.version), String(a.entry('k499')?.version))
      await late.put('k499', 'late', wait)
      await until(a, 'it is there', () => a.peek('k499') === 'late')
    },
  },
  {
    name: 'shows what is there and then what other nodes change',
    async check(trial) {
      const [a, b] = await trial.stores()
      await a.put('user.1', 'ada', wait)
      await until(b, 'it is there', () => b.has('user.1'))
      const watch = b.watch({ prefix: 'user.' })
      deepStrictEqual(short(await watch.next()), ['put', 'user.1', 'snapshot'])
      deepStrictEqual(short(await watch.next()), ['synced', undefined, undefined])
      const next = watch.next()
      await a.put('other', 1, wait)
      await a.put('user.2', 'bob', wait)
      deepStrictEqual(short(await next), ['put', 'user.2', 'put'])
      const last = watch.next()
      await a.delete('user.1', wait)
      deepStrictEqual(short(await last), ['delete', 'user.1', 'delete'])
      watch.close()
    },
  },
  {
    name: 'acknowledges as durably as it declares, and refuses what it does not',
    async check(trial) {
      const { capabilities } = trial
      const refused = (options: Omit<StoreOptions, 'engine'>): void => {
        throws(() => trial.store(0, { name: 'refused', ...options }), { code: 'ERR_UNSUPPORTED' })
      }
      const all: readonly Durability[] = ['local', 'majority', 'all']
      for (const durability of all) if (!capabilities.durability.includes(durability)) refused({ durability })
      if (!capabilities.loader) refused({ loader: trial.name(0) })
      if (!capabilities.members) refused({ members: [trial.name(0)] })
      if (!capabilities.disk) refused({ directory: '/nowhere' })
      if (!capabilities.functions) refused({ functions: { from: [trial.name(0)] } })
      const [a, b] = await trial.stores()
      for (const durability of capabilities.durability) {
        await a.put('k', durability, { ...wait, durability })
        await until(b, 'it is there', () => b.peek('k') === durability)
      }
    },
  },
  {
    name: 'brings functions to all nodes, where it can',
    async check(trial) {
      if (!trial.capabilities.functions) return
      const from = [0, 1, 2].map((node) => trial.name(node))
      const [a, b] = await trial.stores({ functions: { from } })
      await a.define('sum', (x: number, y: number) => x + y)
      strictEqual(await b.call('sum', [1, 4], never), 5)
    },
  },
  {
    name: 'ends what waits when it is closed, and is opened again',
    async check(trial) {
      const [a, b] = await trial.stores()
      await b.put('k', 1, wait)
      const waits = a.get('other', () => new Promise<never>(() => {}), wait)
      const told = rejects(waits, { code: 'ERR_CLOSED' })
      const writes = Array.from({ length: 20 }, (_, i) => a.put(`late ${i}`, i, wait))
      const outcomes = Promise.allSettled(writes)
      await a.close()
      await told
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') strictEqual(outcome.reason.code, 'ERR_CLOSED')
      }
      await rejects(a.put('k', 2), { code: 'ERR_CLOSED' })
      strictEqual(a.status.role, 'closed')
      const again = trial.store(0)
      await again.ready(wait)
      strictEqual(again.peek('k'), 1)
      await again.put('k', 2, wait)
      await until(b, 'it is 2', () => b.peek('k') === 2)
    },
  },
]

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** For comparing: tuples and maps are of their own classes. */
function plain(value: Term): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (value instanceof Map) return [...value]
  return value
}

function short({ value }: IteratorResult<{ type: string; key?: string; cause?: string }, undefined>) {
  return [value?.type, value?.key, value?.cause]
}
