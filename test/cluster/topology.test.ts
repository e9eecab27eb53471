import { describe, expect, it, vi } from 'vitest'
import { DiscoveryError } from '../../src/cluster/discovery-error.ts'
import { FakeHost, Script, Stage, settle } from './stage.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'

describe('a topology', () => {
  it('looks at once, connects who was found, and says so', async () => {
    const stage = new Stage({ strategy: new Script(A, B).strategy })
    await settle()
    expect(stage.host.wanted).toEqual([A, B])
    expect(stage.types()).toEqual(['found', 'found', 'refreshed'])
    expect(stage.last('refreshed').result).toEqual({
      found: [A, B],
      connected: [A, B],
      connecting: [],
      failed: [],
      pruned: [],
      rejected: [],
      errors: [],
    })
    expect(stage.topology.lastResult?.found).toEqual([A, B])
  })

  it('looks again each interval, from the end of one lookup on', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy, interval: 1000 })
    await settle()
    await stage.pass(999)
    expect(script.asked).toBe(1)
    await stage.pass(1)
    expect(script.asked).toBe(2)
    let answer = (): void => {}
    script.gate = new Promise((resolve) => {
      answer = resolve
    })
    await stage.pass(1000)
    expect(script.asked).toBe(3)
    await stage.pass(4000)
    expect(script.asked).toBe(3)
    answer()
    await settle()
    await stage.pass(999)
    expect(script.asked).toBe(3)
    await stage.pass(1)
    expect(script.asked).toBe(4)
  })

  it('looks once with an interval of Infinity, and again when asked', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy, interval: Number.POSITIVE_INFINITY })
    await settle()
    expect(stage.host.clock.pending).toBe(0)
    await stage.topology.refresh()
    expect(script.asked).toBe(2)
  })

  it('makes up for no lookups that a long sleep of the machine left out', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    await stage.pass(24 * 3600_000)
    expect(script.asked).toBe(2)
    await stage.pass(5000)
    expect(script.asked).toBe(3)
  })

  it('goes by a clock that never jumps, whatever the wall clock does', async () => {
    const script = new Script(A)
    const wall = vi.spyOn(Date, 'now').mockReturnValue(0)
    try {
      const stage = new Stage({ strategy: script.strategy, prune: { after: 1000 } })
      await settle()
      script.answers = []
      await stage.pass(5000)
      wall.mockReturnValue(1e15)
      await settle()
      expect(script.asked).toBe(2)
      expect(stage.host.connected).toEqual([A])
      await stage.pass(5000)
      expect(stage.host.connected).toEqual([])
    } finally {
      wall.mockRestore()
    }
  })

  it('waits for the dials it began before it tells what came of them', async () => {
    const stage = new Stage({ strategy: new Script(A, B).strategy })
    stage.host.easy = false
    await settle()
    expect(stage.types()).toEqual(['found', 'found'])
    stage.host.up(A)
    await settle()
    expect(stage.count('refreshed')).toBe(0)
    stage.host.fail(B)
    await settle()
    const { connected, failed } = stage.last('refreshed').result
    expect(connected).toEqual([A])
    expect(failed).toEqual([
      { node: B, action: 'connect', error: expect.objectContaining({ code: 'ERR_CONNECT_REFUSED' }) },
    ])
  })

  it('tells who is still being dialled when the next lookup is due', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    stage.host.easy = false
    await settle()
    await stage.pass(5000)
    expect(stage.count('refreshed')).toBe(2)
    expect(stage.events.find(({ type }) => type === 'refreshed')).toMatchObject({ result: { connecting: [A] } })
    expect(script.asked).toBe(2)
  })

  it('leaves redialling to the node, but hurries it when a node is shown anew', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    stage.host.easy = false
    await settle()
    stage.host.fail(A)
    await stage.pass(5000)
    expect(stage.host.dialsOf(A)).toBe(1)
    script.answers = []
    await stage.pass(5000)
    script.answers = [A]
    await stage.pass(5000)
    expect(stage.host.dialsOf(A)).toBe(2)
  })

  it('passes ports on, and hurries when one has changed, or is not known any more', async () => {
    const script = new Script()
    script.answers = [{ name: A, port: 9001 }]
    const stage = new Stage({ strategy: script.strategy })
    stage.host.easy = false
    await settle()
    expect(stage.host.peers.get(A)?.port).toBe(9001)
    stage.host.fail(A)
    script.answers = [{ name: A, port: 9002 }]
    await stage.pass(5000)
    expect(stage.host.peers.get(A)?.port).toBe(9002)
    expect(stage.host.dialsOf(A)).toBe(2)
    stage.host.fail(A)
    script.answers = [A]
    await stage.pass(5000)
    expect(stage.host.peers.get(A)?.port).toBeUndefined()
    expect(stage.host.dialsOf(A)).toBe(3)
  })

  it('withdraws its interest in a node that is not found any more, and leaves the link', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    script.answers = [B]
    await stage.pass(5000)
    expect(stage.host.wanted).toEqual([B])
    expect(stage.host.connected).toEqual([A, B])
    expect(stage.last('lost')).toEqual({ type: 'lost', node: A })
  })

  it('joins refreshes that are asked for at the same time, and looks after the last of them was asked for', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    let answer = (): void => {}
    script.gate = new Promise((resolve) => {
      answer = resolve
    })
    const first = stage.topology.refresh()
    await settle()
    script.answers = [A, B]
    const second = stage.topology.refresh()
    const third = stage.topology.runOnce()
    answer()
    expect((await first).found).toEqual([A, B])
    expect(await second).toBe(await third)
    expect(script.asked).toBe(3)
  })

  it('dials who is missing at once when it is asked to refresh', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    stage.host.easy = false
    await settle()
    stage.host.fail(A)
    await settle()
    const refresh = stage.topology.refresh()
    await settle()
    expect(stage.host.dialsOf(A)).toBe(2)
    stage.host.up(A)
    expect((await refresh).connected).toEqual([A])
  })

  it('does nothing while it is paused, unless it is asked to run once', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    stage.topology.pause()
    stage.topology.pause()
    expect(stage.host.clock.pending).toBe(0)
    await stage.pass(60_000)
    expect(script.asked).toBe(1)
    expect(stage.host.wanted).toEqual([A])
    script.answers = [A, B]
    expect((await stage.topology.runOnce()).found).toEqual([A, B])
    expect(stage.topology.state).toBe('paused')
    await stage.pass(60_000)
    expect(script.asked).toBe(2)
    stage.topology.resume()
    await settle()
    expect(script.asked).toBe(3)
    await stage.pass(5000)
    expect(script.asked).toBe(4)
    expect(stage.types().filter((type) => type === 'paused' || type === 'resumed')).toEqual(['paused', 'resumed'])
  })

  it('resumes when it is asked to refresh', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    await settle()
    stage.topology.pause()
    await stage.topology.refresh()
    expect(stage.topology.state).toBe('running')
    expect(stage.host.clock.pending).toBe(1)
  })

  it('ends the lookup under way, and what waits for it, when it is paused or closed', async () => {
    const script = new Script(A)
    script.gate = new Promise(() => {})
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    const refresh = stage.topology.refresh()
    stage.topology.pause()
    await expect(refresh).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(script.signals[0]?.aborted).toBe(true)
    expect(stage.count('discovery-failed')).toBe(0)
    const once = stage.topology.runOnce()
    await settle()
    await stage.topology.close()
    await expect(once).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(stage.topology.refresh()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(stage.host.clock.pending).toBe(0)
  })

  it('withdraws from all its nodes when it is closed, cuts nothing, and leaves nothing behind', async () => {
    const stage = new Stage({ strategy: new Script(A, B).strategy })
    await settle()
    await stage.topology.close()
    await stage.topology.close()
    await settle()
    expect(stage.host.wanted).toEqual([])
    expect(stage.host.connected).toEqual([A, B])
    expect(stage.host.clock.pending).toBe(0)
    expect(stage.host.observers).toBe(0)
    expect(stage.closed).toBe(true)
    expect(stage.count('stopped')).toBe(1)
  })

  it('gives a wait up when its signal aborts or its time is over, and goes on', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy })
    stage.host.easy = false
    await settle()
    await expect(stage.topology.refresh({ signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow('no more')
    const refresh = stage.topology.refresh({ timeout: 100 })
    const outcome = expect(refresh).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await settle()
    await stage.pass(100)
    await outcome
    stage.host.up(A)
    await settle()
    expect(stage.last('refreshed').result.connected).toEqual([A])
  })
})

