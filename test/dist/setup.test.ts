import { describe, expect, it } from 'vitest'
import type { Carrier, CarrierHandler } from '../../src/dist/carrier.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import {
  digest,
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeComplement,
  encodeSendName,
  encodeStatus,
  encodeStatusAnswer,
} from '../../src/dist/handshake-messages.ts'
import type { AcceptConfig, DialConfig } from '../../src/dist/handshake-state.ts'
import { type MemoryOptions, type MemoryPair, memoryCarriers } from '../../src/dist/memory.ts'
import { Setup, type SetupOptions } from '../../src/dist/setup.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { everySplit, type Sink } from '../support/split.ts'

const A = { name: 'a@127.0.0.1', creation: 11 }
const B = { name: 'b@127.0.0.1', creation: 22 }

const dial: DialConfig = { role: 'dialler', own: A, peerName: B.name, flags: ourFlags(), cookieFor: () => 'c' }
const accept: AcceptConfig = { role: 'acceptor', own: B, flags: ourFlags(), cookieFor: () => 'c', decide: () => 'ok' }

function start(carrier: Carrier, more: Partial<SetupOptions> & Pick<SetupOptions, 'handshake'>): Setup {
  return new Setup({ carrier, clock: new FakeClock(), ...more })
}

function both(options?: MemoryOptions): [MemoryPair, Setup, Setup] {
  const pair = memoryCarriers(options)
  return [pair, start(pair.a, { handshake: dial }), start(pair.b, { handshake: accept })]
}

/** A peer without a mind: notes what comes, says what it is told. */
function puppet(carrier: Carrier): {
  heard: Buffer[]
  say: (...messages: Uint8Array[]) => void
  closed: Promise<void>
} {
  const heard: Buffer[] = []
  let onClosed!: () => void
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve
  })
  carrier.open({ data: (chunk) => heard.push(Buffer.from(chunk)), drain() {}, closed: onClosed })
  return { heard, closed, say: (...messages) => carrier.write(frames(...messages)) }
}

function frames(...messages: Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const frame = Buffer.alloc(2 + message.length)
      frame.writeUInt16BE(message.length)
      frame.set(message, 2)
      return frame
    }),
  )
}

/** Runs a setup over a carrier that notes what is sent; a setup pauses its carrier when it is through. */
function record(handshake: DialConfig | AcceptConfig): Sink<unknown[]> {
  const said: unknown[] = []
  let handler: CarrierHandler | undefined
  const carrier: Carrier = {
    kind: 'memory',
    prefixBytes: 2,
    remoteAddress: undefined,
    remotePort: undefined,
    localAddress: undefined,
    queuedBytes: 0,
    open(opened) {
      handler = opened
    },
    write(chunk) {
      said.push(Buffer.from(chunk.subarray(2)))
      return true
    },
    pause: () => said.push('established'),
    resume() {},
    close: () => said.push('closed'),
    destroy: () => said.push('destroyed'),
  }
  start(carrier, { handshake })
  return { push: (chunk) => handler?.data(chunk), end: () => said }
}

const turn = () => new Promise(setImmediate)

describe('the setup of a connection', () => {
  it.each([
    ['as the carrier brings it', {}],
    ['one byte at a time', { chunkBytes: 1 }],
    ['three bytes at a time', { chunkBytes: 3 }],
    ['with a length of four bytes, as under TLS', { prefixBytes: 4 as const, chunkBytes: 5 }],
  ])('succeeds %s', async (_title, options) => {
    const [, dialling, accepting] = both(options)
    expect(await dialling.result).toMatchObject({ role: 'dialler', peerName: B.name, ownName: A.name })
    expect(await accepting.result).toMatchObject({ role: 'acceptor', peerName: A.name, ownName: B.name })
  })

  it('succeeds with the acceptor’s bytes cut at each position', () => {
    const heard = frames(
      encodeStatus({ status: 'ok' }),
      encodeChallenge({ version: 6, flags: ourFlags(), challenge: 9, ...B }),
      encodeChallengeAck(digest('c', 5)),
    )
    const config: DialConfig = { ...dial, challenge: () => 5 }
    const said = everySplit(heard, () => record(config))
    expect(said).toEqual([
      encodeSendName({ version: 6, flags: ourFlags(), ...A }),
      encodeChallengeReply({ challenge: 5, digest: digest('c', 9) }),
      'established',
    ])
  })

  it('succeeds with the dialler’s bytes cut at each position', () => {
    const heard = frames(
      encodeSendName({ version: 5, flags: ourFlags(), creation: undefined, name: A.name }),
      encodeStatusAnswer(true),
      encodeComplement({ flags: ourFlags(), creation: 11 }),
      encodeChallengeReply({ challenge: 5, digest: digest('c', 9) }),
    )
    const config: AcceptConfig = { ...accept, decide: () => 'alive', challenge: () => 9 }
    const said = everySplit(heard, () => record(config))
    expect(said).toEqual([
      encodeStatus({ status: 'alive' }),
      encodeChallenge({ version: 6, flags: ourFlags(), challenge: 9, ...B }),
      encodeChallengeAck(digest('c', 5)),
      'established',
    ])
  })

  it('hands over what came after the handshake, in order', async () => {
    const { a, b } = memoryCarriers()
    const dialling = start(a, { handshake: { ...dial, challenge: () => 5 } })
    const peer = puppet(b)
    peer.say(encodeStatus({ status: 'ok' }), encodeChallenge({ version: 6, flags: ourFlags(), challenge: 9, ...B }))
    while (peer.heard.length < 2) await turn()
    b.write(Buffer.concat([frames(Buffer.concat([Buffer.from('a'), digest('c', 5)])), Buffer.from('first ')]))
    b.write(Buffer.from('second'))
    const { carrier, leftover } = await dialling.result
    for (let i = 0; i < 5; i++) await turn()
    const words = [Buffer.from(leftover).toString()]
    await new Promise<void>((resolve) => {
      carrier.open({
        data(chunk) {
          words.push(Buffer.from(chunk).toString())
          resolve()
        },
        drain() {},
        closed() {},
      })
    })
    expect(words).toEqual(['first ', 'second'])
  })

  it('replaces the old link before the peer is told that it may go on', async () => {
    const { a, b } = memoryCarriers()
    const order: string[] = []
    const dialling = start(a, { handshake: dial })
    const accepting = start(b, {
      handshake: { ...accept, decide: () => 'alive' },
      onReplace: (name) => order.push(`replace ${name}`),
    })
    void dialling.result.then(() => order.push('dialler done'))
    await Promise.all([dialling.result, accepting.result])
    expect(order).toEqual([`replace ${A.name}`, 'dialler done'])
  })

  it('leaves no timer behind', async () => {
    const clock = new FakeClock()
    const { a, b } = memoryCarriers()
    const setups = [start(a, { clock, handshake: dial }), start(b, { clock, handshake: accept })]
    await Promise.all(setups.map((setup) => setup.result))
    expect(clock.pending).toBe(0)
  })
})

