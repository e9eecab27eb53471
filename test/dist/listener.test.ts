import { afterEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/base/logger.ts'
import type { Carrier } from '../../src/dist/carrier.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import { FailureLog } from '../../src/dist/failure-log.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import { Listener, type ListenerOptions } from '../../src/dist/listener.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { type Established, Setup } from '../../src/dist/setup.ts'
import { dialTcp, listenTcp } from '../../src/dist/tcp.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

const A = { name: 'a@127.0.0.1', creation: 11 }
const B = { name: 'b@127.0.0.1', creation: 22 }

class MemoryLogger implements Logger {
  readonly lines: string[] = []
  debug(_data: object, message: string): void {
    this.lines.push(`debug ${message}`)
  }
  info(_data: object, message: string): void {
    this.lines.push(`info ${message}`)
  }
  warn(_data: object, message: string): void {
    this.lines.push(`warn ${message}`)
  }
  error(_data: object, message: string): void {
    this.lines.push(`error ${message}`)
  }
}

function harness(more: Partial<ListenerOptions> = {}) {
  const clock = new FakeClock()
  const logger = new MemoryLogger()
  const failures: ConnectError[] = []
  const established: Established[] = []
  let changed = () => {}
  const listener = new Listener({
    handshake: { role: 'acceptor', own: B, flags: ourFlags(), cookieFor: () => 'c', decide: () => 'ok' },
    clock,
    logger,
    onEstablished: (one) => {
      established.push(one)
      changed()
    },
    onFailed: ({ error }) => {
      failures.push(error)
      changed()
    },
    ...more,
  })
  const until = (test: () => boolean) =>
    new Promise<void>((resolve) => {
      changed = () => test() && resolve()
      changed()
    })
  return { clock, logger, failures, established, listener, until }
}

function dialler(carrier: Carrier, clock: FakeClock, cookie = 'c'): Setup {
  const own = { role: 'dialler', own: A, peerName: B.name, flags: ourFlags() } as const
  return new Setup({ carrier, clock, handshake: { ...own, cookieFor: () => cookie } })
}

/** A connection that never says a word; resolves when it was ended. */
function silent(listener: Listener): { closed: Promise<void>; isClosed: () => boolean } {
  const { a, b } = memoryCarriers()
  let over = false
  const closed = new Promise<void>((resolve) => {
    a.open({
      data() {},
      drain() {},
      closed: () => {
        over = true
        resolve()
      },
    })
  })
  listener.accept(b)
  return { closed, isClosed: () => over }
}

describe('a listener', () => {
  it('hands over connections whose handshake succeeded', async () => {
    const { listener, clock, established, until } = harness()
    const { a, b } = memoryCarriers()
    listener.accept(b)
    expect(listener.pending).toBe(1)
    await dialler(a, clock).result
    await until(() => established.length > 0)
    expect(established[0]).toMatchObject({ role: 'acceptor', peerName: A.name, carrier: b })
    expect(listener.pending).toBe(0)
  })

  it('ends the oldest handshake when one more than allowed comes', async () => {
    const limits = { pendingHandshakes: 3, failedHandshakes: 100, handshakeBytes: 4096 }
    const { listener, clock, failures, established, until } = harness({ limits })
    const crowd = [silent(listener), silent(listener), silent(listener)]
    const { a, b } = memoryCarriers()
    listener.accept(b)
    expect(listener.pending).toBe(3)
    await crowd[0]?.closed
    await dialler(a, clock).result
    await until(() => established.length === 1 && failures.length === 1)
    expect(failures[0]?.reason).toContain('ended to make room')
    expect(crowd.map(({ isClosed }) => isClosed())).toEqual([true, false, false])
  })

  it('takes no more from an address that failed too often, until it may fail again', async () => {
    const limits = { pendingHandshakes: 3, failedHandshakes: 4, handshakeBytes: 4096 }
    const { listener, logger, clock, failures, established, until } = harness({ limits })
    /** A connection from an address, and whether it was closed without a look at it. */
    const knock = (address: string, cookie: string): Setup => {
      const { a, b } = memoryCarriers()
      listener.accept(Object.assign(b, { remoteAddress: address }))
      return dialler(a, clock, cookie)
    }
    for (let i = 1; i <= 4; i++) {
      await expect(knock('10.0.0.1', 'wrong').result).rejects.toThrow()
      await until(() => failures.length === i)
    }
    await expect(knock('10.0.0.1', 'c').result).rejects.toMatchObject({ code: 'ERR_CONNECT_CLOSED' })
    expect(listener.counts).toEqual({ established: 0, failed: { ERR_CONNECT_COOKIE: 4 }, refused: 1 })
    await knock('10.0.0.2', 'c').result
    clock.advance(15_000)
    await knock('10.0.0.1', 'c').result
    await until(() => established.length === 2)
    expect(logger.lines.filter((line) => line.includes('too many'))).toEqual([
      'warn too many connections from 10.0.0.1 failed: more are closed at once',
    ])
    expect(listener.counts).toEqual({ established: 2, failed: { ERR_CONNECT_COOKIE: 4 }, refused: 1 })
  })

  it('serves an honest peer through a flood of silent ones', async () => {
    const limits = { pendingHandshakes: 8, failedHandshakes: 100, handshakeBytes: 4096 }
    const { listener, clock, established, until } = harness({ limits })
    const { a, b } = memoryCarriers()
    for (let i = 0; i < 50; i++) silent(listener)
    listener.accept(b)
    const dialling = dialler(a, clock).result
    for (let i = 0; i < 7; i++) silent(listener)
    await dialling
    await until(() => established.length === 1)
    expect(listener.pending).toBeLessThanOrEqual(8)
    listener.close()
  })

  it('ends silent peers after their time', async () => {
    const { listener, clock, failures, until } = harness({ setupTimeout: 500 })
    const peer = silent(listener)
    clock.advance(500)
    await peer.closed
    await until(() => failures.length === 1)
    expect(failures[0]).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' })
    expect([listener.pending, clock.pending]).toEqual([0, 0])
  })

  it('ends what is under way when it is closed, takes no more, and blames nobody', async () => {
    const { listener, clock, failures, logger } = harness()
    const peer = silent(listener)
    listener.close()
    listener.close()
    await peer.closed
    await silent(listener).closed
    expect([listener.pending, clock.pending, failures, logger.lines]).toEqual([0, 0, [], []])
  })

  it('warns of a failure once and names the cause', async () => {
    const { listener, clock, failures, logger, until } = harness()
    for (let round = 1; round <= 3; round++) {
      const { a, b } = memoryCarriers()
      listener.accept(b)
      await expect(dialler(a, clock, 'wrong').result).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE' })
      await until(() => failures.length === round)
    }
    expect(logger.lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'debug', 'debug'])
    expect(logger.lines[0]).toContain('a@127.0.0.1 tried to connect with another cookie')
  })

  it('says nothing aloud of a peer that comes and goes without a word', async () => {
    const { listener, failures, logger, until } = harness()
    const { a, b } = memoryCarriers()
    listener.accept(b)
    a.close()
    await until(() => failures.length === 1)
    expect(logger.lines.map((line) => line.split(' ')[0])).toEqual(['debug'])
  })
})

