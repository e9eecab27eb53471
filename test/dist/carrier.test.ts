import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Carrier, CarrierHandler } from '../../src/dist/carrier.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { dialTcp, listenTcp } from '../../src/dist/tcp.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

/** A handler that remembers, and that tests can wait on. */
class Recorder implements CarrierHandler {
  readonly chunks: Buffer[] = []
  drains = 0
  closes: (Error | undefined)[] = []
  #waiting: { test: () => boolean; resolve: () => void }[] = []

  data(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk))
    this.#changed()
  }

  drain(): void {
    this.drains++
    this.#changed()
  }

  closed(error: Error | undefined): void {
    this.closes.push(error)
    this.#changed()
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  until(test: () => boolean): Promise<void> {
    if (test()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ test, resolve }))
  }

  #changed(): void {
    for (const waiting of [...this.#waiting]) {
      if (!waiting.test()) continue
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.resolve()
    }
  }
}

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanup.splice(0).reverse()) await task()
})

async function tcpPair(host = '127.0.0.1'): Promise<[Carrier, Carrier]> {
  let accepted!: (carrier: Carrier) => void
  const inbound = new Promise<Carrier>((resolve) => {
    accepted = resolve
  })
  const listener = await listenTcp({ host, onCarrier: accepted })
  const pair: [Carrier, Carrier] = [await dialTcp({ host, port: listener.port }), await inbound]
  cleanup.push(() => listener.close(), ...pair.map((carrier) => () => carrier.destroy()))
  return pair
}

async function memoryPair(): Promise<[Carrier, Carrier]> {
  const { a, b } = memoryCarriers()
  return [a, b]
}

describe.each([
  ['over TCP', tcpPair],
  ['over TCP on IPv6', () => tcpPair('::1')],
  ['in memory', memoryPair],
])('a carrier %s', (_title, connected) => {
  it('delivers bytes in order, both ways', async () => {
    const [a, b] = await connected()
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    for (const word of ['one ', 'two ', 'three']) a.write(Buffer.from(word))
    b.write(Buffer.from('back'))
    await atB.until(() => atB.text.length >= 13)
    await atA.until(() => atA.text.length >= 4)
    expect([atB.text, atA.text]).toEqual(['one two three', 'back'])
  })

  it('delivers nothing before it is opened, nor within the call', async () => {
    const [a, b] = await connected()
    a.open(new Recorder())
    const written = new Promise<void>((resolve) => a.write(Buffer.from('early'), resolve))
    if (a.kind === 'tcp') await written
    const atB = new Recorder()
    b.open(atB)
    expect(atB.chunks).toEqual([])
    await atB.until(() => atB.text === 'early')
  })

  it('hands over to another handler without losing or repeating a byte', async () => {
    const [a, b] = await connected()
    a.open(new Recorder())
    const second = new Recorder()
    const first: CarrierHandler = {
      data(chunk) {
        b.pause()
        expect(Buffer.from(chunk).toString()).toBe('1')
        a.write(Buffer.from('2'))
        setImmediate(() => b.open(second))
      },
      drain() {},
      closed() {},
    }
    b.open(first)
    a.write(Buffer.from('1'))
    await second.until(() => second.text.length > 0)
    expect(second.text).toBe('2')
  })

  it('delivers to a handler that consumes all that came before, in between and while it was paused, in order', async () => {
    const [a, b] = await connected()
    a.open(new Recorder())
    const atB = Object.assign(new Recorder(), { consumes: true })
    const first: CarrierHandler = {
      data(chunk) {
        expect(Buffer.from(chunk).toString()).toBe('0;')
        b.pause()
        for (let i = 1; i < 100; i++) a.write(Buffer.from(`${i};`))
        setImmediate(() => b.open(atB))
      },
      drain() {},
      closed() {},
    }
    b.open(first)
    a.write(Buffer.from('0;'))
    let expected = Array.from({ length: 99 }, (_, i) => `${i + 1};`).join('')
    await atB.until(() => atB.text.length >= expected.length)
    for (let turn = 0; turn < 20; turn++) {
      b.pause()
      const text = `${turn}${'x'.repeat(turn * 1000)};`
      const written = new Promise<void>((resolve) => a.write(Buffer.from(text), resolve))
      if (a.kind !== 'memory') await written
      b.resume()
      expected += text
    }
    await atB.until(() => atB.text.length >= expected.length)
    expect(atB.text === expected).toBe(true)
  })

  it('calls back once a chunk is no longer needed, and holds back above its high-water mark', async () => {
    const [a, b] = await connected()
    const atA = new Recorder()
    a.open(atA)
    let returned = 0
    let wrote = 0
    while (a.write(Buffer.alloc(65_536, 1), () => returned++)) {
      wrote++
      if (wrote > 1000) throw new Error('it never holds back')
      await new Promise(setImmediate)
    }
    expect(a.queuedBytes).toBeGreaterThan(0)
    expect(atA.drains).toBe(0)
    b.open(new Recorder())
    await atA.until(() => atA.drains > 0)
    await vi.waitFor(() => expect(returned).toBe(wrote + 1))
    expect(a.queuedBytes).toBe(0)
  })

  it('sends what is queued before it closes', async () => {
    const [a, b] = await connected()
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    a.write(Buffer.alloc(3_000_000, 7))
    a.close()
    b.open(atB)
    await atB.until(() => atB.closes.length > 0)
    expect(Buffer.concat(atB.chunks).length).toBe(3_000_000)
    await atA.until(() => atA.closes.length > 0)
    expect([atA.closes, atB.closes]).toEqual([[undefined], [undefined]])
  })

  it('delivers no data after it was told to close', async () => {
    const [a, b] = await connected()
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    a.close()
    b.write(Buffer.from('too late'))
    await Promise.all([atA, atB].map((recorder) => recorder.until(() => recorder.closes.length > 0)))
    expect(atA.chunks).toEqual([])
  })

  it('tells both sides once that it was destroyed, and gives every chunk back', async () => {
    const [a, b] = await connected()
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    let returned = 0
    a.write(Buffer.alloc(5_000_000), () => returned++)
    a.destroy()
    a.destroy()
    a.write(Buffer.from('dropped'), () => returned++)
    await Promise.all([atA, atB].map((recorder) => recorder.until(() => recorder.closes.length > 0)))
    await vi.waitFor(() => expect(returned).toBe(2))
    a.close()
    expect([atA.closes.length, atB.closes.length]).toEqual([1, 1])
  })

  it('tells a handler that comes too late that it is closed', async () => {
    const [a, b] = await connected()
    const early = new Recorder()
    a.open(early)
    b.open(new Recorder())
    b.destroy()
    await early.until(() => early.closes.length > 0)
    const late = new Recorder()
    a.open(late)
    expect(late.closes).toEqual([])
    await late.until(() => late.closes.length > 0)
  })

  it('stands still while it is paused', async () => {
    const [a, b] = await connected()
    const atB = new Recorder()
    a.open(new Recorder())
    b.open(atB)
    a.write(Buffer.from('1'))
    await atB.until(() => atB.text === '1')
    b.pause()
    const echo = new Recorder()
    a.write(Buffer.from('2'))
    a.open(echo)
    b.write(Buffer.from('still writing'))
    await echo.until(() => echo.text === 'still writing')
    expect(atB.text).toBe('1')
    b.resume()
    await atB.until(() => atB.text === '12')
  })
})

