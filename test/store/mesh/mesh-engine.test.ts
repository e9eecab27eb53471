import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TsunagiError } from '../../../src/base/errors.ts'
import type { EngineOptions } from '../../../src/store/engine.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import { type Actor, Stage } from './stage.ts'

const WAIT = { timeout: 30_000 }

async function three(
  stage: Stage,
  options: Partial<EngineOptions> = {},
  members = true,
): Promise<[Actor, Actor, Actor]> {
  const nodes = [await stage.node('a'), await stage.node('b'), await stage.node('c')]
  const names = nodes.map(({ name }) => name)
  const actors = nodes.map((node) => stage.open(node, { ...(members ? { members: names } : {}), ...options }))
  await Promise.all(actors.map(({ engine }) => engine.ready({ ...WAIT, nodes: 2 })))
  return actors as [Actor, Actor, Actor]
}

/** A store that everybody has taken up again. */
async function settled(...actors: Actor[]): Promise<void> {
  await Promise.all(actors.map(({ engine }) => engine.ready(WAIT)))
}

function put(key: string, value: string | number) {
  return { kind: 'put', key, value } as const
}

describe.each([
  ['with members', true],
  ['without members', false],
])('a mesh of three nodes %s', (_name, members) => {
  it('shows a write on the node that made it when it is acknowledged, and soon on all', async () => {
    await using stage = new Stage()
    const actors = await three(stage, {}, members)
    for (const [i, { engine }] of actors.entries()) {
      await engine.submit(put(`key${i}`, i), WAIT)
      expect(engine.read(`key${i}`)?.value).toBe(i)
    }
    await Promise.all(actors.map(({ engine, until }) => until(() => engine.size === 3)))
    const contents = actors.map(({ engine }) =>
      Array.from(engine.entries(), ([key, { version }]) => `${key} ${version}`),
    )
    expect(contents[1]).toEqual(contents[0])
    expect(contents[2]).toEqual(contents[0])
  })

  it('takes one of two writes that expect the same version, and says to the other which is there', async () => {
    await using stage = new Stage()
    const [a, b] = await three(stage, {}, members)
    const writes = await Promise.allSettled([
      a.engine.submit({ ...put('x', 1), expected: 'absent' }, WAIT),
      b.engine.submit({ ...put('x', 2), expected: 'absent' }, WAIT),
    ])
    const [taken] = writes.filter((write) => write.status === 'fulfilled')
    const [refused] = writes.filter((write) => write.status === 'rejected')
    expect(refused?.reason).toBeInstanceOf(StoreError)
    expect(refused?.reason).toMatchObject({ code: 'ERR_VERSION', key: 'x', current: taken?.value.version })
  })

  it('carries a batch out whole or not at all', async () => {
    await using stage = new Stage()
    const [a, b] = await three(stage, {}, members)
    await a.engine.submit(put('x', 1), WAIT)
    const batch = { kind: 'batch', writes: [put('y', 2), { ...put('x', 3), expected: 'absent' }] } as const
    await expect(b.engine.submit(batch, WAIT)).rejects.toMatchObject({ code: 'ERR_VERSION', key: 'x' })
    const { changed } = await b.engine.submit(
      { kind: 'batch', writes: [put('y', 4), { kind: 'delete', key: 'z' }] },
      WAIT,
    )
    expect(changed).toEqual([true, false])
    expect(b.engine.read('y')?.value).toBe(4)
  })

  it('gives one of many the lease, and all of them its result', async () => {
    await using stage = new Stage()
    const actors = await three(stage, {}, members)
    const outcomes = await Promise.all(
      [...actors, ...actors].map(async ({ engine }) => {
        const outcome = await engine.lease('x', WAIT)
        if (outcome.kind !== 'lease') return { outcome, made: 0 }
        return { outcome: { kind: 'entry', entry: await outcome.lease.complete('made', WAIT) }, made: 1 }
      }),
    )
    expect(outcomes.reduce((sum, { made }) => sum + made, 0)).toBe(1)
    for (const { outcome } of outcomes) expect(outcome).toMatchObject({ kind: 'entry', entry: { value: 'made' } })
  })

  it('passes a lease on when its holder fails, gives it up, takes too long, or is gone', async () => {
    await using stage = new Stage()
    const [a, b, c] = await three(stage, {}, members)
    const take = async ({ engine }: Actor, hold = 60_000) => {
      const outcome = await engine.lease('x', { ...WAIT, hold })
      if (outcome.kind !== 'lease') throw new Error(outcome.kind)
      return outcome.lease
    }
    const first = await take(b)
    const failed = expect(a.engine.lease('x', WAIT)).rejects.toMatchObject({ code: 'ERR_COMPUTE', message: 'no luck' })
    expect(await a.engine.lease('x', { ...WAIT, wait: false })).toEqual({ kind: 'held' })
    first.fail('no luck')
    await failed
    const second = await take(b)
    const next = take(a, 200)
    second.release()
    const slow = await next
    const lost = new Promise((resolve) => slow.signal.addEventListener('abort', resolve, { once: true }))
    const third = await take(c)
    await lost
    await expect(slow.complete('late', WAIT)).rejects.toMatchObject({ code: 'ERR_COMPUTE_TIMEOUT' })
    const last = take(b)
    await c.engine.close()
    expect(third.signal.aborted).toBe(true)
    expect((await (await last).complete('at last', WAIT)).value).toBe('at last')
  })

  it('goes on with another loader when the loader leaves, with all that was acknowledged', async () => {
    await using stage = new Stage()
    const actors = await three(stage, {}, members)
    for (let i = 0; i < 50; i++) await (actors[i % 3] as Actor).engine.submit(put(`key${i}`, i), WAIT)
    const loader = actors.find(({ engine }) => engine.status().role === 'loader') as Actor
    const others = actors.filter((actor) => actor !== loader)
    await loader.engine.close()
    await Promise.all(
      others.map(({ engine, until }) => until(() => ![undefined, loader.node.name].includes(engine.status().loader))),
    )
    for (const { engine } of others) {
      await engine.submit(put('after', 1), WAIT)
      for (let i = 0; i < 50; i++) expect(engine.read(`key${i}`)?.value).toBe(i)
    }
  })

  it('brings a late node up to date', async () => {
    await using stage = new Stage()
    const [a] = await three(stage, {}, members)
    const { node } = a
    const writes = Array.from({ length: 9000 }, (_, i) => put(`key${i}`, i))
    for (let at = 0; at < writes.length; at += 1000) {
      await a.engine.submit({ kind: 'batch', writes: writes.slice(at, at + 1000) }, WAIT)
    }
    const names = a.engine.status().nodes
    const late = stage.open(await stage.node('late'), members ? { members: [...names].sort() } : {})
    await late.engine.ready(WAIT)
    await late.until(() => late.engine.size === 9000)
    await late.engine.submit(put('from', node.name), WAIT)
    expect(late.engine.read('key8999')?.value).toBe(8999)
  })

  it('takes expired values away everywhere', async () => {
    await using stage = new Stage()
    const actors = await three(stage, {}, members)
    await actors[1].engine.submit({ ...put('x', 1), ttl: 50 }, WAIT)
    await Promise.all(
      actors.map(({ changes, until }) =>
        until(() => changes.some(({ key, cause }) => key === 'x' && cause === 'expire')),
      ),
    )
    for (const { engine } of actors) expect(engine.read('x')).toBeUndefined()
  })
})

