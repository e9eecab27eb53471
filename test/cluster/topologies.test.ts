import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/base/errors.ts'
import { Topologies } from '../../src/cluster/topologies.ts'
import { resolveTopologyOptions, type TopologyOptions } from '../../src/cluster/topology-options.ts'
import { FakeHost, Script, Stage, settle } from './stage.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'

describe('the topologies of a node', () => {
  it('are the same object for the same name and options', () => {
    const topologies = new Topologies(new FakeHost())
    const { strategy } = new Script(A)
    const topology = topologies.get('app', { strategy, prune: { after: 5 } })
    expect(topologies.get('app')).toBe(topology)
    expect(topologies.get('app', { strategy, prune: { after: 5 }, interval: 5000 })).toBe(topology)
  })

  it('cannot be asked for with other options, nor without any before they are there', () => {
    const topologies = new Topologies(new FakeHost())
    const { strategy } = new Script(A)
    expect(() => topologies.get('app')).toThrow(OptionError)
    topologies.get('app', { strategy })
    expect(() => topologies.get('app', { strategy, interval: 1 })).toThrow('the same options as before')
    expect(() => topologies.get('app', { strategy: new Script(A).strategy })).toThrow('the same options as before')
    expect(() => topologies.get('', { strategy })).toThrow(OptionError)
  })

  it('go by the options as they were changed', async () => {
    const topologies = new Topologies(new FakeHost())
    const { strategy } = new Script(A)
    const topology = topologies.get('app', { strategy })
    topology.update({ interval: 100 })
    expect(topologies.get('app', { strategy, interval: 100 })).toBe(topology)
    expect(() => topologies.get('app', { strategy })).toThrow('the same options as before')
  })

  it('give their name free when they are closed, and are all closed together', async () => {
    const host = new FakeHost()
    const topologies = new Topologies(host)
    const { strategy } = new Script(A)
    const first = topologies.get('app', { strategy })
    await first.close()
    const second = topologies.get('app', { strategy })
    expect(second).not.toBe(first)
    await settle()
    topologies.close()
    expect(second.state).toBe('closed')
    expect(host.wanted).toEqual([])
    expect(() => topologies.get('app', { strategy })).toThrow('closed')
  })

  it('want their nodes side by side, and count for each other when one prunes', async () => {
    const host = new FakeHost()
    const topologies = new Topologies(host)
    const one = new Script(A)
    const other = new Script(A)
    topologies.get('one', { strategy: one.strategy, prune: { after: 0 } })
    topologies.get('other', { strategy: other.strategy })
    await settle()
    one.answers = []
    host.clock.advance(5000)
    await settle()
    expect(host.connected).toEqual([A])
    expect(host.wanted).toEqual([A])
  })
})