describe('TCP', () => {
  it('reads into the same memory for whoever consumes it, whichever side dialled, and for nobody else', async () => {
    const [a, b] = await tcpPair()
    const memory = new Set<unknown>()
    let heard = ''
    const told = new Recorder()
    const consumer = (): CarrierHandler => ({
      consumes: true,
      data(chunk) {
        memory.add(chunk.buffer)
        heard += Buffer.from(chunk).toString()
        told.data(chunk)
      },
      drain() {},
      closed() {},
    })
    a.open(consumer())
    b.open(consumer())
    for (let turn = 1; turn <= 10; turn++) {
      a.write(Buffer.from('a'))
      await told.until(() => heard.length === turn * 2 - 1)
      b.write(Buffer.from('b'))
      await told.until(() => heard.length === turn * 2)
    }
    expect(heard).toBe('ab'.repeat(10))
    expect(memory.size).toBe(1)
    const kept: Uint8Array[] = []
    b.open({
      data(chunk) {
        kept.push(chunk)
        told.data(chunk)
      },
      drain() {},
      closed() {},
    })
    a.write(Buffer.from('first'))
    await told.until(() => kept.length === 1)
    a.write(Buffer.from('other'))
    await told.until(() => kept.length === 2)
    expect(kept.map((chunk) => Buffer.from(chunk).toString())).toEqual(['first', 'other'])
  })

  it('knows the addresses of both ends', async () => {
    const [a, b] = await tcpPair()
    expect(a).toMatchObject({ kind: 'tcp', prefixBytes: 2, remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' })
    expect(b.remoteAddress).toBe('127.0.0.1')
    expect(b.remotePort).toBeGreaterThan(0)
  })

  it('shows an IPv4 peer of an IPv6 listener in its own form', async () => {
    const accepted = new Promise<Carrier>((resolve) => {
      void listenTcp({ host: '::', onCarrier: resolve }).then(async (listener) => {
        cleanup.push(() => listener.close())
        const carrier = await dialTcp({ host: '127.0.0.1', port: listener.port })
        cleanup.push(() => carrier.destroy())
      })
    })
    expect((await accepted).remoteAddress).toBe('127.0.0.1')
  })

  it('says that nothing listens, with the node and the address', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', onCarrier: () => {} })
    await listener.close()
    const dial = dialTcp({ host: '127.0.0.1', port: listener.port, node: 'b@127.0.0.1' })
    await expect(dial).rejects.toMatchObject({
      code: 'ERR_CONNECT_REFUSED',
      node: 'b@127.0.0.1',
      reason: `nothing listens on 127.0.0.1:${listener.port} (b@127.0.0.1)`,
    })
  })

  it('says that a host is not known', async () => {
    await expect(dialTcp({ host: 'no.such.host.invalid', port: 1 })).rejects.toMatchObject({ code: 'ERR_CONNECT_HOST' })
  })

  it('tries all addresses of a host', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', onCarrier: (carrier) => carrier.destroy() })
    cleanup.push(() => listener.close())
    const carrier = await dialTcp({ host: 'localhost', port: listener.port })
    expect(carrier.remoteAddress).toBe('127.0.0.1')
    carrier.destroy()
  })

  it('gives a dial up when its time is over or its signal aborts', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', onCarrier: (carrier) => carrier.destroy() })
    cleanup.push(() => listener.close())
    const clock = new FakeClock()
    const late = dialTcp({ host: '127.0.0.1', port: listener.port, timeout: 100, clock })
    clock.advance(100)
    await expect(late).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' })
    const reason = new Error('no longer')
    const controller = new AbortController()
    const aborted = dialTcp({ host: '127.0.0.1', port: listener.port, signal: controller.signal })
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await expect(dialTcp({ host: '127.0.0.1', port: 1, signal: controller.signal })).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })

  it('says that a port is taken', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', onCarrier: () => {} })
    cleanup.push(() => listener.close())
    const second = listenTcp({ host: '127.0.0.1', port: listener.port, onCarrier: () => {} })
    await expect(second).rejects.toMatchObject({ code: 'ERR_LISTEN' })
    await expect(second).rejects.toThrow(`port ${listener.port}: another program listens there`)
  })

  it('cuts a connection it has closed when the peer does not close its half', async () => {
    const clock = new FakeClock()
    let carrier!: Carrier
    const accepted = new Promise<void>((resolve) => {
      void listenTcp({
        host: '127.0.0.1',
        clock,
        onCarrier: (accepted) => {
          carrier = accepted
          resolve()
        },
      }).then((listener) => {
        cleanup.push(() => listener.close())
        peer = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
        peer.on('error', () => {})
        cleanup.push(() => peer.destroy())
      })
    })
    let peer!: Socket
    await accepted
    const recorder = new Recorder()
    carrier.open(recorder)
    carrier.close()
    peer.resume()
    await once(peer, 'end')
    expect(recorder.closes).toEqual([])
    clock.advance(5000)
    await recorder.until(() => recorder.closes.length > 0)
    expect(clock.pending).toBe(0)
  })
})

