import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import type { ClusterMessage } from '../../src/cluster/telemetry.ts'
import { FakeHost, Script, Stage, settle } from './stage.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'
const D = 'd@127.0.0.1'

describe('the events of a topology', () => {
  it('reach listeners and iterators alike', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    const heard: string[] = []
    stage.topology.on('found', ({ name }) => heard.push(`found ${name}`))
    stage.topology.on('refreshed', ({ connected }) => heard.push(`refreshed ${connected}`))
    stage.topology.on('stopped', () => heard.push('stopped'))
    await settle()
    await stage.topology.close()
    await settle()
    expect(heard).toEqual([`found ${A}`, `refreshed ${A}`, 'stopped'])
    expect(stage.types()).toEqual(['found', 'refreshed', 'stopped'])
  })

  it('reach everybody, whatever one listener does; what it threw is reported as uncaught', async () => {
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const stage = new Stage({ strategy: new Script(A).strategy })
      const error = new Error('a listener’s own')
      let heard = 0
      stage.topology.once('refreshed', () => {
        throw error
      })
      stage.topology.on('refreshed', () => heard++)
      await settle()
      await stage.pass(5000)
      expect(heard).toBe(2)
      expect(uncaught).toEqual([error])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })

  it('are held for a slow reader, up to 1,000 of them', async () => {
    const stage = new Stage({ strategy: new Script().strategy })
    const events = stage.topology.events()
    for (let i = 0; i < 1100; i++) await stage.topology.refresh()
    await stage.topology.close()
    let read = 0
    for await (const _ of events) read++
    expect(read).toBe(1000)
  })

  it('end for one reader by its signal', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    const abort = new AbortController()
    const events = stage.topology.events({ signal: abort.signal })
    abort.abort()
    expect(await events.next()).toMatchObject({ done: true })
    await settle()
    expect(stage.types()).toEqual(['found', 'refreshed'])
  })

  it('let a listener close the topology in their midst', async () => {
    const stage = new Stage({ strategy: new Script(A, B).strategy })
    stage.topology.on('found', () => void stage.topology.close())
    await settle()
    expect(stage.host.wanted).toEqual([])
    expect(stage.host.clock.pending).toBe(0)
    expect(stage.count('discovery-failed')).toBe(0)
    // That was the last they hear of it.
    expect(stage.types()).toEqual(['found', 'stopped'])
  })

  it('let a listener pause the topology in their midst, which forgets nothing by that', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    stage.topology.on('lost', () => stage.topology.pause())
    script.answers = [C, D]
    await stage.pass(5000)
    expect(stage.topology.state).toBe('paused')
    expect(stage.host.wanted).toEqual([C, D])
    expect(stage.count('found') + stage.count('lost')).toBe(6)
    expect(stage.count('discovery-failed')).toBe(0)
  })
})

describe('the channels of node:diagnostics_channel', () => {
  it('tell of each connect and disconnect, with its duration', async () => {
    const heard: [string, ClusterMessage][] = []
    const names = ['connect_node:ok', 'connect_node:error', 'disconnect_node:ok', 'disconnect_node:error']
    const listen = (message: unknown, channel: string | symbol): void =>
      void heard.push([String(channel), message as ClusterMessage])
    for (const name of names) subscribe(`tsunagi:cluster:${name}`, listen)
    try {
      const host = new FakeHost()
      host.easy = false
      const script = new Script(A, B)
      const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } }, host)
      await settle()
      host.clock.advance(20)
      host.up(A)
      host.fail(B)
      host.clock.advance(30)
      host.up(B)
      await settle()
      script.answers = []
      await stage.pass(5000)
      const about = { topology: 'app', self: 'self@127.0.0.1' }
      expect(heard).toEqual([
        ['tsunagi:cluster:connect_node:ok', { ...about, node: A, duration: 20 }],
        ['tsunagi:cluster:connect_node:error', { ...about, node: B, duration: 20, error: expect.any(Error) }],
        ['tsunagi:cluster:connect_node:ok', { ...about, node: B, duration: 30 }],
        ['tsunagi:cluster:disconnect_node:ok', { ...about, node: A, duration: 0 }],
        ['tsunagi:cluster:disconnect_node:ok', { ...about, node: B, duration: 0 }],
      ])
    } finally {
      for (const name of names) unsubscribe(`tsunagi:cluster:${name}`, listen)
    }
  })
})
