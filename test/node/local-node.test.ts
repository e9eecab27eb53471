import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConnectError } from '../../src/dist/connect-error.ts'
import type { LocalNode } from '../../src/node/local-node.ts'
import type { NodeEvent } from '../../src/node/node-monitor.ts'
import { atom, type Term } from '../../src/term/index.ts'
import { freePort } from '../support/otp.ts'
import { Cluster, event } from './cluster.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(() => cluster[Symbol.asyncDispose]())

/** Two nodes that are connected, without a mesh. */
async function pair(): Promise<[LocalNode, LocalNode]> {
  const a = await cluster.start('a')
  const b = await cluster.start('b', { connectTo: a.name })
  await Promise.all([a.ready(), b.ready()])
  return [a, b]
}

/** A registered process that gives what it gets to the test. */
function sink(node: LocalNode, name: string): AsyncIterator<Term> {
  const messages: Term[] = []
  let wake = () => {}
  node.spawn(
    async (self) => {
      for await (const message of self) {
        messages.push(message)
        wake()
      }
    },
    { name },
  )
  return {
    async next() {
      while (messages.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return { value: messages.shift() as Term, done: false }
    },
  }
}

describe('a node', () => {
  it('knows itself and never shows its cookie', async () => {
    const a = await cluster.start('a', { cookie: 'c_5318008' })
    expect(a).toMatchObject({ name: 'a@127.0.0.1', cookie: 'c_5318008', cookieSource: 'option', closed: false })
    expect(a.listening).toMatchObject({ host: '127.0.0.1', port: expect.any(Number) })
    expect(a.creation).toBeGreaterThan(3)
    expect(a.servesEpmd).toBe(true)
    expect(inspect(a)).toBe('LocalNode<a@127.0.0.1, 0 connected>')
    expect(inspect(a, { customInspect: false, showHidden: true, depth: 5 })).not.toContain('5318008')
    expect(JSON.stringify(a)).not.toContain('5318008')
    await a.close()
    expect(inspect(a)).toBe('LocalNode<a@127.0.0.1, closed>')
  })

  it('connects, lists, counts, disconnects, and both sides see it', async () => {
    const [a, b] = await pair()
    expect([a.nodes(), b.nodes()]).toEqual([[b.name], [a.name]])
    expect([a.nodes('hidden'), a.nodes('visible'), a.nodes('known')]).toEqual([[b.name], [], [b.name]])
    expect(a.links()).toMatchObject([{ node: b.name, nodeType: 'hidden', address: '127.0.0.1', queuedBytes: 0 }])
    const down = event(a, 'nodedown')
    await b.disconnect(a.name)
    expect(await down).toEqual([b.name, { nodeType: 'hidden', connectionId: 1, reason: 'connection_closed' }])
    expect([a.nodes(), b.nodes()]).toEqual([[], []])
    await b.connect(a.name)
    expect(b.nodes()).toEqual([a.name])
    expect(() => a.nodes('all' as 'known')).toThrow(expect.objectContaining({ option: 'kind', value: 'all' }))
  })

  it('says why it cannot connect, with a code', async () => {
    const a = await cluster.start('a')
    await cluster.start('b', { cookie: 'another' })
    await cluster.start('strict', { allow: ['nobody@127.0.0.1'] })
    const why = async (name: string) => {
      const error = await a.connect(name).catch((it: unknown) => it)
      await a.disconnect(name)
      expect(error).toBeInstanceOf(ConnectError)
      return error
    }
    expect(await why('a@127.0.0.1')).toMatchObject({ code: 'ERR_CONNECT_SELF', node: 'a@127.0.0.1' })
    expect(await why('nobody@127.0.0.1')).toMatchObject({
      code: 'ERR_CONNECT_NOT_REGISTERED',
      node: 'nobody@127.0.0.1',
      reason: expect.stringContaining('knows no node "nobody"'),
    })
    expect(await why('b@127.0.0.1')).toMatchObject({
      code: 'ERR_CONNECT_COOKIE',
      reason: expect.stringContaining('cookie'),
    })
    expect(await why('strict@127.0.0.1')).toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(await why(`other@127.0.0.1:${a.listening?.port}`)).toMatchObject({
      code: expect.stringMatching(/^ERR_CONNECT_(NAME|SELF|NOT_ALLOWED)$/),
    })
    expect(await why(`gone@127.0.0.1:${await freePort()}`)).toMatchObject({ code: 'ERR_CONNECT_REFUSED' })
    expect(await why('short@host')).toMatchObject({ code: 'ERR_CONNECT_SPLIT_NAMES' })
    await expect(a.connect('nonsense')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'name' })
    expect(a.lastError('b@127.0.0.1')?.code).toBe('ERR_CONNECT_COOKIE')
  })

  it('gets one link when both sides dial at the same moment', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    for (let i = 0; i < 10; i++) {
      await Promise.all([a.connect(b.name), b.connect(a.name)])
      await Promise.all([a.ready(), b.ready()])
      expect([a.nodes(), b.nodes()]).toEqual([[b.name], [a.name]])
      expect([await a.ping(b.name), await b.ping(a.name)]).toEqual(['pong', 'pong'])
      await Promise.all([a.disconnect(b.name), b.disconnect(a.name)])
    }
  })

  it('takes single cookies for single peers', async () => {
    const a = await cluster.start('a', { cookie: 'x' })
    const b = await cluster.start('b', { cookie: 'y', cookies: { [a.name]: 'x' } })
    await b.connect(a.name)
    expect(a.nodes()).toEqual([b.name])
  })

  it('needs no EPMD where ports are given', async () => {
    const a = await cluster.start('a', { epmd: false })
    const b = await cluster.start('b', { epmd: false, connectTo: `${a.name}:${a.listening?.port}` })
    await b.ready()
    expect([a.servesEpmd, b.nodes()]).toEqual([false, [a.name]])
    await expect(b.connect('c@127.0.0.1')).rejects.toMatchObject({ code: 'ERR_CONNECT_EPMD', permanent: true })
  })

  it('says that the host of a peer is not known', async () => {
    const a = await cluster.start('a')
    await expect(a.connect('b@no-such-host.invalid')).rejects.toMatchObject({
      code: 'ERR_CONNECT_HOST',
      message: expect.stringContaining('b@no-such-host.invalid: the host no-such-host.invalid is not known ('),
    })
  })

  it('may be one that only dials', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { listen: false })
    expect(b.listening).toBeUndefined()
    await b.connect(a.name)
    expect(a.nodes()).toEqual([b.name])
    await expect(a.connect(b.name)).resolves.toBeUndefined()
  })

  it('refuses a name that is taken, and leaves nothing behind', async () => {
    const a = await cluster.start('a')
    await expect(cluster.start('a')).rejects.toMatchObject({ code: 'ERR_NAME_TAKEN' })
    await a.close()
    const again = await cluster.start('a')
    expect(again.creation).not.toBe(a.creation)
  })

  it('says which port it cannot have', async () => {
    const a = await cluster.start('a')
    const port = a.listening?.port as number
    await expect(cluster.start('b', { listen: { port } })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining(`${port}`),
    })
  })

  it('asks a function who may connect; only a plain true is a yes', async () => {
    const a = await cluster.start('a')
    const asked: string[] = []
    const promise = (async () => true) as unknown as () => boolean
    await cluster.start('later', { allow: promise })
    await cluster.start('broken', {
      allow: () => {
        throw new Error('no')
      },
    })
    const b = await cluster.start('b', { allow: (name) => asked.push(name) > 0 })
    await a.connect(b.name)
    expect(asked).toEqual([a.name])
    for (const name of ['later@127.0.0.1', 'broken@127.0.0.1']) {
      await expect(a.connect(name)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
      await a.disconnect(name)
    }
    expect(cluster.lines('warn', '`allow` threw for a@127.0.0.1')).toHaveLength(1)
  })
})