describe('a topology that is changed while it runs', () => {
  it('keeps the nodes of the old strategy until the new one has answered', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    await settle()
    const next = new Script(B)
    let answer = (): void => {}
    next.gate = new Promise((resolve) => {
      answer = resolve
    })
    stage.topology.update({ strategy: next.strategy })
    await settle()
    expect(stage.topology.nodes()).toEqual([A])
    answer()
    await settle()
    expect(stage.topology.nodes()).toEqual([B])
    expect(stage.host.wanted).toEqual([B])
  })

  it('does not wait for a lookup of the old strategy, and answers who waits for it with the new one', async () => {
    const old = new Script(A)
    old.gate = new Promise(() => {})
    const stage = new Stage({ strategy: old.strategy })
    await settle()
    const refresh = stage.topology.refresh()
    await settle()
    stage.topology.update({ strategy: new Script(B).strategy })
    expect((await refresh).found).toEqual([B])
    expect(old.signals.every(({ aborted }) => aborted)).toBe(true)
    expect(stage.count('discovery-failed')).toBe(0)
  })

  it('takes another interval, filter and prune policy', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    stage.topology.update({ interval: 100, filter: (name) => name === A, prune: { after: 0 } })
    await settle()
    expect(stage.host.connected).toEqual([A])
    await stage.pass(100)
    expect(script.asked).toBe(3)
  })

  it.each([
    ['fails', new Error('SERVFAIL')],
    ['is not whole', { nodes: [C], errors: [new Error('half')] }],
  ])('goes by another filter, mapName and hidden also where the next lookup %s', async (_, answer) => {
    const script = new Script()
    script.answers = [A, B, { name: C, hidden: true }]
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    script.answers = answer
    stage.topology.update({ filter: (name) => name !== A, hidden: true })
    await settle()
    expect(stage.topology.nodes()).toEqual([B, C])
    expect(stage.host.wanted).toEqual([B, C])
    stage.topology.update({ filter: undefined, mapName: (name) => name.replace('127.0.0.1', 'host') })
    await settle()
    expect(stage.topology.nodes()).toEqual(['a@host', 'b@host', 'c@host'])
    expect(stage.count('lost')).toBe(3)
    // That a name is not meant is no good answer without it.
    expect(stage.host.connected).toContain(A)
  })

  it('keeps what it had when another filter can read none of it, and says so', async () => {
    const stage = new Stage({ strategy: new Script(A, B).strategy })
    await settle()
    const broken = (): boolean => {
      throw new Error('a bug')
    }
    stage.topology.update({ filter: broken })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain('none of 2 names can be used: "a@127.0.0.1": a bug')
    expect(stage.topology.nodes()).toEqual([A, B])
  })

  it('gives functions of one’s own another timeout', async () => {
    const hang = (): Promise<never> => new Promise(() => {})
    const stage = new Stage({ strategy: new Script(A).strategy, connect: hang, list: () => [], timeout: 4000 })
    await settle()
    await stage.pass(4000)
    await settle()
    expect(stage.last('refreshed').result.failed).toMatchObject([{ error: { message: 'no answer within 4000 ms' } }])
    stage.topology.update({ timeout: 100 })
    await settle()
    await stage.pass(100)
    expect(stage.last('refreshed').result.failed).toMatchObject([{ error: { message: 'no answer within 100 ms' } }])
    await stage.topology.close()
  })

  it('says whom it means of those that others find, by its filter of now, and nothing once its links are not the node’s', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    const { judges } = stage.host
    const means = (name: string): boolean | undefined => judges.get('topology:app')?.(name)
    expect(means(B)).toBe(true)
    stage.topology.update({ filter: (name) => name === A })
    expect([means(A), means(B)]).toEqual([true, false])
    for (const wrong of [() => Promise.resolve(true), () => JSON.parse('')]) {
      stage.topology.update({ filter: wrong as never })
      expect(means(A)).toBe(false)
    }
    stage.topology.update({ filter: undefined, connect: () => {}, list: () => [] })
    expect(judges.size).toBe(0)
    stage.topology.update({ connect: undefined, list: undefined })
    expect(means(B)).toBe(true)
    await stage.topology.close()
    expect(judges.size).toBe(0)
  })

  it('hands its nodes over to functions of one’s own', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    await settle()
    const members = new Set<string>()
    stage.topology.update({ connect: ({ name }) => members.add(name), list: () => members })
    await settle()
    expect([...members]).toEqual([A])
    expect(stage.host.wanted).toEqual([])
    expect(stage.host.observers).toBe(0)
  })

  it('stays as it is when an option is wrong', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    expect(() => stage.topology.update({ interval: 0 })).toThrow(OptionError)
    expect(() => stage.topology.update({ intervall: 5 } as never)).toThrow('did you mean interval?')
    for (const nonsense of [null, undefined, [], 5]) {
      expect(() => stage.topology.update(nonsense as never)).toThrow(OptionError)
    }
    await stage.pass(5000)
    expect(script.asked).toBe(2)
  })

  it('does not look while it is paused', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    stage.topology.pause()
    stage.topology.update({ interval: 10 })
    await stage.pass(100)
    expect(script.asked).toBe(1)
  })
})

describe('the options of a topology', () => {
  const { strategy } = new Script(A)
  const wrong: [string, unknown][] = [
    ['topologies.app', null],
    ['topologies.app', []],
    ['topologies.app.strategy', {}],
    ['topologies.app.strategy', { strategy: { name: 'x' } }],
    ['topologies.app.strategy', { strategy: { name: 'x', discover() {}, watch() {} } }],
    ['topologies.app.strategy.name', { strategy: { discover() {} } }],
    ['topologies.app.strategy.discover', { strategy: { name: 'x', discover: 5 } }],
    ['topologies.app.interval', { strategy, interval: '5s' }],
    ['topologies.app.interval', { strategy, interval: 0 }],
    ['topologies.app.timeout', { strategy, timeout: Number.NaN }],
    ['topologies.app.filter', { strategy, filter: /x/ }],
    ['topologies.app.mapName', { strategy, mapName: 1 }],
    ['topologies.app.hidden', { strategy, hidden: 1 }],
    ['topologies.app.prune', { strategy, prune: 'always' }],
    ['topologies.app.prune.after', { strategy, prune: { after: -1 } }],
    ['topologies.app.prune.afterr', { strategy, prune: { afterr: 1 } }],
    ['topologies.app.list', { strategy, connect() {} }],
    ['topologies.app.connect', { strategy, list() {} }],
    ['topologies.app.disconnect', { strategy, disconnect() {} }],
    ['topologies.app.disconnect', { strategy, connect() {}, list() {}, prune: { after: 1 } }],
    ['topologies.app.poll_interval', { strategy, poll_interval: 1 }],
  ]
  it.each(wrong)('are refused by name: %s', (option, options) => {
    const resolve = (): unknown => resolveTopologyOptions(options as TopologyOptions, 'topologies.app.')
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
  })

  it('say so where the object around a strategy is missing', () => {
    expect(() => resolveTopologyOptions(strategy as never, 'topologies.app.')).toThrow(
      'topologies.app: expected an object of topology options such as { strategy: localEpmd() }, got a strategy without',
    )
  })

  it('take a function for a strategy, under its name', () => {
    async function registry(): Promise<string[]> {
      return []
    }
    expect(resolveTopologyOptions({ strategy: registry }).strategy.name).toBe('registry')
    expect(resolveTopologyOptions({ strategy: () => [] }).strategy.name).toBe('strategy')
    expect(resolveTopologyOptions({ strategy: (() => () => [])() }).strategy.name).toBe('custom')
  })
})
