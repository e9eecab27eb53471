import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../../../src/base/logger.ts'
import {
  encryptedFormat,
  type HeartbeatFormat,
  plainFormat,
} from '../../../../src/cluster/strategies/gossip/heartbeat.ts'
import { SignedFormat } from '../../../../src/cluster/strategies/gossip/signed-heartbeat.ts'
import { type GossipOptions, gossip } from '../../../../src/cluster/strategies/gossip.ts'
import { staticNodes } from '../../../../src/cluster/strategies/static-nodes.ts'
import type { Answer, PartialAnswer } from '../../../../src/cluster/strategy.ts'
import { atom, encode } from '../../../../src/term/index.ts'
import { FakeClock } from '../../../../src/testing/fake-clock.ts'
import type { StrategyUnderTest } from '../../../../src/testing/strategy-checks.ts'
import { type StrategyContextOptions, strategyContext } from '../../../../src/testing/strategy-context.ts'
import { freePort } from '../../../support/otp.ts'
import { Stage, settle } from '../../stage.ts'
import { conform } from '../conform.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const SELF = 'self@127.0.0.1'

const signed = (secret: string): SignedFormat =>
  new SignedFormat({ secret, window: 30_000, maxNames: 100, wallClock: Date.now, onSkew: () => {} })

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A port and a group of the test's own, on loopback. */
async function place(): Promise<Required<Pick<GossipOptions, 'port' | 'address' | 'interface'>>> {
  const part = (): number => Math.floor(Math.random() * 254) + 1
  return { port: await freePort(), address: `239.${part()}.${part()}.${part()}`, interface: '127.0.0.1' }
}

type Place = Awaited<ReturnType<typeof place>>

/** Whoever sends packets there. */
async function sender({ port, address }: Pick<Place, 'port' | 'address'>): Promise<(packet: Buffer) => void> {
  const socket = await bound(0)
  socket.setMulticastInterface('127.0.0.1')
  socket.setBroadcast(true)
  return (packet) => socket.send(packet, port, address, () => {})
}

async function bound(port: number, options: { reuseAddr?: boolean } = {}): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', ...options })
  closers.push(async () => {
    await new Promise<void>((resolve) => socket.close(() => resolve())).catch(() => {})
  })
  socket.bind(port)
  await once(socket, 'listening')
  return socket
}

/** A strategy at work. */
class Trial {
  readonly clock = new FakeClock()
  readonly abort = new AbortController()
  readonly warnings: string[] = []
  answers: PartialAnswer[] = []
  readonly ended: Promise<unknown>

  constructor(options: GossipOptions, context: StrategyContextOptions = {}, strategy = gossip(options)) {
    const warn = (_: object, text: string): void => void this.warnings.push(text)
    const logger: Logger = { debug() {}, info() {}, warn, error: warn }
    const { signal } = this.abort
    const watch = strategy.watch(strategyContext({ signal, clock: this.clock, logger, self: SELF, ...context }))
    this.ended = this.#follow(watch).then(
      () => undefined,
      (error: unknown) => error,
    )
    closers.push(() => this.close())
  }

  get names(): string[] {
    return [...((this.answers.at(-1)?.nodes ?? []) as string[])].sort()
  }

  get errors(): readonly unknown[] {
    return this.answers.at(-1)?.errors ?? []
  }

  /** `meanwhile` is done again and again: what is sent by UDP may be lost. */
  async sees(names: readonly string[], meanwhile: () => void = () => {}): Promise<void> {
    const check = (): void => {
      meanwhile()
      expect(this.names).toEqual([...names].sort())
    }
    await vi.waitFor(check, { timeout: 20_000, interval: 10 })
  }

  async isOpen(): Promise<void> {
    await vi.waitFor(() => expect(this.answers.length).toBeGreaterThan(0), { timeout: 20_000, interval: 5 })
  }

  async close(): Promise<void> {
    this.abort.abort(new Error('over'))
    await this.ended
  }

  async #follow(watch: AsyncIterable<Answer>): Promise<void> {
    for await (const answer of watch) this.answers.push(answer as PartialAnswer)
  }
}

/** A port where nodes gossip that do not exist. */
async function world(options: GossipOptions, format: HeartbeatFormat): Promise<StrategyUnderTest> {
  const where = { ...(await place()), ...options }
  const send = await sender(where)
  let nodes = [A, B]
  const timer = setInterval(() => {
    for (const name of [...nodes, SELF]) send(format.write(name))
  }, 5)
  let taken: Socket | undefined
  return {
    strategy: gossip({ ...where, ...options, interval: 1000, silentIntervals: 3 }),
    nodes,
    tick: 20,
    change: () => {
      nodes = [B, 'c@127.0.0.1']
      return nodes
    },
    fail: async () => {
      taken = await bound(where.port)
    },
    recover: async () => {
      const closed = once(taken as Socket, 'close')
      taken?.close()
      await closed
    },
    close: () => clearInterval(timer),
  }
}

const PARTS = ['change', 'fail', 'recover'] as const

describe('gossip by multicast', () => conform(() => world({}, plainFormat), PARTS))