describe('waits', () => {
  it('give up when they are told to, and the dial they joined goes on', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    const abort = new AbortController()
    const first = a.connect(b.name, { signal: abort.signal })
    const second = a.connect(b.name)
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    await second
    await expect(a.connect(b.name, { signal: abort.signal })).rejects.toThrow('enough')
    await expect(a.ping(b.name, { signal: abort.signal })).rejects.toThrow('enough')
  })

  it('for nodes resolve when there are enough, and leave nothing behind', async () => {
    const a = await cluster.start('a')
    await a.ready({ nodes: 0 })
    const two = a.ready({ nodes: 2 })
    await cluster.start('b', { connectTo: a.name })
    await cluster.start('c', { connectTo: a.name })
    await two
    for (let i = 0; i < 20; i++) {
      await expect(a.ready({ nodes: 9, timeout: 0 })).rejects.toMatchObject({
        code: 'ERR_TIMEOUT',
        message: /fewer than 9/,
      })
    }
    // However many wait: no listeners, which Node.js warns of from the eleventh on and anybody can remove.
    const crowd = Array.from({ length: 20 }, () => a.ready({ nodes: 3 }))
    expect([a.listenerCount('nodeup'), a.listenerCount('close')]).toEqual([0, 0])
    a.removeAllListeners()
    await cluster.start('d', { connectTo: a.name })
    await Promise.all(crowd)
    await expect(a.ready({ node: 2 } as object)).rejects.toMatchObject({ message: /did you mean nodes/ })
    await expect(a.connect('b@127.0.0.1', { timout: 1 } as object)).rejects.toMatchObject({ option: 'timout' })
    await expect(a.ready({ nodes: -1 })).rejects.toMatchObject({ option: 'nodes' })
    await expect(a.ready({ timeout: 'soon' as unknown as number })).rejects.toMatchObject({ option: 'timeout' })
    const never = expect(a.ready({ nodes: 9 })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await a.close()
    await never
  })

  it('for room on a link end when it drains, and reject when it is lost', async () => {
    const a = await cluster.start('a', { limits: { linkHighWater: 1000 } })
    const b = await cluster.start('b', { connectTo: a.name })
    await Promise.all([a.ready(), b.ready()])
    await a.drained(b.name)
    const received = sink(b, 'sink')
    const big = new Uint8Array(3_000_000)
    expect(a.send({ name: 'sink', node: b.name }, big)).toBe(false)
    await a.drained(b.name)
    expect(a.send({ name: 'sink', node: b.name }, atom('room'))).toBe(true)
    expect((await received.next()).value).toHaveLength(big.length)
    expect(a.send({ name: 'sink', node: b.name }, big)).toBe(false)
    const lost = expect(a.drained(b.name)).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
    await a.disconnect(b.name)
    await lost
    await expect(a.drained(b.name)).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
  })
})