describe('the nodes that are meant', () => {
  it('are not the node itself, and each of them once', async () => {
    const stage = new Stage({ strategy: new Script(A, 'self@127.0.0.1', A, B, A).strategy })
    await settle()
    expect(stage.last('refreshed').result.found).toEqual([A, B])
    expect(stage.host.peers.has('self@127.0.0.1')).toBe(false)
  })

  it('are those that the filter lets pass, under the names that mapName makes', async () => {
    const stage = new Stage({
      strategy: new Script('a@ip-10', 'b@ip-10', 'self@ip-127.0.0.1').strategy,
      mapName: (name) => name.replace('@ip-', '@'),
      filter: (name) => name !== 'b@10',
    })
    await settle()
    expect(stage.topology.nodes()).toEqual(['a@10'])
  })

  it('are hidden ones only on request', async () => {
    const script = new Script()
    script.answers = [A, { name: B, hidden: true }]
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    expect(stage.topology.nodes()).toEqual([A])
    stage.topology.update({ hidden: true })
    await settle()
    expect(stage.topology.nodes()).toEqual([A, B])
  })
})

describe('pruning', () => {
  it('cuts who has been absent from good answers for long enough', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 8000 } })
    await settle()
    script.answers = [B]
    await stage.pass(5000)
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([A, B])
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([B])
    expect(stage.last('refreshed').result.pruned).toEqual([A])
  })

  it('cuts at once with after: 0', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    script.answers = [B]
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([B])
  })

  it('never follows from an answer that failed or is not whole', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    for (const answer of [
      new Error('NXDOMAIN'),
      { nodes: [B], errors: [new Error('half')] },
      ['nonsense'],
      undefined,
    ]) {
      script.answers = answer
      await stage.pass(5000)
      expect(stage.host.connected).toEqual([A, B])
      expect(stage.host.wanted).toEqual([A, B])
    }
    expect(stage.count('lost')).toBe(0)
  })

  it('never follows from an answer that says itself that it is not whole, and at fault is nobody then', async () => {
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    script.answers = { nodes: [B, C], errors: [], whole: false }
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([A, B, C])
    expect(stage.last('refreshed').result.errors).toEqual([])
    expect(stage.host.logger.messages('warn')).toEqual([])
    script.answers = { nodes: [A, B, C], errors: [new Error('filled in')], whole: true }
    await stage.pass(5000)
    expect(stage.last('refreshed').result.errors).toHaveLength(1)
    expect(stage.host.connected).toEqual([A, B, C])
    script.answers = { nodes: [B, C], errors: [new Error('filled in')], whole: true }
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([B, C])
  })

  it('happens once: a node that dials this one then has a link, since it wants one', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    script.answers = []
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([])
    stage.host.up(A)
    for (let i = 0; i < 3; i++) await stage.pass(5000)
    expect(stage.host.connected).toEqual([A])
    script.answers = [A]
    await stage.pass(5000)
    script.answers = []
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([])
  })

  it('spares whom somebody else wants, until nobody does', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    stage.host.want(A, 'connectTo')
    script.answers = []
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([A])
    stage.host.unwant(A, 'connectTo')
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([])
  })

  it('spares whom this topology never found', async () => {
    const stage = new Stage({ strategy: new Script().strategy, prune: { after: 0 } })
    stage.host.up(A)
    await stage.pass(5000)
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([A])
  })

  it('begins anew for a node that was found again', async () => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 8000 } })
    await settle()
    for (const answer of [[], [A], [], []]) {
      script.answers = answer
      await stage.pass(5000)
    }
    expect(stage.host.connected).toEqual([A])
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([])
  })
})

