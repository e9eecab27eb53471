import { describe, expect, it } from 'vitest'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { Link } from '../../src/dist/link.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { atom, type Term } from '../../src/term/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { A, B, type End, type JoinOptions, join, makeEnd, pid, settle } from './joined-links.ts'

const from = pid(A, 1)
const to = pid(B, 2)

/** A link whose peer is the test: it hears the link's bytes and says any. */
function puppet(options: JoinOptions = {}): {
  end: End
  say: (...bytes: number[]) => void
  heard: Buffer[]
  clock: FakeClock
} {
  const clock = new FakeClock()
  const { a, b } = memoryCarriers({ clock })
  const end = makeEnd(b, B, A, clock, options)
  end.link.open()
  const heard: Buffer[] = []
  a.open({ data: (chunk) => heard.push(Buffer.from(chunk)), drain() {}, closed() {} })
  return { end, heard, clock, say: (...bytes) => a.write(Uint8Array.from(bytes)) }
}

describe('ticks', () => {
  it('leave after each quarter of netTickTime in which nothing else did', async () => {
    const { heard, clock, say, end } = puppet({ netTickTime: 40_000 })
    clock.advance(9_999)
    await settle(2)
    expect(heard).toEqual([])
    clock.advance(1)
    await settle(2)
    expect(Buffer.concat(heard)).toEqual(Buffer.alloc(4))
    end.link.send.sendToPid(to, from, 'instead of a tick')
    say(0, 0, 0, 0)
    await settle(2)
    const length = Buffer.concat(heard).length
    clock.advance(10_000)
    await settle(2)
    expect(Buffer.concat(heard)).toHaveLength(length)
    clock.advance(10_000)
    await settle(2)
    expect(Buffer.concat(heard)).toHaveLength(length + 4)
    end.link.close()
  })

  it('keep a link up for as long as the peer sends any', async () => {
    const { a, b, clock } = join({ netTickTime: 40_000 })
    for (let i = 0; i < 50; i++) {
      clock.advance(10_000)
      await settle(2)
    }
    expect([a.link.down, b.link.down]).toEqual([false, false])
    expect(a.link.stats.messagesIn).toBe(0)
    a.link.close()
    b.link.close()
    expect(clock.pending).toBe(0)
  })

  it('end a link after four quarters of silence, between netTickTime and a quarter more', async () => {
    const { end, say, clock } = puppet({ netTickTime: 40_000 })
    clock.advance(10_000)
    say(0, 0, 0, 0)
    await settle(2)
    clock.advance(40_000)
    expect(end.link.down).toBe(false)
    clock.advance(10_000)
    expect(end.link.down).toBe(true)
    expect(await end.down).toEqual({ reason: 'net_tick_timeout', error: undefined })
    expect(clock.pending).toBe(0)
  })

  it('never end a link when netTickTime is Infinity', () => {
    const { end, clock } = puppet({ netTickTime: Number.POSITIVE_INFINITY })
    clock.advance(1e12)
    expect(end.link.down).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('are not added to what a full carrier holds already, and a partition is still noticed', async () => {
    const { a, cable, clock } = join({ netTickTime: 40_000, highWater: 10 })
    cable.freeze()
    a.link.send.sendToPid(from, to, 'is stuck')
    await settle(2)
    const { bytesOut } = a.link.stats
    clock.advance(30_000)
    expect(a.link.stats.bytesOut).toBe(bytesOut)
    clock.advance(10_000)
    expect((await a.down).reason).toBe('net_tick_timeout')
  })
})

describe('a link', () => {
  it('counts messages and bytes on both sides alike', async () => {
    const { a, b } = join()
    a.link.send.sendToPid(from, to, 'small')
    a.link.send.sendToPid(from, to, new Uint8Array(200_000))
    a.link.send.link(from, to)
    await b.heard.count(3)
    await settle(2)
    expect(a.link.stats).toEqual({
      bytesIn: 0,
      messagesIn: 0,
      messagesOut: 3,
      bytesOut: b.link.stats.bytesIn,
      queuedBytes: 0,
    })
    expect(b.link.stats).toEqual({
      bytesOut: 0,
      messagesOut: 0,
      messagesIn: 3,
      bytesIn: a.link.stats.bytesOut,
      queuedBytes: 0,
    })
    expect(b.heard.noted.map(([, , , size]) => size).slice(0, 2)).toEqual([expect.any(Number), expect.any(Number)])
    expect(Number(b.heard.noted[1]?.[3])).toBeGreaterThan(200_000)
  })

  it('sends what is queued before it disconnects, and delivers no more itself', async () => {
    const { a, b } = join()
    a.link.send.sendToPid(from, to, 'last words')
    b.link.send.sendToPid(to, from, 'too late')
    a.link.close('disconnect')
    expect(a.link.down).toBe(true)
    expect((await a.down).reason).toBe('disconnect')
    expect((await b.down).reason).toBe('connection_closed')
    expect(b.heard.noted).toHaveLength(1)
    expect(a.heard.noted).toEqual([])
  })

  it('ends once, for the first reason', async () => {
    const reasons: string[] = []
    const { a, b } = join({ more: { onDown: (reason) => reasons.push(reason) } })
    a.link.close('replaced')
    a.link.close('disconnect')
    b.link.close('disconnect')
    await settle(3)
    expect(reasons).toEqual(['replaced', 'disconnect'])
  })

  it('tells why its connection was lost', async () => {
    const { a, b, cable } = join()
    cable.fail(new Error('reset by peer'))
    expect(await a.down).toEqual({ reason: 'connection_closed', error: new Error('reset by peer') })
    expect((await b.down).reason).toBe('connection_closed')
  })

  it('takes what came behind the handshake first', () => {
    const { a, b } = memoryCarriers()
    const clock = new FakeClock()
    const chunks: Buffer[] = []
    const sender = makeEnd(a, A, B, clock)
    const { write } = a
    a.write = (chunk, written) => {
      chunks.push(Buffer.from(chunk))
      return write.call(a, chunk, written)
    }
    sender.link.send.sendToPid(from, to, atom('early'))
    sender.link.send.close()
    const early = makeEnd(b, B, A, clock, {
      more: {
        established: {
          role: 'acceptor',
          carrier: b,
          leftover: Buffer.concat(chunks),
          ownName: B,
          ownCreation: 2,
          peerName: A,
          peerCreation: 1,
          peerFlags: ourFlags(),
          flags: ourFlags(),
          hidden: true,
        },
      },
    })
    early.link.open()
    expect(early.heard.noted[0]?.slice(0, 3)).toEqual(['pid', '2.0.2', atom('early')])
  })

  it('that was closed before it opened neither reads nor ticks', async () => {
    const clock = new FakeClock()
    const { a, b } = memoryCarriers()
    const end = makeEnd(a, A, B, clock, { netTickTime: 40_000 })
    const other = makeEnd(b, B, A, clock)
    other.link.open()
    end.link.close()
    end.link.open()
    other.link.send.sendToPid(to, from, 1)
    await other.down
    expect(clock.pending).toBe(0)
    expect(end.heard.noted).toEqual([])
  })

  it('handles no signal behind the one at which its owner closed it', async () => {
    const seen: Term[] = []
    const { a, b } = join()
    b.heard.knows = () => {
      b.link.close()
      seen.push('closed')
      return true
    }
    for (let i = 0; i < 3; i++) a.link.send.sendToPid(from, to, i)
    await a.down
    expect(seen).toEqual(['closed'])
  })

  it('ends as after a protocol error when a handler throws, and its peer only loses the connection', async () => {
    const { a, b } = join()
    b.heard.knows = () => {
      throw new TypeError('a mistake')
    }
    a.link.send.sendToPid(from, to, 1)
    const { reason, error } = await b.down
    expect(reason).toBe('protocol_error')
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', cause: new TypeError('a mistake') })
    expect((await a.down).reason).toBe('connection_closed')
  })

  const header = ourFlags()
  const plain = ourFlags({ without: DFLAG.DIST_HDR_ATOM_CACHE | DFLAG.FRAGMENTS })
  const whole = ourFlags({ without: DFLAG.FRAGMENTS })
  const fragment = [131, 69, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0]

  it.each<[string, bigint, number[]]>([
    ['a frame without a header', header, [0, 0, 0, 4, 112, 131, 97, 1]],
    ['a frame of two bytes', header, [0, 0, 0, 2, 131, 68]],
    ['a header with an unknown tag', header, [0, 0, 0, 3, 131, 71, 0]],
    ['a header that is cut', header, [0, 0, 0, 3, 131, 68, 9]],
    ['a control message that is cut', header, [0, 0, 0, 5, 131, 68, 0, 104, 3]],
    ['an empty message', header, [0, 0, 0, 3, 131, 68, 0]],
    ['a fragment header that is cut', header, [0, 0, 0, 5, 131, 69, 0, 0, 0]],
    ['a fragment of nothing', header, [0, 0, 0, 18, 131, 70, ...fragment.slice(2, 18)]],
    ['a fragment that was not agreed on', whole, [0, 0, 0, fragment.length, ...fragment]],
    ['a header where none was agreed on', plain, [0, 0, 0, 4, 131, 68, 0, 104]],
    ['an empty pass-through message', plain, [0, 0, 0, 1, 112]],
    ['a length of 4 GiB', header, [255, 255, 255, 255]],
  ])('ends with a typed reason at %s', async (_name, flags, bytes) => {
    const { end, say } = puppet({ flags })
    say(...bytes)
    const { reason, error } = await end.down
    expect(reason).toBe('protocol_error')
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(PROTOCOL|DECODE)$/) })
    expect(end.heard.noted).toEqual([])
  })

  it('bounds what a peer leaves unfinished', async () => {
    const { end, say } = puppet({ limits: { fragmentSequences: 2 } })
    for (const id of [1, 2, 3]) say(0, 0, 0, fragment.length, ...fragment.slice(0, 9), id, ...fragment.slice(10))
    expect((await end.down).error?.message).toContain('more than 2 unfinished fragmented messages')
  })

  it('knows its peer from the handshake', () => {
    const { a } = join()
    expect(a.link).toBeInstanceOf(Link)
    expect(a.link).toMatchObject({
      peer: atom(B),
      peerCreation: 2,
      hidden: true,
      flags: ourFlags(),
      remoteAddress: undefined,
    })
  })
})