describe('a mesh', () => {
  it('refuses writes without a majority of its members, and still reads', async () => {
    await using stage = new Stage()
    const [a, b, c] = await three(stage)
    await a.engine.submit(put('x', 1), { ...WAIT, durability: 'all' })
    await b.engine.close()
    await c.engine.close()
    await a.until(() => a.engine.status().nodes.length === 1)
    await expect(a.engine.submit(put('y', 1), { timeout: 5000 })).rejects.toMatchObject({ code: 'ERR_NO_QUORUM' })
    expect(a.engine.read('x')?.value).toBe(1)
  })

  it('has no writes while the only loader is away, and goes on when it is back', async () => {
    await using stage = new Stage()
    const [a, b, c] = await three(stage, { loader: ['a@127.0.0.1'] }, false)
    await b.engine.submit(put('x', 1), { ...WAIT, durability: 'all' })
    await a.engine.close()
    await b.until(() => b.engine.status().loader === undefined)
    await expect(b.engine.submit(put('y', 1), WAIT)).rejects.toMatchObject({ code: 'ERR_NO_LOADER' })
    expect(b.engine.read('x')?.value).toBe(1)
    const back = stage.open(a.node, { loader: ['a@127.0.0.1'] })
    await settled(back, b, c)
    await b.engine.submit(put('y', 2), WAIT)
    await back.until(() => back.engine.read('y') !== undefined)
    expect(back.engine.read('x')?.value).toBe(1)
  })

  it('takes no part with stores that have other options', async () => {
    await using stage = new Stage()
    const a = stage.open(await stage.node('a'), { loader: ['a@127.0.0.1'] })
    const b = stage.open(await stage.node('b'), { loader: ['b@127.0.0.1'] })
    await settled(a, b)
    await a.engine.submit(put('x', 1), WAIT)
    await b.engine.submit(put('x', 2), WAIT)
    expect(a.engine.status().nodes).toEqual([a.node.name])
    expect(a.engine.read('x')?.value).toBe(1)
  })

  it('refuses a write that is larger than what links carry', async () => {
    await using stage = new Stage()
    const { engine } = stage.open(await stage.node('a'), {})
    await engine.ready(WAIT)
    const half = new Uint8Array(33 * 1024 * 1024)
    const writes = ['x', 'y'].map((key) => ({ kind: 'put', key, value: half }) as const)
    await expect(engine.submit({ kind: 'batch', writes })).rejects.toMatchObject({ code: 'ERR_LIMIT' })
    expect(engine.size).toBe(0)
  })

  it('refuses a loader that is no member', async () => {
    await using stage = new Stage()
    const node = await stage.node('a')
    const options = { members: ['a@127.0.0.1'], loader: ['b@127.0.0.1'] }
    expect(() => stage.open(node, options)).toThrow(TsunagiError)
  })
})