describe('a strategy at fault', () => {
  const faults: [string, unknown, string][] = [
    ['answers nothing', undefined, 'expected a list of node names, got undefined'],
    ['answers a text', A, 'expected a list of node names, got "a@127.0.0.1"'],
    ['answers a number', 7, 'expected a list of node names, got 7'],
    ['answers an object', {}, 'expected a list of node names, got an instance of Object'],
    ['is not yet made', new Script(A).strategy, 'got a strategy: is it localEpmd where localEpmd() is meant?'],
    [
      'answers names that are none',
      ['x', 7, null, {}, { name: 1 }, [], Symbol('s'), { name: 'x@h', port: 0 }],
      'none of 8 names',
    ],
  ]
  it.each(faults)('that %s changes nothing, and the event says what happened', async (_, answer, text) => {
    const script = new Script(A)
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    script.answers = answer
    await stage.pass(5000)
    const { error } = stage.last('discovery-failed')
    expect(error).toBeInstanceOf(DiscoveryError)
    expect(error).toMatchObject({ code: 'ERR_DISCOVERY', topology: 'app', strategy: 'script' })
    expect(error.message).toContain(text)
    expect(stage.topology.nodes()).toEqual([A])
    expect(stage.topology.lastError).toBe(error)
    script.answers = [A, B]
    await stage.pass(5000)
    expect(stage.topology.nodes()).toEqual([A, B])
    expect(stage.topology.lastError).toBeUndefined()
  })

  it('that throws or rejects is asked again at its time; its error is the cause', async () => {
    const cause = new Error('no route')
    let asked = 0
    const stage = new Stage({
      strategy: () => {
        asked++
        throw cause
      },
    })
    await settle()
    expect(stage.last('discovery-failed').error.cause).toBe(cause)
    await stage.pass(5000)
    expect(asked).toBe(2)
    await expect(stage.topology.refresh()).rejects.toMatchObject({ code: 'ERR_DISCOVERY', cause })
    for (const thrown of ['a text', null, { toString: () => 1 }, Symbol('s')]) {
      const other = new Stage({ strategy: () => Promise.reject(thrown) })
      await settle()
      expect(other.last('discovery-failed').error.cause ?? null).toBe(thrown)
    }
  })

  it('is a warning once, as long as it is the same fault', async () => {
    const script = new Script(A)
    script.answers = new Error('down')
    const stage = new Stage({ strategy: script.strategy })
    await settle()
    for (let i = 0; i < 5; i++) await stage.pass(5000)
    expect(stage.host.logger.messages('warn')).toEqual(['topology app: down'])
    script.answers = [A]
    await stage.pass(5000)
    expect(stage.host.logger.messages('info')).toContain('topology app: discovery works again')
    script.answers = new Error('down')
    await stage.pass(5000)
    expect(stage.host.logger.messages('warn')).toHaveLength(2)
  })

  it('that hangs is late after the timeout, told so, and asked anew after the interval', async () => {
    const script = new Script(A)
    script.gate = new Promise(() => {})
    const stage = new Stage({ strategy: script.strategy, timeout: 2000, interval: 3000 })
    await settle()
    await stage.pass(2000)
    expect(stage.last('discovery-failed').error.cause).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(script.signals[0]?.aborted).toBe(true)
    script.gate = undefined
    await stage.pass(3000)
    expect(stage.topology.nodes()).toEqual([A])
  })

  it('that answers after its time is not listened to, nor is its late rejection unhandled', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    try {
      let answer = (_names: string[]): void => {}
      let refuse = (_error: Error): void => {}
      const late = [
        new Promise<string[]>((resolve) => {
          answer = resolve
        }),
        new Promise<string[]>((_, reject) => {
          refuse = reject
        }),
      ]
      const stage = new Stage({ strategy: () => late.shift() ?? [A], timeout: 1000, interval: 1000 })
      await settle()
      await stage.pass(1000)
      await stage.pass(1000)
      await stage.pass(1000)
      answer([B])
      refuse(new Error('late'))
      await settle()
      await stage.pass(1000)
      expect(stage.topology.nodes()).toEqual([A])
      expect(stage.count('discovery-failed')).toBe(2)
      expect(unhandled).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })

  it('that names some nonsense beside nodes loses the nonsense only', async () => {
    const stage = new Stage({ strategy: new Script(A, 'no name', 'x@', '@y', 'a b@c', B).strategy })
    await settle()
    const { found, rejected } = stage.last('refreshed').result
    expect(found).toEqual([A, B])
    expect(rejected.map(({ value }) => value)).toEqual(['"no name"', '"x@"', '"@y"', '"a b@c"'])
    await stage.pass(5000)
    expect(stage.host.logger.messages('warn')).toHaveLength(4)
  })

  it('that iterates into an error has failed', async () => {
    const stage = new Stage({
      strategy: function* () {
        yield A
        throw new Error('half way')
      } as never,
    })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain('half way')
    expect(stage.host.wanted).toEqual([])
  })

  it('that answers 10,000 names is taken at its word', async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `n${i}@127.0.0.1`)
    const stage = new Stage({ strategy: new Script(...names).strategy })
    await settle()
    expect(stage.last('refreshed').result.connected).toHaveLength(10_000)
    expect(stage.last('refreshed').result.errors).toEqual([])
  })

  it('that answers without end is cut off at the limit, and nobody is lost by that', async () => {
    const script = new Script(A)
    const host = new FakeHost()
    host.maxNames = 100
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } }, host)
    await settle()
    script.answers = (function* () {
      for (let i = 0; ; i++) yield `n${i}@127.0.0.1`
    })()
    await stage.pass(5000)
    expect(stage.topology.nodes()).toHaveLength(100)
    expect(stage.last('refreshed').result.errors).toEqual([expect.objectContaining({ code: 'ERR_LIMIT' })])
    expect(stage.host.connected).toContain(A)
  })

  it('that changes its mind each time is followed each time, and no faster', async () => {
    const script = new Script()
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 } })
    await settle()
    for (let i = 0; i < 20; i++) {
      script.answers = i % 2 === 0 ? [A, B] : [C]
      await stage.pass(5000)
      expect(stage.host.connected.sort()).toEqual(i % 2 === 0 ? [A, B] : [C])
    }
    expect(script.asked).toBe(21)
    expect(stage.host.dialsOf(A)).toBe(10)
  })

  it.each(['filter', 'mapName'] as const)('is not needed: a %s that throws costs only the node', async (option) => {
    const fussy = (name: string): never => {
      if (name === A) throw new Error('not this one')
      return (option === 'filter' ? true : name) as never
    }
    const stage = new Stage({ strategy: new Script(A, B).strategy, [option]: fussy })
    await settle()
    expect(stage.last('refreshed').result.found).toEqual([B])
    expect(stage.last('refreshed').result.rejected).toEqual([{ value: `"${A}"`, reason: 'not this one' }])
  })

  it('is not needed: a filter that answers a promise keeps its node out, and says so', async () => {
    const stage = new Stage({ strategy: new Script(A).strategy, filter: (async () => true) as never })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain('filter answered an instance of Promise')
  })
})
