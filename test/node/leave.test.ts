import { describe, expect, it } from 'vitest'
import { staticNodes } from '../../src/cluster/index.ts'
import { listNames } from '../../src/epmd/client.ts'
import { type From, noReply } from '../../src/index.ts'
import { atom } from '../../src/term/index.ts'
import { Cluster, event } from './cluster.ts'

const ample = { timeout: 60_000 }
const patient = { deadline: Number.POSITIVE_INFINITY }

/** A function that a peer calls, and when it ends. */
function slow() {
  let finish!: (value: string) => void
  let began!: () => void
  const result = new Promise<string>((resolve) => {
    finish = resolve
  })
  const running = new Promise<void>((resolve) => {
    began = resolve
  })
  const run = (): Promise<string> => {
    began()
    return result
  }
  return { run, running, finish }
}

describe('leave', () => {
  it('gives the name up at once, keeps the links until a function a peer called has ended, and closes then', async () => {
    await using cluster = await Cluster.create()
    // It serves the EPMD, and stays.
    const b = await cluster.start('b')
    const a = await cluster.start('a')
    const work = slow()
    a.expose('m', { work: work.run })
    await b.connect(a.name, ample)
    const call = b.rpc(a.name, 'm', 'work', [], ample)
    await work.running
    const left = a.leave(patient)
    expect(a.isReady()).toBe(false)
    await expect.poll(() => names(cluster.epmdPort), ample).toEqual(['b'])
    expect(a.nodes()).toEqual([b.name])
    expect(a.closed).toBe(false)
    const down = event(b, 'nodedown', a.name)
    work.finish('done')
    expect(await call).toBe('done')
    await left
    await down
    expect(a.closed).toBe(true)
  })

  it('waits for a GenServer that answers later, and for messages that wait for one', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    const asked: From[] = []
    await a.start(
      {
        handleCall: (request, from) => {
          if (request === atom('last')) return asked.length
          asked.push(from)
          return noReply
        },
      },
      { name: 'server' },
    )
    await b.connect(a.name, ample)
    const server = { name: 'server', node: a.name }
    const later = b.call(server, atom('later'), ample)
    await expect.poll(() => asked.length, ample).toBe(1)
    const left = a.leave(patient)
    expect(await b.call(server, atom('last'), ample)).toBe(1)
    asked[0]?.reply('late')
    // Who is answered twice is owed nothing the second time.
    asked[0]?.reply('later')
    expect(await later).toBe('late')
    await left
  })

  it('waits no longer than the deadline', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    const work = slow()
    a.expose('m', { work: work.run })
    await b.connect(a.name, ample)
    const call = b.rpc(a.name, 'm', 'work', [], ample)
    const failed = expect(call).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(CALL_EXIT|NOCONNECTION)$/) })
    await work.running
    await a.leave({ deadline: 50 })
    expect(a.closed).toBe(true)
    await failed
  })

  it('dials nobody any more, neither for connectTo nor for a topology, and is dialled by none of ours', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const wanted = { connectTo: ['c@127.0.0.1'], topologies: { t: { strategy: staticNodes(['d@127.0.0.1']) } } }
    const a = await cluster.start('a', wanted)
    const work = slow()
    a.expose('m', { work: work.run })
    await b.connect(a.name, ample)
    const call = b.rpc(a.name, 'm', 'work', [], ample)
    await work.running
    expect(a.nodes('known').sort()).toEqual(['b@127.0.0.1', 'c@127.0.0.1', 'd@127.0.0.1'])
    const left = a.leave(patient)
    await expect.poll(() => a.nodes('known'), ample).toEqual([b.name])
    await expect(a.connect('c@127.0.0.1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(() => a.topology('t')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    const c = await cluster.start('c', { connectTo: b.name })
    await c.ready(ample)
    // b tells of a, which does not listen any more; nobody but b ever sees it.
    const failed = event(c, 'connect-failed', a.name)
    await expect(c.connect(a.name, ample)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_REGISTERED' })
    await failed
    work.finish('done')
    await call
    await left
  })

  it('is idempotent, ends with close, and refuses what is no deadline', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    await expect(a.leave({ deadline: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'deadline' })
    expect(a.isReady({ nodes: 0 })).toBe(true)
    const work = slow()
    a.expose('m', { work: work.run })
    const call = a.rpc(a.name, 'm', 'work', [], ample).catch((error) => error)
    await work.running
    const left = [a.leave(patient), a.leave()]
    await a.close()
    await Promise.all(left)
    expect(await call).toMatchObject({ code: expect.any(String) })
    await a.leave()
  })
})

describe('isReady', () => {
  it('is what ready waits for', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    expect([a.isReady(), a.isReady({ nodes: 0 })]).toEqual([false, true])
    await b.connect(a.name, ample)
    await a.ready(ample)
    expect([a.isReady(), a.isReady({ nodes: 2 })]).toEqual([true, false])
    await a.close()
    expect(a.isReady({ nodes: 0 })).toBe(false)
  })
})

async function names(port: number): Promise<string[]> {
  return (await listNames({ port })).map(({ name }) => name)
}