describe('gossip by broadcast', () =>
  conform(() => world({ broadcastOnly: true, address: '127.255.255.255' }, plainFormat), PARTS))

describe('encrypted gossip', () => conform(() => world({ secret: 'x y' }, encryptedFormat('x y')), PARTS))

describe('signed gossip', () => {
  conform(() => world({ signed: true, secret: 'x y' }, signed('x y')), PARTS)
  describe('with the cookie', () => conform(() => world({ signed: true }, signed('a secret')), PARTS))
})

describe('gossip', () => {
  it('sends a heartbeat at once, and the next at a random time within the interval', async () => {
    const where = await place()
    const listener = await bound(where.port, { reuseAddr: true })
    listener.addMembership(where.address, '127.0.0.1')
    const heard: string[] = []
    listener.on('message', (packet) => heard.push(plainFormat.read(packet) ?? 'what?'))
    const trial = new Trial({ ...where, interval: 1000 })
    await vi.waitFor(() => expect(heard).toEqual([SELF]), { timeout: 20_000 })
    for (let i = 2; i < 6; i++) {
      await trial.isOpen()
      trial.clock.advance(1000)
      await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(i), { timeout: 20_000 })
    }
    expect(new Set(heard)).toEqual(new Set([SELF]))
  })

  it('finds the other node, of two that share a port', async () => {
    const where = await place()
    const both = [A, B].map((self) => new Trial(where, { self })) as [Trial, Trial]
    const beat = (): void => {
      for (const { clock } of both) clock.advance(100)
    }
    await both[0].sees([B], beat)
    await both[1].sees([A], beat)
  })

  it('loses a node that is silent for some intervals, and no other', async () => {
    const where = await place()
    const send = await sender(where)
    const trial = new Trial({ ...where, interval: 1000, silentIntervals: 4 })
    await trial.sees([A, B], () => [A, B].map((name) => send(plainFormat.write(name))))
    trial.clock.advance(2000)
    expect(trial.names).toEqual([A, B])
    await trial.sees([A], () => {
      send(plainFormat.write(A))
      trial.clock.advance(50)
    })
  })

  it('takes no notice of what is no heartbeat, of its own, and of huge packets', async () => {
    const where = await place()
    const send = await sender(where)
    const trial = new Trial(where)
    const garbage = [
      Buffer.alloc(0),
      Buffer.alloc(60_000, 'heartbeat::'),
      Buffer.concat([plainFormat.write('x@y'), Buffer.alloc(3000)]),
      Buffer.concat([Buffer.from('heartbeat::'), encode([atom('x@y')])]),
      encryptedFormat('secret').write('x@y'),
      signed('a secret').write('x@y'),
      plainFormat.write('nonsense'),
      plainFormat.write(SELF),
    ]
    await trial.sees([A], () => {
      for (const packet of garbage) send(packet)
      send(plainFormat.write(A))
    })
    expect(trial.answers.flatMap(({ nodes }) => [...nodes])).toEqual([A])
  })

  it('takes none that is not signed, or signed with another secret, or played again', async () => {
    const where = await place()
    const send = await sender(where)
    const trial = new Trial({ ...where, signed: true, interval: 1000, silentIntervals: 2 })
    const a = signed('a secret')
    const forged = [plainFormat.write('x@y'), signed('another').write('x@y')]
    await trial.sees([A], () => {
      for (const packet of [...forged, a.write(A)]) send(packet)
    })
    const last = a.write(A)
    await trial.sees([], () => {
      send(last)
      trial.clock.advance(10)
    })
    expect(trial.answers.flatMap(({ nodes }) => [...nodes])).not.toContain('x@y')
  })

  it('keeps no more names than it may, says so once, and has room again when some have gone', async () => {
    const where = await place()
    const send = await sender(where)
    const trial = new Trial({ ...where, maxNames: 10, interval: 1000, silentIntervals: 2 })
    let count = 0
    await trial.isOpen()
    await vi.waitFor(
      () => {
        for (let i = 0; i < 50; i++) send(plainFormat.write(`n${count++}@y`))
        expect(trial.warnings).toHaveLength(1)
      },
      { timeout: 20_000, interval: 10 },
    )
    expect(trial.warnings[0]).toMatch(/more than 10 names \(maxNames\)/)
    expect(trial.names).toHaveLength(10)
    await trial.sees([A], () => {
      trial.clock.advance(100)
      send(plainFormat.write(A))
    })
    expect(Math.max(...trial.answers.map(({ nodes }) => [...nodes].length))).toBe(10)
  })

  it('says when a clock is off', async () => {
    const where = await place()
    const send = await sender(where)
    const wrong = { secret: 'a secret', window: 30_000, maxNames: 100, onSkew: () => {} }
    const late = new SignedFormat({ ...wrong, wallClock: () => Date.now() - 95_000 })
    const trial = new Trial({ ...where, signed: true })
    await vi.waitFor(
      () => {
        send(late.write(A))
        expect(trial.warnings).toHaveLength(1)
      },
      { timeout: 20_000, interval: 10 },
    )
    expect(trial.warnings[0]).toMatch(/a heartbeat of a@127\.0\.0\.1 is 9\d s late: the clocks differ too much/)
    expect(trial.names).toEqual([])
  })

  it('says when it hears nothing, not even itself', async () => {
    const where = await place()
    // A socket that is bound to an address hears no multicast.
    const trial = new Trial({ ...where, bind: '127.0.0.1', interval: 1000 })
    await trial.isOpen()
    for (let i = 0; i < 7; i++) trial.clock.advance(1000)
    expect(trial.warnings).toEqual([expect.stringContaining('gossip hears nothing, not even itself')])
  })

  it('loses nobody while there is no network, and joins the group when there is', async () => {
    const { port, address } = await place()
    // No interface of this machine has the address.
    const trial = new Trial({ port, address, interface: '203.0.113.77' })
    await trial.isOpen()
    expect(trial.errors).not.toEqual([])
    for (let i = 0; i < 7; i++) trial.clock.advance(5000)
    expect(trial.answers.at(-1)).toMatchObject({ whole: false })
    expect(trial.errors[0]).toMatchObject({ code: 'ERR_LISTEN' })
    expect(trial.errors[0]).toHaveProperty('message', expect.stringMatching(/cannot join|cannot be sent/))
  })

  it('says who has the port', async () => {
    const where = await place()
    await bound(where.port)
    const trial = new Trial(where)
    expect(await trial.ended).toMatchObject({
      code: 'ERR_LISTEN',
      message: `gossip cannot listen on UDP 0.0.0.0:${where.port}: bind EADDRINUSE 0.0.0.0:${where.port}`,
    })
  })

  it('is not sure who is gone until it has listened for as long as a node may be silent', async () => {
    const where = await place()
    const send = await sender(where)
    const trial = new Trial({ ...where, interval: 1000, silentIntervals: 3 })
    await trial.sees([A], () => send(plainFormat.write(A)))
    for (let i = 0; i < 2; i++) trial.clock.advance(1000)
    expect(trial.answers.map(({ whole }) => whole)).not.toContain(true)
    await vi.waitFor(
      () => {
        trial.clock.advance(500)
        send(plainFormat.write(A))
        expect(trial.answers.at(-1)).toMatchObject({ nodes: [A], errors: [], whole: true })
      },
      { timeout: 20_000, interval: 10 },
    )
  })

  it('in place of another strategy, or after a pause, loses no node before that', async () => {
    const where = await place()
    const send = await sender(where)
    const stage = new Stage({ strategy: staticNodes([A, B]), prune: { after: 0 } })
    const { topology } = stage
    await settle()
    const replaced = once(topology, 'refreshed')
    topology.update({ strategy: gossip({ ...where, interval: 1000, silentIntervals: 3 }) })
    await replaced
    topology.pause()
    const resumed = once(topology, 'refreshed')
    topology.resume()
    await resumed
    expect(topology.nodes()).toEqual([A, B])
    expect(stage.host.connected).toEqual([A, B])
    await vi.waitFor(
      () => {
        send(plainFormat.write(B))
        stage.host.clock.advance(250)
        expect(stage.host.connected).toEqual([B])
      },
      { timeout: 20_000, interval: 10 },
    )
    expect(stage.events.filter(({ type }) => type === 'lost')).toEqual([{ type: 'lost', node: A }])
    await topology.close()
  })

  it('closes its socket with its signal, also when nobody asks on', async () => {
    const where = await place()
    const abort = new AbortController()
    const clock = new FakeClock()
    const iterator = gossip(where)
      .watch(strategyContext({ signal: abort.signal, clock }))
      [Symbol.asyncIterator]()
    await iterator.next()
    abort.abort(new Error('over'))
    expect(clock.pending).toBe(0)
    // It is free for one that does not share.
    await vi.waitFor(() => bound(where.port), { timeout: 20_000 })
    await expect(iterator.next()).rejects.toThrow('over')
  })

  it.each<[GossipOptions]>([
    [{ port: 0 }],
    [{ port: 70_000 }],
    [{ bind: 'localhost' }],
    [{ interface: '::1' }],
    [{ address: '10.0.0.1' }],
    [{ address: 'ff02::1' }],
    [{ ttl: 256 }],
    [{ interval: 0 }],
    [{ interval: Number.POSITIVE_INFINITY }],
    [{ silentIntervals: 1 }],
    [{ maxNames: 0 }],
    [{ secret: '' }],
    [{ window: 5000 }],
    [{ signed: true, window: 5 }],
    [{ broadcastOnly: 1 as never }],
    [{ prot: 5 } as never],
    [null as never],
    [[] as never],
  ])('refuses %j', (options) => {
    expect(() => gossip(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })

  it('tells no secret in an error', () => {
    for (const options of ['xyz', ['xyz']]) {
      expect(() => gossip(options as never)).toThrow(
        expect.objectContaining({
          value: undefined,
          message: expect.stringMatching(/^options: expected an object .*, got a (string|list)$/),
        }),
      )
    }
    expect(() => gossip({ secret: Buffer.from('xyz') as never })).toThrow(
      expect.objectContaining({ value: undefined, message: 'secret: expected a non-empty string' }),
    )
  })
})