describe('ping', () => {
  it('is answered by a node, by itself, and by nobody', async () => {
    const [a, b] = await pair()
    expect(await a.ping(b.name)).toBe('pong')
    expect(await a.ping(a.name)).toBe('pong')
    expect(await a.ping('nobody@127.0.0.1')).toBe('pang')
    expect(a.nodes('known')).toEqual([b.name])
    await expect(a.ping('nonsense')).rejects.toMatchObject({ option: 'name' })
  })
})

describe('events of nodes', () => {
  it('come as an iterator that ends with its signal, with the node, or when its reader leaves', async () => {
    const a = await cluster.start('a')
    const abort = new AbortController()
    const [all, visible, aborted] = [
      a.monitorNodes(),
      a.monitorNodes({ nodeType: 'visible' }),
      a.monitorNodes({ signal: abort.signal }),
    ]
    const b = await cluster.start('b', { connectTo: a.name })
    await b.ready()
    await b.disconnect(a.name)
    const seen: NodeEvent[] = []
    for await (const it of all) if (seen.push(it) === 2) break
    expect(seen.map(({ type, node }) => [type, node])).toEqual([
      ['nodeup', b.name],
      ['nodedown', b.name],
    ])
    expect(await all.next()).toEqual({ value: undefined, done: true })
    abort.abort()
    expect((await aborted.next()).done).toBe(true)
    const next = visible.next()
    await a.close()
    expect((await next).done).toBe(true)
    expect(() => a.monitorNodes()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('are refused for a kind there is not', async () => {
    const a = await cluster.start('a')
    expect(() => a.monitorNodes({ nodeType: 'all nodes' as 'all' })).toThrow(
      expect.objectContaining({ option: 'nodeType' }),
    )
  })

  it('do not harm the link when a listener throws', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    const uncaught = new Promise((resolve) => {
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', (error) => {
        for (const listener of others) process.on('uncaughtException', listener)
        resolve(error)
      })
    })
    a.once('nodeup', () => {
      throw new Error('a mistake of the user')
    })
    await a.connect(b.name)
    expect(await uncaught).toEqual(new Error('a mistake of the user'))
    expect(await a.ping(b.name)).toBe('pong')
  })
})

