import { beforeEach, describe, expect, it } from 'vitest'
import { ConnectError } from '../../src/dist/connect-error.ts'
import type { Link, LinkDownReason } from '../../src/dist/link.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { Connector } from '../../src/node/connector.ts'
import type { ConnectorHost } from '../../src/node/connector-host.ts'
import type { Dialled } from '../../src/node/dial.ts'
import { DialGate, MAX_IN_FLIGHT, MAX_LEARNED, type Turn } from '../../src/node/dial-gate.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { makeEnd, settle } from '../dist/joined-links.ts'

const SELF = 'self@127.0.0.1'
const PEER = 'peer@127.0.0.1'

interface Attempt {
  readonly signal: AbortSignal
  succeed(ours?: boolean): void
  fail(error: unknown): void
}

/** A connector whose dials the test answers by hand. */
class Bench {
  readonly clock = new FakeClock()
  readonly gate = new DialGate(this.clock)
  /** Why the peer may not be dialled. */
  refusal: ConnectError | undefined
  readonly attempts: Attempt[] = []
  readonly events: string[] = []
  readonly sent: string[] = []
  connector: Connector

  constructor(dialQueue = 3) {
    const host: ConnectorHost = {
      clock: this.clock,
      gate: this.gate,
      dialQueue,
      patience: 14_000,
      refusal: () => this.refusal,
      dial: (_connector, signal) => this.#dial(signal),
      createLink: (dialled, connector) => this.#link(dialled, connector),
      onUp: (_connector, link) => {
        this.events.push('up')
        link.open()
      },
      onDown: (_connector, _link, reason) => this.events.push(`down ${reason}`),
      onFailed: (_connector, error, dropped) => this.events.push(`failed ${error.code} ${dropped}`),
      onUnsent: (_connector, error) => this.events.push(`unsent ${(error as Error).message}`),
      onIdle: () => this.events.push('idle'),
    }
    this.connector = new Connector(PEER, host)
  }

  /** Takes places at the gate. What it returns gives one back. */
  crowd(count: number, learned = false): () => void {
    const other: Turn = { begin() {} }
    for (let i = 0; i < count; i++) this.gate.enter(other, learned)
    return () => this.gate.done(learned)
  }

  get last(): Attempt {
    return this.attempts.at(-1) as Attempt
  }

  #dial(signal: AbortSignal): Promise<Dialled> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      this.attempts.push({ signal, succeed: (ours = false) => resolve(this.dialled(ours)), fail: reject })
    })
  }

  dialled(ours = false): Dialled {
    const { a, b } = memoryCarriers()
    b.open({ data() {}, drain() {}, closed() {} })
    const established = { carrier: a, peerName: PEER } as Dialled['established']
    return { established, ours }
  }

  #link({ established: { carrier } }: Dialled, connector: Connector): Link {
    const onDown = (reason: LinkDownReason, error: Error | undefined) => connector.linkDown(link, reason, error)
    const { link } = makeEnd(carrier, SELF, PEER, this.clock, { more: { onDown } })
    return link
  }

  /** A signal to hold that notes when it was sent. */
  signal(text: string): () => void {
    return () => void this.sent.push(text)
  }

  async fail(code: 'ERR_CONNECT_REFUSED' | 'ERR_CONNECT_COOKIE' | 'ERR_CONNECT_SIMULTANEOUS'): Promise<void> {
    this.last.fail(new ConnectError(code, PEER, code, { permanent: code === 'ERR_CONNECT_COOKIE' }))
    await settle(1)
  }
}

let bench: Bench
let connector: Connector
beforeEach(() => {
  bench = new Bench()
  connector = bench.connector
})

