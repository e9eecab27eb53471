import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { AllowList } from '../../src/node/allow-list.ts'
import { Cluster } from './cluster.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'

describe('an allow list', () => {
  it('has everybody until it is told of somebody', () => {
    const list = new AllowList(undefined, silentLogger)
    expect([list.allows(A), list.allows(B)]).toEqual([true, true])
    list.add([A])
    expect([list.allows(A), list.allows(B)]).toEqual([true, false])
    list.add([B])
    expect([list.allows(A), list.allows(B)]).toEqual([true, true])
  })

  it('has nobody when it is told of nobody', () => {
    const list = new AllowList(undefined, silentLogger)
    list.add([])
    expect(list.allows(A)).toBe(false)
  })

  it('adds to the names of the option, and to a function', () => {
    const names = new AllowList([A], silentLogger)
    const test = new AllowList((name) => name === A, silentLogger)
    expect([names.allows(B), test.allows(B)]).toEqual([false, false])
    names.add([B])
    test.add([B])
    expect([names, test].map((list) => [list.allows(A), list.allows(B)])).toEqual([
      [true, true],
      [true, true],
    ])
  })
})

describe('a node that allows only some', () => {
  it('neither lets others in nor dials them, and keeps the links it has', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { mesh: false })
    const b = await cluster.start('b', { mesh: false })
    const c = await cluster.start('c', { mesh: false })
    await a.connect(b.name)
    a.allow([])
    expect(a.nodes()).toEqual([B])
    await expect(c.connect(A)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    await expect(a.connect(c.name)).rejects.toMatchObject({
      code: 'ERR_CONNECT_NOT_ALLOWED',
      permanent: true,
      reason: expect.stringContaining('allow'),
    })
    a.allow([c.name])
    await a.connect(c.name)
    expect(a.nodes().sort()).toEqual([B, c.name])
  })

  it('refuses what is no list of names', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    for (const names of [B, [5], ['b']]) {
      expect(() => a.allow(names as string[])).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    }
    await expect((await cluster.start('c')).connect(A)).resolves.toBeUndefined()
  })
})

describe('the cookie of a peer', () => {
  it('can be set later, and counts from the next handshake on', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { mesh: false })
    const b = await cluster.start('b', { cookie: 'other', mesh: false })
    expect(await a.ping(B, { timeout: 20_000 })).toBe('pang')
    a.setCookie(B, 'other')
    expect(await a.ping(B, { timeout: 20_000 })).toBe('pong')
    a.setCookie(B, 'c')
    expect(a.nodes()).toEqual([B])
    await a.disconnect(B)
    await expect(a.connect(B)).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE' })
    b.setCookie(B, 'c')
    expect(b.cookie).toBe('c')
    expect(await a.ping(B, { timeout: 20_000 })).toBe('pong')
  })

  it('is refused when nobody could use it, and never shown', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    expect(() => a.setCookie('b', 'secret')).toThrow(expect.objectContaining({ option: 'name' }))
    expect(() => a.setCookie(B, 'hush\n')).toThrow(/^cookie: (?!.*hush)/)
  })
})