describe('the log of failures', () => {
  const cookie = new ConnectError('ERR_CONNECT_COOKIE', A.name, 'wrong cookie')

  it('speaks up again after ten minutes, for another cause, and after a success', () => {
    const clock = new FakeClock()
    const logger = new MemoryLogger()
    const log = new FailureLog(logger, clock)
    log.failed(cookie, '10.0.0.1')
    log.failed(cookie, '10.0.0.1')
    log.failed(new ConnectError('ERR_CONNECT_FLAGS', A.name, 'too old'), '10.0.0.1')
    log.succeeded('10.0.0.1')
    log.failed(cookie, '10.0.0.1')
    clock.advance(600_000)
    log.failed(cookie, '10.0.0.1')
    expect(logger.lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'debug', 'warn', 'warn', 'warn'])
  })

  it('is not filled by ever new addresses', () => {
    const clock = new FakeClock()
    const logger = new MemoryLogger()
    const log = new FailureLog(logger, clock)
    for (let i = 0; i < 5000; i++) log.failed(cookie, `10.0.${i >> 8}.${i & 255}`)
    expect(logger.lines.filter((line) => line.startsWith('warn')).length).toBe(1024)
  })
})

describe('a listener behind TCP', () => {
  const cleanup: (() => unknown)[] = []
  afterEach(async () => {
    for (const task of cleanup.splice(0).reverse()) await task()
  })

  it.each(['127.0.0.1', '::1'])('takes a hundred connections at once on %s', async (host) => {
    const { listener, established, until } = harness()
    const tcp = await listenTcp({ host, onCarrier: (carrier) => listener.accept(carrier) })
    cleanup.push(() => tcp.close())
    const dials = Array.from({ length: 100 }, async (_, i) => {
      const carrier = await dialTcp({ host, port: tcp.port })
      const own = { name: `n${i}@127.0.0.1`, creation: 4 + i }
      const handshake = { role: 'dialler', own, peerName: B.name, flags: ourFlags(), cookieFor: () => 'c' } as const
      return await new Setup({ carrier, clock: new FakeClock(), handshake }).result
    })
    const dialled = await Promise.all(dials)
    await until(() => established.length === 100)
    expect(new Set(established.map(({ peerName }) => peerName)).size).toBe(100)
    for (const { carrier } of [...dialled, ...established]) carrier.destroy()
    expect(listener.pending).toBe(0)
  })
})
