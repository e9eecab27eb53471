import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mesh } from '../../src/pubsub/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from './cluster.ts'

/** Hears channels; what it returns ends that. */
function hear(...names: string[]) {
  const heard: { channel: string; message: Record<string, unknown> }[] = []
  const waiting: (() => void)[] = []
  const listener = (message: unknown, channel: string | symbol): void => {
    heard.push({ channel: String(channel), message: message as Record<string, unknown> })
    for (const wake of waiting.splice(0)) wake()
  }
  for (const name of names) subscribe(name, listener)
  return {
    heard,
    /** The first message on a channel, now or later. */
    async on(channel: string): Promise<Record<string, unknown>> {
      for (;;) {
        const found = heard.find((it) => it.channel === channel)
        if (found !== undefined) return found.message
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    [Symbol.dispose]() {
      for (const name of names) unsubscribe(name, listener)
    },
  }
}

let cluster: Cluster
let a: TsunagiNode
let b: TsunagiNode

beforeEach(async () => {
  cluster = await Cluster.create()
  a = await cluster.start('a')
  b = await cluster.start('b')
})

afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
})

describe('diagnostics channels tell', () => {
  it('of links: up, down and why', async () => {
    using channels = hear('tsunagi:node:up', 'tsunagi:node:down')
    await a.connect(b.name)
    expect(await channels.on('tsunagi:node:up')).toMatchObject({ nodeType: 'hidden', connectionId: 1 })
    await b.close()
    expect(await channels.on('tsunagi:node:down')).toHaveProperty('reason')
  })

  it('of dials that fail, and of messages that were lost with them', async () => {
    using channels = hear('tsunagi:dial:error', 'tsunagi:send:error')
    a.send({ name: 'nobody', node: 'none@127.0.0.1' }, 'hello')
    expect(await channels.on('tsunagi:dial:error')).toMatchObject({
      self: a.name,
      node: 'none@127.0.0.1',
      error: { code: 'ERR_CONNECT_NOT_REGISTERED' },
    })
    expect(await channels.on('tsunagi:send:error')).toMatchObject({ self: a.name, dropped: 1 })
  })

  it('of calls, by those who make them and those who answer them', async () => {
    const ends = ['start', 'ok', 'error']
    using channels = hear(...ends.flatMap((end) => [`tsunagi:call:${end}`, `tsunagi:serve:${end}`]))
    await a.connect(b.name)
    channels.heard.length = 0
    await b.start({ handleCall: (request) => request }, { name: 'echo' })
    b.expose('math', {
      fail: () => {
        throw new RangeError('too big')
      },
    })
    await a.call({ name: 'echo', node: b.name }, 'hello')
    await a.rpc(b.name, 'math', 'fail').catch(() => {})
    const call = { kind: 'call', self: a.name, node: b.name, target: 'echo' }
    const rpc = { kind: 'rpc', self: a.name, node: b.name, target: 'math:fail/0' }
    const other = { self: b.name, node: a.name }
    expect(channels.heard).toEqual([
      { channel: 'tsunagi:call:start', message: call },
      { channel: 'tsunagi:serve:start', message: { ...call, ...other } },
      { channel: 'tsunagi:serve:ok', message: { ...call, ...other, duration: expect.any(Number) } },
      { channel: 'tsunagi:call:ok', message: { ...call, duration: expect.any(Number) } },
      { channel: 'tsunagi:call:start', message: rpc },
      { channel: 'tsunagi:serve:start', message: { ...rpc, ...other } },
      {
        channel: 'tsunagi:serve:error',
        message: { ...rpc, ...other, duration: expect.any(Number), error: new RangeError('too big') },
      },
      {
        channel: 'tsunagi:call:error',
        message: {
          ...rpc,
          duration: expect.any(Number),
          error: expect.objectContaining({ code: 'ERR_RPC_EXCEPTION' }),
        },
      },
    ])
  })

  it('of processes that crash', async () => {
    using channels = hear('tsunagi:process:crash')
    const pid = a.spawn(() => {
      throw new TypeError('oops')
    })
    expect(await channels.on('tsunagi:process:crash')).toMatchObject({ self: a.name, pid, error: { message: 'oops' } })
  })

  it('of what happens to a pub/sub and to a store', async () => {
    using channels = hear('tsunagi:pubsub:event', 'tsunagi:store:event')
    const pubsub = a.pubsub('P', { engine: mesh() })
    await pubsub.close()
    expect(await channels.on('tsunagi:pubsub:event')).toMatchObject({ self: a.name, pubsub: 'P' })
    const store = a.store()
    await store.ready()
    expect(await channels.on('tsunagi:store:event')).toMatchObject({ self: a.name, store: 'tsunagi_store' })
  })
})