describe('a directory', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsunagi-store-'))
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  it.each([
    ['with members', true],
    ['without members', false],
  ])('keeps what was acknowledged over the restart of all, %s', async (_name, members) => {
    await using stage = new Stage()
    const actors = await three(stage, {}, members)
    const names = actors.map(({ node }) => node.name)
    for (const { engine } of actors) await engine.close()
    const open = () =>
      actors.map(({ node }) =>
        stage.open(node, { directory: join(directory, node.name), ...(members ? { members: names } : {}) }),
      )
    const before = open()
    await settled(...before)
    for (let i = 0; i < 100; i++) await (before[i % 3] as Actor).engine.submit(put(`key${i % 40}`, i), WAIT)
    await before[0]?.engine.submit({ kind: 'delete', key: 'key39' }, { ...WAIT, durability: 'all' })
    for (const { engine } of before) await engine.close()
    const after = open()
    await settled(...after)
    await after[0]?.engine.submit(put('more', 1), { ...WAIT, durability: 'all' })
    for (const { engine, until } of after) {
      await until(() => engine.size === 40)
      expect(engine.read('key19')?.value).toBe(99)
      expect(engine.read('key38')?.value).toBe(78)
      expect(engine.read('key39')).toBeUndefined()
    }
  })

  it('that is damaged is set aside, and its voter restored from the others', async () => {
    await using stage = new Stage()
    const actors = await three(stage)
    const names = actors.map(({ node }) => node.name)
    for (const { engine } of actors) await engine.close()
    const open = ({ node }: Actor) => stage.open(node, { directory: join(directory, node.name), members: names })
    const [a, b, c] = actors.map(open) as [Actor, Actor, Actor]
    await settled(a, b, c)
    for (let i = 0; i < 30; i++) await a.engine.submit(put(`key${i}`, i), { ...WAIT, durability: 'all' })
    await c.engine.close()
    const home = join(directory, c.node.name)
    const log = readdirSync(home).find((name) => name.endsWith('.log')) as string
    const bytes = readFileSync(join(home, log))
    bytes.writeUInt8(bytes.readUInt8(40) ^ 0xff, 40)
    writeFileSync(join(home, log), bytes)
    const again = open(c)
    expect(again.engine.status().role).toBe('recovering')
    await settled(again)
    await again.engine.submit(put('more', 1), { ...WAIT, durability: 'all' })
    expect(again.engine.read('key29')?.value).toBe(29)
    expect(readdirSync(home).some((name) => name.endsWith('.damaged'))).toBe(true)
  })
})