describe('a setup that fails', () => {
  it('times out when the peer says nothing, and closes', async () => {
    const clock = new FakeClock()
    const { a, b } = memoryCarriers()
    const accepting = start(a, { clock, handshake: accept, timeout: 7000 })
    const peer = puppet(b)
    clock.advance(6999)
    await turn()
    clock.advance(1)
    await expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' })
    await peer.closed
    expect(clock.pending).toBe(0)
  })

  it('gives each step its own time, and a peer that trickles none', async () => {
    const clock = new FakeClock()
    const { a, b } = memoryCarriers()
    const accepting = start(a, { clock, handshake: accept, timeout: 1000 })
    const peer = puppet(b)
    clock.advance(900)
    peer.say(encodeSendName({ version: 6, flags: ourFlags(), ...A }))
    while (peer.heard.length < 2) await turn()
    clock.advance(900)
    b.write(Buffer.from([0, 21, 114]))
    await turn()
    clock.advance(99)
    b.write(Buffer.from([1]))
    await turn()
    clock.advance(1)
    await expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', node: A.name })
  })

  it.each([
    ['an HTTP client', 'GET / HTTP/1.1\r\n\r\n', 'it speaks HTTP'],
    ['a TLS client', '\x16\x03\x01\x02\x00\x01\x00', 'it speaks TLS'],
    ['an SSH client', 'SSH-2.0-OpenSSH_9.9\r\n', 'it speaks SSH'],
    ['a peer that announces 64 KiB', '\xff\xff', 'a message of 65535 bytes where 4096 are allowed'],
    ['an empty message', '\0\0', 'an empty message instead of its name'],
    ['garbage', '\0\x04abcd', 'a message with tag 97 instead of its name'],
  ])('says what it met: %s', async (_title, bytes, reason) => {
    const { a, b } = memoryCarriers({ chunkBytes: 16 })
    const accepting = start(a, { handshake: accept })
    const peer = puppet(b)
    b.write(Buffer.from(bytes, 'latin1'))
    await expect(accepting.result).rejects.toThrow(reason)
    await expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_PROTOCOL' })
    await peer.closed
  })

  it('lets the peer have its status before it closes', async () => {
    const { a, b } = memoryCarriers()
    const accepting = start(a, { handshake: { ...accept, decide: () => 'not_allowed' } })
    const peer = puppet(b)
    peer.say(encodeSendName({ version: 6, flags: ourFlags(), ...A }))
    await expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    await peer.closed
    expect(Buffer.concat(peer.heard)).toEqual(frames(encodeStatus({ status: 'not_allowed' })))
  })

  it('says that the cookie is wrong, on both sides', async () => {
    const { a, b } = memoryCarriers()
    const dialling = start(a, { handshake: { ...dial, cookieFor: () => 'x' } })
    const accepting = start(b, { handshake: accept })
    await expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: A.name })
    await expect(dialling.result).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: B.name })
  })

  it('ends at once when it is aborted', async () => {
    const reason = new Error('our dial was overtaken')
    const controller = new AbortController()
    const { a, b } = memoryCarriers()
    const dialling = start(a, { handshake: dial, signal: controller.signal })
    const peer = puppet(b)
    controller.abort(reason)
    await expect(dialling.result).rejects.toBe(reason)
    await peer.closed
    const late = start(memoryCarriers().a, { handshake: dial, signal: controller.signal })
    await expect(late.result).rejects.toBe(reason)
  })

  it('says why without sending anything when the name cannot be dialled', async () => {
    const { a, b } = memoryCarriers()
    const dialling = start(a, { handshake: { ...dial, peerName: 'b@short' } })
    const peer = puppet(b)
    await expect(dialling.result).rejects.toMatchObject({ code: 'ERR_CONNECT_SPLIT_NAMES' })
    await peer.closed
    expect(peer.heard).toEqual([])
  })

  it('keeps nothing of what a peer goes on sending', async () => {
    const { a, b } = memoryCarriers()
    const accepting = start(a, { handshake: accept })
    const failed = expect(accepting.result).rejects.toMatchObject({ code: 'ERR_CONNECT_PROTOCOL' })
    let closed = false
    b.open({ data() {}, drain() {}, closed: () => (closed = true) })
    b.write(Buffer.from([0xff, 0xff]))
    for (let i = 0; i < 100 && !closed; i++) {
      b.write(Buffer.alloc(100_000))
      await turn()
    }
    await failed
    expect(closed).toBe(true)
  })
})
