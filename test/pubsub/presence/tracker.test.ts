import { describe, expect, it } from 'vitest'
import {
  gracefulPermdown,
  heartbeat,
  readMessage,
  transferAll,
  transferRequest,
} from '../../../src/pubsub/presence/messages.ts'
import { EXACT } from '../../../src/pubsub/presence/present.ts'
import { PresenceState } from '../../../src/pubsub/presence/state.ts'
import { atom, decode, encode, Reference, type Term, tuple } from '../../../src/term/index.ts'
import { newPid, ref, someone } from './cast.ts'
import { FakeTrackers } from './fake-trackers.ts'

const decoded = (message: Term): Term => decode(encode(message), EXACT)

/** What was sent since the last time, as `from to kind`. */
function traffic(net: FakeTrackers): string[] {
  return net.sent.splice(0).map(({ from, to, message }) => {
    const read = readMessage(decoded(message), 10_000)
    const what = read?.kind === 'heartbeat' && read.delta !== undefined ? 'delta' : read?.kind
    return `${from} ${to} ${what}`
  })
}

describe('a tracker', () => {
  it('beats when something happened, and now and then when nothing did', () => {
    const net = new FakeTrackers(['a', 'b'])
    net.clock.advance(400)
    expect(traffic(net).sort()).toEqual(['a b heartbeat', 'b a heartbeat'])
    net.clock.advance(15_000)
    expect(traffic(net)).toEqual([])
    net.clock.advance(1500)
    expect(traffic(net).sort()).toEqual(['a b heartbeat', 'b a heartbeat'])
    net.join(0)
    net.clock.advance(1500)
    expect(traffic(net)).toEqual(['a b delta'])
    expect(net.list(1)).toEqual(net.expected())
  })

  it('asks the one who has seen most for what it missed, and gets no more than that', () => {
    const net = new FakeTrackers(['a', 'b', 'c'])
    net.clock.advance(1000)
    net.cut(0, 1)
    net.cut(0, 2)
    net.join(1)
    net.join(1)
    net.join(2)
    net.clock.advance(4000)
    expect(net.list(1)).toEqual(net.expected())
    net.heal()
    traffic(net)
    net.join(1)
    net.clock.advance(4500)
    expect(net.list(0)).toEqual(net.expected())
    const asked = traffic(net).filter((line) => !line.includes('heartbeat') && line.includes('transfer'))
    expect(asked).toEqual(['a b transfer-request', 'b a transfer'])
  })

  it('sends everything to who has missed more than it keeps', () => {
    const net = new FakeTrackers(['a', 'b'], { options: { maxDeltaSizes: [2] } })
    net.clock.advance(1000)
    net.cut(0, 1)
    for (let i = 0; i < 4; i++) {
      net.join(1)
      net.clock.advance(1500)
    }
    net.heal()
    traffic(net)
    net.join(1)
    net.clock.advance(4500)
    expect(net.list(0)).toEqual(net.expected())
    expect(traffic(net)).toContain('b a transfer-all')
  })

  it('asks a node that joins at once, and again when it knows who that is', () => {
    const net = new FakeTrackers(['a'])
    net.clock.advance(1000)
    net.join(0)
    const late = new FakeTrackers(['a', 'b'])
    expect(late.list(1)).toEqual([])
    late.join(0)
    late.at(1).tracker.nodeUp('a')
    late.clock.advance(10)
    expect(late.list(1)).toEqual(late.expected())
    expect(late.at(1).events).toEqual(['up a', 'synced a'])
    expect(late.at(1).tracker.isSynced('a')).toBe(true)
  })

  it('hides who is silent for long, forgets who is for longer, and takes a restarted one for another', () => {
    const net = new FakeTrackers(['a', 'b'])
    net.join(1)
    net.clock.advance(3000)
    expect(net.list(0)).toEqual(net.expected())
    net.cut(0, 1)
    net.clock.advance(32_000)
    expect(net.at(0).events).toEqual(['up b', 'synced b', 'down b'])
    expect(net.list(0)).toEqual([])
    net.heal()
    net.clock.advance(16_500)
    expect(net.list(0)).toEqual(net.expected())
    net.cut(0, 1)
    net.clock.advance(1_210_000)
    expect(net.at(0).events.slice(3)).toEqual(['up b', 'down b', 'permdown b'])
    expect(net.at(0).tracker.state.size).toBe(0)
    net.heal()
    net.clock.advance(20_000)
    expect(net.list(0)).toEqual(net.expected())
    net.restart(1)
    net.join(1)
    net.clock.advance(2000)
    expect(net.at(0).events.slice(6)).toEqual(['up b', 'synced b', 'permdown b', 'up b', 'synced b'])
    expect(net.list(0)).toEqual(net.expected())
  })

  it('does not take others for gone because it stood still itself', () => {
    const net = new FakeTrackers(['a', 'b', 'c'])
    net.join(1)
    net.join(2)
    net.clock.advance(3000)
    net.cut(0, 2)
    net.standStill(0, 3_600_000)
    net.clock.advance(25_000)
    expect(net.at(0).events.filter((event) => /down/.test(event))).toEqual([])
    expect(net.list(0)).toEqual(net.expected())
    net.clock.advance(15_000)
    expect(net.at(0).events.filter((event) => /down/.test(event))).toEqual(['down c'])
  })

  it('does not ask again and again for what others know of replicas that are gone', () => {
    const net = new FakeTrackers(['a', 'b', 'c'])
    net.join(0)
    net.join(1)
    net.join(2)
    net.clock.advance(5000)
    // b is gone, of which a hears nothing.
    net.at(1).tracker.close(false)
    net.at(1).own = []
    net.at(2).tracker.receive(decoded(gracefulPermdown(ref('b'))), 'b')
    traffic(net)
    net.clock.advance(20_000)
    expect(traffic(net).filter((line) => line.includes('transfer'))).toEqual([])
    expect(net.list(2)).toEqual(net.expected())
  })

  it('says farewell when it is told to, and then nothing more', () => {
    const net = new FakeTrackers(['a', 'b'])
    net.join(0)
    net.clock.advance(3000)
    net.at(0).tracker.close(true)
    net.at(0).tracker.close(true)
    net.clock.advance(10)
    expect(net.list(1)).toEqual([])
    expect(net.at(1).events.at(-1)).toBe('permdown a')
    traffic(net)
    net.clock.advance(60_000)
    expect(traffic(net).filter((line) => line.startsWith('a'))).toEqual([])
  })

  it('writes sets as the one it answers does, and as the oldest of all when it tells all', () => {
    const net = new FakeTrackers(['a', 'b', 'c'])
    net.clock.advance(1000)
    const other = new PresenceState(ref('b'))
    other.join(someone('k'))
    const shapes = () =>
      net.sent
        .splice(0)
        .filter(({ from }) => from === 'a')
        .flatMap(({ message }) => readMessage(decoded(message), 10_000)?.shape ?? [])
    net.join(0)
    net.clock.advance(1500)
    expect(new Set(shapes())).toEqual(new Set(['plain']))
    net.at(0).tracker.receive(decoded(heartbeat(ref('b'), other.takeDelta(), other.context, 'versioned')), 'b')
    net.join(0)
    net.clock.advance(1500)
    expect(new Set(shapes())).toEqual(new Set(['versioned']))
  })

  describe('refuses', () => {
    it('what is no message, or speaks for somebody else', () => {
      const net = new FakeTrackers(['a', 'b'])
      const { tracker } = net.at(0)
      tracker.receive(atom('x'), 'b')
      tracker.receive(decoded(gracefulPermdown(ref('c'))), 'b')
      tracker.receive(decoded(gracefulPermdown(ref('b'))), undefined)
      expect(net.errors).toEqual(['malformed b', 'malformed b', 'malformed '])
    })

    it('more entries than it may keep, and goes on', () => {
      const net = new FakeTrackers(['a'], { options: { maxEntries: 10 } })
      const { tracker } = net.at(0)
      const many = new PresenceState(ref('b'))
      for (let i = 0; i < 9; i++) many.join(someone(i))
      const few = new PresenceState(ref('c'))
      for (let i = 0; i < 5; i++) few.join(someone(i))
      tracker.receive(decoded(heartbeat(ref('b'), many.takeDelta(), many.context, 'plain')), 'b')
      tracker.receive(decoded(heartbeat(ref('c'), few.takeDelta(), few.context, 'plain')), 'c')
      expect(net.errors).toEqual(['limit c'])
      expect(tracker.state.size).toBe(9)
    })

    it('tags without end that leave gaps', () => {
      const net = new FakeTrackers(['a'], { options: { maxEntries: 100 } })
      const { tracker } = net.at(0)
      for (let n = 0; n < 10; n++) {
        const clouds = new Map([[ref('b'), new Set(Array.from({ length: 90 }, (_, i) => 2 + 2 * (n * 90 + i)))]])
        const delta = { context: new Map(), clouds, values: new Map(), start: new Map(), end: new Map() }
        tracker.receive(decoded(heartbeat(ref('b'), delta, new Map([[ref('b'), 5000]]), 'plain')), 'b')
      }
      expect(net.errors).toEqual(Array.from({ length: 8 }, () => 'limit b'))
    })

    it('transfers asked for without end', () => {
      const net = new FakeTrackers(['a', 'b'])
      net.clock.advance(1000)
      net.join(0)
      const pid = newPid()
      const request = decoded(transferRequest(new Reference(pid.nodeAtom, [1], 1), ref('b'), new Map([[ref('a'), 0]])))
      traffic(net)
      for (let i = 0; i < 100; i++) net.at(0).tracker.receive(request, 'b')
      expect(traffic(net)).toHaveLength(16)
      expect(net.errors).toHaveLength(84)
      net.clock.advance(1500)
      traffic(net)
      net.at(0).tracker.receive(request, 'b')
      expect(traffic(net)).toHaveLength(1)
    })

    it('nothing that a tracker passes on, though its topic is no text', () => {
      const net = new FakeTrackers(['a', 'b'])
      net.clock.advance(1000)
      const strange = new PresenceState(ref('b', 9))
      strange.join(someone('k', tuple(1, 2)))
      net.at(0).tracker.receive(decoded(transferAll(1, ref('b', 9), strange.extract(strange.context), 'plain')), 'b')
      net.at(0).tracker.receive(decoded(heartbeat(ref('b', 9), strange.takeDelta(), strange.context, 'plain')), 'b')
      expect(net.errors).toEqual([])
      expect(net.at(0).tracker.state.size).toBe(1)
      expect([...net.at(0).tracker.state.topics()]).toEqual([])
    })
  })
})