describe('a connector', () => {
  it('dials when somebody wants the peer, and again after each failure, further and further apart', async () => {
    connector.want('connectTo')
    const delays: number[] = []
    for (let i = 1; i <= 60; i++) {
      expect(bench.attempts).toHaveLength(i)
      await bench.fail('ERR_CONNECT_REFUSED')
      delays.push(connector.retryIn as number)
      bench.clock.advance(connector.retryIn as number)
    }
    expect(Math.max(...delays.slice(0, 1))).toBeLessThanOrEqual(500)
    expect(Math.max(...delays.slice(0, 2))).toBeLessThanOrEqual(1000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(5000)
    expect(Math.max(...delays.slice(5))).toBeGreaterThan(1000)
  })

  it('does not count as dialling, for the peer that dials it, before its dial has its turn', async () => {
    const leave = bench.crowd(MAX_IN_FLIGHT)
    const asked = expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_CONNECT_REFUSED' })
    expect([connector.dialling, connector.pending, bench.attempts.length]).toEqual([false, true, 0])
    leave()
    expect([connector.dialling, bench.attempts.length]).toEqual([true, 1])
    await bench.fail('ERR_CONNECT_REFUSED')
    await asked
    bench.crowd(MAX_IN_FLIGHT)
    const again = connector.connect()
    expect(connector.dialling).toBe(false)
    // The peer's came first: whoever asked for ours has that, and ours is never made.
    const link = connector.take(bench.dialled())
    expect(await again).toBe(link)
    expect(bench.attempts).toHaveLength(1)
  })

  it('waits among those who were only learned of, until there is more reason to dial', () => {
    bench.crowd(MAX_LEARNED, true)
    connector.want('mesh', 'learned')
    expect([connector.pending, bench.attempts.length]).toEqual([true, 0])
    connector.want('connectTo')
    expect(bench.attempts).toHaveLength(1)
    for (const ask of [() => connector.hold(bench.signal('waits')), () => void connector.connect().catch(() => {})]) {
      connector.close()
      bench = new Bench()
      connector = bench.connector
      bench.crowd(MAX_LEARNED, true)
      connector.want('mesh', 'learned')
      ask()
      expect(bench.attempts).toHaveLength(1)
    }
  })

  it('dials nobody who is not allowed, and says so as when a dial fails', async () => {
    bench.refusal = new ConnectError('ERR_CONNECT_NOT_ALLOWED', PEER, 'not allowed', { permanent: true })
    connector.want('connectTo')
    expect(bench.events).toEqual([])
    await expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(bench.events).toEqual(['failed ERR_CONNECT_NOT_ALLOWED 0'])
    bench.refusal = undefined
    bench.clock.advance(500)
    expect(bench.attempts).toHaveLength(1)
  })

  it('begins anew with short delays when a link that was sound is lost, and not when it was not', async () => {
    connector.want('connectTo')
    for (let i = 0; i < 20; i++) {
      await bench.fail('ERR_CONNECT_REFUSED')
      bench.clock.advance(5000)
    }
    const lose = async (after: number): Promise<number> => {
      bench.last.succeed()
      await settle(1)
      bench.clock.advance(after)
      connector.link?.close('connection_closed' as LinkDownReason)
      const delay = connector.retryIn as number
      bench.clock.advance(5000)
      return delay
    }
    const flapping: number[] = []
    for (let i = 0; i < 20; i++) flapping.push(await lose(10))
    expect(Math.max(...flapping)).toBeGreaterThan(500)
    for (let i = 0; i < 5; i++) expect(await lose(1000)).toBeLessThanOrEqual(500)
  })

  it('gives everybody who connects the one dial, and its link', async () => {
    const both = Promise.all([connector.connect(), connector.connect()])
    expect(bench.attempts).toHaveLength(1)
    bench.last.succeed(true)
    const [first, second] = await both
    expect(first).toBe(second)
    expect(connector).toMatchObject({
      link: first,
      ours: true,
      lastError: undefined,
      everUp: true,
      ups: 1,
      upSince: bench.clock.now(),
    })
    expect(await connector.connect()).toBe(first)
    expect(bench.attempts).toHaveLength(1)
  })

  it('says why a dial failed, and keeps no peer nobody wants', async () => {
    const refused = expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_CONNECT_REFUSED', node: PEER })
    await bench.fail('ERR_CONNECT_REFUSED')
    await refused
    expect(connector.lastError?.code).toBe('ERR_CONNECT_REFUSED')
    expect(bench.events).toEqual(['failed ERR_CONNECT_REFUSED 0', 'idle'])
    expect(bench.clock.pending).toBe(0)
  })

  it('gives up what is permanent where the name was only learned, until it comes up anew', async () => {
    connector.want('mesh:a', 'learned')
    await bench.fail('ERR_CONNECT_COOKIE')
    expect(connector.retryIn).toBeUndefined()
    connector.retryNow()
    expect(bench.attempts).toHaveLength(2)
    await bench.fail('ERR_CONNECT_REFUSED')
    expect(connector.retryIn).toBeDefined()
  })

  it('goes on for ever after a permanent failure where the name was given', async () => {
    connector.want('mesh:a', 'learned')
    connector.want('connectTo')
    await bench.fail('ERR_CONNECT_COOKIE')
    expect(connector.retryIn).toBeDefined()
  })

  it('dials at once when discovery sees the peer anew, with short delays afterwards', async () => {
    connector.want('connectTo')
    for (let i = 0; i < 10; i++) {
      await bench.fail('ERR_CONNECT_REFUSED')
      if (i < 9) bench.clock.advance(5000)
    }
    connector.retryNow()
    expect(bench.attempts).toHaveLength(11)
    await bench.fail('ERR_CONNECT_REFUSED')
    expect(connector.retryIn).toBeLessThanOrEqual(500)
  })

  it('has the port that an interest came with, as long as the interest says so', () => {
    connector.want('a', 'firm', 9100)
    connector.want('b')
    expect(connector.port).toBe(9100)
    connector.want('b', 'firm', 9200)
    connector.unwant('a')
    expect(connector.port).toBe(9200)
    connector.want('b')
    expect(connector.port).toBeUndefined()
    connector.port = 9300
    connector.want('b')
    connector.unwant('b')
    expect(connector.port).toBe(9300)
  })

  it('stops when the last interest is withdrawn, and leaves a link that is up', async () => {
    connector.want('a')
    connector.want('b')
    await bench.fail('ERR_CONNECT_REFUSED')
    connector.unwant('a')
    expect(bench.clock.pending).toBe(1)
    connector.unwant('b')
    expect(bench.clock.pending).toBe(0)
    expect(bench.events.at(-1)).toBe('idle')
    connector.want('a')
    bench.last.succeed()
    await settle(1)
    connector.unwant('a')
    expect(connector.link?.down).toBe(false)
  })

  it('gives up a dial that nobody wants or waits for, without a word', async () => {
    connector.want('a')
    connector.unwant('a')
    await settle(1)
    expect([bench.last.signal.aborted, bench.events]).toEqual([true, ['idle']])
    connector.want('a')
    const waiting = connector.connect()
    connector.unwant('a')
    bench.last.succeed()
    expect((await waiting).down).toBe(false)
    connector.disconnect()
  })

  it('goes on with a dial for which something waits to be sent', async () => {
    connector.want('a')
    connector.hold(bench.signal('held'))
    connector.unwant('a')
    bench.last.succeed()
    await settle(1)
    expect(bench.sent).toEqual(['held'])
  })
})

describe('disconnect', () => {
  it('ends the link and bars redial until somebody connects', async () => {
    connector.want('connectTo')
    bench.last.succeed()
    await settle(1)
    connector.disconnect()
    expect(bench.events).toEqual(['up', 'down disconnect'])
    expect([connector.barred, connector.retryIn]).toEqual([true, undefined])
    connector.want('topology')
    connector.retryNow()
    expect(bench.attempts).toHaveLength(1)
    const again = connector.connect()
    bench.last.succeed()
    await again
    expect(connector.barred).toBe(false)
  })

  it('is lifted by the peer, when that dials', () => {
    connector.want('connectTo')
    connector.disconnect()
    connector.take(bench.dialled())
    expect(connector.barred).toBe(false)
  })

  it('gives up a dial that is under way; a connect right after it dials anew', async () => {
    const first = connector.connect()
    connector.disconnect()
    const second = connector.connect()
    expect(bench.attempts).toHaveLength(2)
    await expect(first).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
    expect(bench.attempts[0]?.signal.aborted).toBe(true)
    bench.last.succeed()
    expect((await second).down).toBe(false)
    expect(bench.events).toEqual(['failed ERR_CONNECT_CLOSED 0', 'up'])
  })

  it('does not take a connection that was complete just when it was given up', async () => {
    const connected = connector.connect()
    bench.last.succeed()
    connector.disconnect()
    await expect(connected).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
    await settle(1)
    expect(connector.link).toBeUndefined()
    expect(bench.events).toEqual(['failed ERR_CONNECT_CLOSED 0'])
  })

  it('and close end a wait for the peer at once, and leave no timer', async () => {
    for (const end of ['disconnect', 'close'] as const) {
      const connected = connector.connect()
      connector.yieldDial()
      await settle(1)
      connector[end]()
      await expect(connected).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
      expect(bench.clock.pending).toBe(0)
    }
  })
})

describe('signals that wait', () => {
  it('make it dial, and go out in order before anything else when the link is up', async () => {
    connector.hold(bench.signal('one'))
    connector.hold(bench.signal('two'))
    expect(bench.attempts).toHaveLength(1)
    bench.last.succeed()
    await settle(1)
    expect(bench.sent).toEqual(['one', 'two'])
    connector.hold(bench.signal('three'))
    expect(bench.sent).toEqual(['one', 'two', 'three'])
  })

  it('are bounded, apart from those that must be sent', async () => {
    const taken = ['1', '2', '3', '4'].map((text) => connector.hold(bench.signal(text)))
    expect(taken).toEqual([true, true, true, false])
    expect(connector.hold(bench.signal('must'), true)).toBe(true)
    bench.last.succeed()
    await settle(1)
    expect(bench.sent).toEqual(['1', '2', '3', 'must'])
  })

  it('are dropped and counted when the dial fails', async () => {
    connector.hold(bench.signal('one'))
    connector.hold(bench.signal('two'))
    await bench.fail('ERR_CONNECT_REFUSED')
    expect(bench.events).toEqual(['failed ERR_CONNECT_REFUSED 2', 'idle'])
    connector.hold(bench.signal('three'))
    bench.last.succeed()
    await settle(1)
    expect(bench.sent).toEqual(['three'])
  })

  it('that cannot be sent hold up nobody else', async () => {
    connector.hold(() => {
      throw new Error('no term')
    })
    connector.hold(bench.signal('two'))
    bench.last.succeed()
    await settle(1)
    expect(bench.sent).toEqual(['two'])
    expect(bench.events).toEqual(['unsent no term', 'up'])
  })
})

describe('two that dial each other', () => {
  it('get the link of the one that won', async () => {
    const connected = connector.connect()
    connector.yieldDial()
    await settle(1)
    expect(connector).toMatchObject({ dialling: false, pending: true })
    const joined = connector.connect()
    connector.hold(bench.signal('held'))
    expect(bench.attempts).toHaveLength(1)
    const link = connector.take(bench.dialled())
    expect(await connected).toBe(link)
    expect(await joined).toBe(link)
    expect(bench.sent).toEqual(['held'])
    expect(bench.clock.pending).toBe(0)
  })

  it('also when the other one says so', async () => {
    const connected = connector.connect()
    await bench.fail('ERR_CONNECT_SIMULTANEOUS')
    const link = connector.take(bench.dialled())
    expect(await connected).toBe(link)
    expect(bench.events).toEqual(['up'])
  })

  it('try again when the dial that won comes to nothing', async () => {
    connector.want('connectTo')
    connector.hold(bench.signal('held'))
    const connected = connector.connect()
    connector.yieldDial()
    await settle(1)
    bench.clock.advance(14_000)
    await expect(connected).rejects.toMatchObject({ code: 'ERR_CONNECT_SIMULTANEOUS' })
    expect(bench.events).toEqual(['failed ERR_CONNECT_SIMULTANEOUS 1'])
    bench.clock.advance(500)
    expect(bench.attempts).toHaveLength(2)
  })

  it('make no second link of a dial that was still under way', async () => {
    const connected = connector.connect()
    const link = connector.take(bench.dialled())
    expect(bench.last.signal.aborted).toBe(true)
    expect(await connected).toBe(link)
    expect(bench.events).toEqual(['up'])
  })
})

describe('a peer that connects anew', () => {
  it('replaces its link, in one step', () => {
    connector.want('connectTo')
    const first = connector.take(bench.dialled(true))
    const second = connector.take(bench.dialled(false))
    expect([first.down, second.down]).toEqual([true, false])
    expect(connector.link).toBe(second)
    expect(connector.ours).toBe(false)
    expect(bench.events).toEqual(['up', 'down replaced', 'up'])
    expect(connector.retryIn).toBeUndefined()
  })
})

describe('close', () => {
  it('ends link, dials and timers, and nothing is dialled any more', async () => {
    connector.want('connectTo')
    await bench.fail('ERR_CONNECT_REFUSED')
    connector.close()
    expect(bench.clock.pending).toBe(0)
    const other = new Bench()
    other.connector.want('connectTo')
    const connected = other.connector.connect()
    other.connector.close()
    await expect(connected).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
    expect(other.events).toEqual([])
    const up = new Bench()
    up.connector.take(up.dialled())
    up.connector.close()
    expect(up.events.slice(0, 2)).toEqual(['up', 'down disconnect'])
    expect(up.clock.pending).toBe(0)
  })
})