describe('the cable in memory', () => {
  it('cuts into chunks of one byte', async () => {
    const { a, b } = memoryCarriers({ chunkBytes: 1 })
    const atB = new Recorder()
    b.open(atB)
    a.write(Buffer.from('abc'))
    await atB.until(() => atB.text.length === 3)
    expect(atB.chunks.map((chunk) => chunk.length)).toEqual([1, 1, 1])
  })

  it('loses everything once it is cut, and neither side notices', async () => {
    const tasks: (() => void)[] = []
    const { a, b, cable } = memoryCarriers({ schedule: (task) => tasks.push(task) })
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    a.write(Buffer.from('on its way'))
    cable.cut()
    b.write(Buffer.from('lost'))
    b.destroy()
    while (tasks.length > 0) tasks.shift()?.()
    expect(atB.text).toBe('')
    expect(atA.chunks).toEqual([])
    expect(atA.closes).toEqual([])
    expect(atB.closes).toEqual([undefined])
  })

  it('holds everything back while it is frozen', async () => {
    const { a, b, cable } = memoryCarriers({ highWater: 3 })
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    cable.freeze()
    expect(a.write(Buffer.from('held'))).toBe(false)
    await new Promise(setImmediate)
    expect([atB.text, a.queuedBytes]).toEqual(['', 4])
    cable.thaw()
    await atA.until(() => atA.drains === 1)
    expect(atB.text).toBe('held')
  })

  it('takes its time by the clock when it is slow', () => {
    const clock = new FakeClock()
    const { a, b, cable } = memoryCarriers({ clock })
    const atB = new Recorder()
    b.open(atB)
    cable.slow(50)
    a.write(Buffer.from('1'))
    a.write(Buffer.from('2'))
    clock.advance(49)
    expect(atB.text).toBe('')
    clock.advance(1)
    expect(atB.text).toBe('1')
    clock.advance(50)
    expect(atB.text).toBe('12')
  })

  it('fails for both sides with one error', async () => {
    const { a, b, cable } = memoryCarriers()
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.open(atA)
    b.open(atB)
    const error = new Error('reset')
    cable.fail(error)
    await atA.until(() => atA.closes.length > 0)
    await atB.until(() => atB.closes.length > 0)
    expect([...atA.closes, ...atB.closes]).toEqual([error, error])
  })

  it('keeps its own copy of what was written', async () => {
    const { a, b } = memoryCarriers()
    const atB = new Recorder()
    b.open(atB)
    const buffer = Buffer.from('keep')
    await new Promise<void>((resolve) => a.write(buffer, resolve))
    const [given] = atB.chunks
    buffer.fill(0)
    expect(given?.toString()).toBe('keep')
  })
})