describe('sending to a node without a link', () => {
  it('dials it and keeps the order', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    const received = sink(b, 'sink')
    for (let i = 0; i < 10; i++) expect(a.send({ name: 'sink', node: b.name }, i)).toBe(true)
    for (let i = 0; i < 10; i++) expect((await received.next()).value).toBe(i)
  })

  it('tells what was lost when the dial fails, loudly once', async () => {
    const a = await cluster.start('a')
    for (let i = 0; i < 3; i++) {
      a.send({ name: 'sink', node: 'gone@127.0.0.1' }, 1)
      a.send({ name: 'sink', node: 'gone@127.0.0.1' }, 2)
      const [failed, lost] = await Promise.all([event(a, 'connect-failed'), event(a, 'send-failed')])
      expect(failed).toEqual([
        'gone@127.0.0.1',
        expect.objectContaining({ code: 'ERR_CONNECT_NOT_REGISTERED' }),
        undefined,
      ])
      expect(lost).toEqual(['gone@127.0.0.1', 2, failed[1]])
    }
    expect(cluster.lines('warn', 'gone')).toHaveLength(2)
    expect(cluster.lines('debug', 'gone')).toHaveLength(4)
  })

  it('is bounded by limits.dialQueue', async () => {
    const a = await cluster.start('a', { limits: { dialQueue: 2 } })
    const to = { name: 'sink', node: 'gone@127.0.0.1' }
    expect([a.send(to, 1), a.send(to, 2)]).toEqual([true, true])
    expect(() => a.send(to, 3)).toThrow(expect.objectContaining({ code: 'ERR_LINK_FULL' }))
    expect(await event(a, 'send-failed')).toMatchObject(['gone@127.0.0.1', 2, {}])
  })

  it.each(['never', 'once', 'always'] as const)('dials %s, as distAutoConnect says', async (distAutoConnect) => {
    const a = await cluster.start('a', { distAutoConnect })
    const b = await cluster.start('b', { mesh: false })
    const call = () =>
      a.call({ name: 'net_kernel', node: b.name }, atom('anything')).then(
        () => 'answered',
        (error) => error.code,
      )
    expect(await call()).toBe(distAutoConnect === 'never' ? 'ERR_NOCONNECTION' : 'answered')
    if (distAutoConnect === 'never') await a.connect(b.name)
    const down = event(a, 'nodedown')
    await b.disconnect(a.name)
    await down
    if (distAutoConnect === 'never') return expect(a.nodes('known')).toEqual([b.name])
    expect(await call()).toBe(distAutoConnect === 'once' ? 'ERR_NOCONNECTION' : 'answered')
  })

  it('does not dial one that was disconnected on purpose, until it is connected again', async () => {
    const [a, b] = await pair()
    await b.disconnect(a.name)
    await expect(b.call({ name: 'net_kernel', node: a.name }, 1)).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
    await b.connect(a.name)
    expect(await b.ping(a.name)).toBe('pong')
  })
})

describe('a peer that stays away', () => {
  it('is dialled again and again, logged once, and connected when it comes', async () => {
    const a = await cluster.start('a', { connectTo: 'b@127.0.0.1' })
    for (let i = 0; i < 3; i++) expect((await event(a, 'connect-failed'))[2]).toEqual(expect.any(Number))
    expect(cluster.lines('warn', 'b@127.0.0.1')).toHaveLength(1)
    const b = await cluster.start('b')
    await a.ready()
    expect(a.nodes()).toEqual([b.name])
    expect(a.lastError(b.name)).toBeUndefined()
  })

  it('that restarts is connected again, and its links are told apart', async () => {
    const [a, b] = await pair()
    const ids: number[] = []
    a.on('nodeup', (_name, { connectionId }) => ids.push(connectionId))
    await b.close()
    const again = await cluster.start('b')
    await again.connect(a.name)
    expect(ids).toEqual([2])
    expect(a.nodes()).toEqual([again.name])
  })
})

describe('close', () => {
  it('is done once, ends what is under way, and refuses what comes later', async () => {
    const a = await cluster.start('a')
    const closed = event(a, 'close')
    const connecting = expect(a.connect('gone@127.0.0.1')).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
    const first = a.close()
    expect(a.close()).toBe(first)
    await Promise.all([first, closed, connecting])
    expect(a.nodes('known')).toEqual([])
    const refused = { code: 'ERR_CLOSED' }
    await expect(a.connect('b@127.0.0.1')).rejects.toMatchObject(refused)
    await expect(a.ping('b@127.0.0.1')).rejects.toMatchObject(refused)
    await expect(a.call({ name: 'x', node: 'b@127.0.0.1' }, 1)).rejects.toMatchObject(refused)
    expect(() => a.spawn(() => {})).toThrow(expect.objectContaining(refused))
    expect(() => a.expose('m', {})).toThrow(expect.objectContaining(refused))
  })

  it('comes by disposal too', async () => {
    const a = await cluster.start('a')
    await a[Symbol.asyncDispose]()
    expect(a.closed).toBe(true)
  })

  it('lets what was sent before arrive', async () => {
    const [a, b] = await pair()
    const received = sink(a, 'sink')
    b.send({ name: 'sink', node: a.name }, new Uint8Array(2_000_000).fill(7))
    b.send({ name: 'sink', node: a.name }, 'last words')
    await b.close()
    expect((await received.next()).value).toHaveLength(2_000_000)
    expect((await received.next()).value).toBe('last words')
  })
})
