import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { atom, Pid, tuple } from '../../src/term/index.ts'
import { bare, EMPTY_HEADER, frame, message, type RawPeer } from '../support/raw-peer.ts'
import { nextEvent } from '../support/scene.ts'
import { Target } from './target.ts'

const REG_SEND = 6
const someone = new Pid('raw@127.0.0.1', 1, 0, 77)

/** A message for a process that exists, so that it is decoded. */
const toEcho = (...payload: readonly Uint8Array[]) =>
  frame(EMPTY_HEADER, bare(tuple(REG_SEND, someone, atom(''), atom('echo'))), ...payload)

const repeated = (bytes: readonly number[], times: number) => Buffer.from(new Array(times).fill(bytes).flat())
const header = (...bytes: readonly number[]) => Uint8Array.of(131, 68, ...bytes)

describe('on an established link', () => {
  let target: Target

  beforeAll(async () => {
    target = await Target.start({ limits: { termCount: 100_000 } })
  })

  afterAll(async () => {
    await target?.[Symbol.asyncDispose]()
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['a length of 4 GiB', Uint8Array.of(0xff, 0xff, 0xff, 0xff), /a frame of 4294967295 bytes/],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /a frame of \d+ bytes/],
    ['a frame without a header', frame(Uint8Array.of(1, 2, 3, 4)), /without its distribution header/],
    ['a frame of one byte', frame(Uint8Array.of(131)), /without its distribution header/],
    ['a header of a kind that does not exist', frame(Uint8Array.of(131, 99, 0, 0)), /header has the tag 99/],
    ['a header cut short', frame(header(5)), /ends inside its distribution header/],
    ['a header cut within its atoms', frame(header(1, 8, 0, 200, 65)), /ends inside its distribution header/],
    ['a header that refers to what was never sent', frame(header(1, 0, 7)), /refers to an atom that was never sent/],
    ['an atom in the header that is no UTF-8', frame(header(1, 8, 0, 2, 0xff, 0xfe)), /not valid UTF-8/],
    ['an atom in the header that is too long', frame(header(1, 0x18, 0, 4, 0), Buffer.alloc(1024, 97)), /too long/],
    ['a frame without a control message', frame(EMPTY_HEADER), /\S/],
    ['a control message that is no tuple', frame(EMPTY_HEADER, bare([1, 2])), /no tuple/],
    ['a control message of nothing', frame(EMPTY_HEADER, bare(tuple())), /\S/],
    ['an operation that is no integer', frame(EMPTY_HEADER, bare(tuple(atom('send'), 1))), /without an operation/],
    ['an operation that is too big', frame(EMPTY_HEADER, bare(tuple(300, 1))), /without an operation/],
    ['a control message cut short', frame(EMPTY_HEADER, Uint8Array.of(104, 4, 97)), /\S/],
    ['a message without its payload', toEcho(), /\S/],
    ['bytes behind the payload', toEcho(bare(1), Uint8Array.of(1)), /longer than its terms/],
    ['an atom that is no UTF-8', toEcho(Uint8Array.of(119, 2, 0xc3, 0x28)), /\S/],
    ['an atom reference the header does not have', toEcho(Uint8Array.of(82, 9)), /\S/],
    ['a tag that does not exist', toEcho(Uint8Array.of(1)), /\S/],
    ['a term nested 100,000 deep', toEcho(repeated([108, 0, 0, 0, 1], 100_000)), /deep/],
    ['tuples nested 100,000 deep', toEcho(repeated([104, 1], 100_000)), /deep/],
    ['tails nested 100,000 deep', toEcho(repeated([108, 0, 0, 0, 1, 106], 100_000)), /\S/],
    ['a list that claims 2^32 elements', toEcho(Uint8Array.of(108, 0xff, 0xff, 0xff, 0xff, 97, 1)), /\S/],
    ['a tuple that claims 2^32 elements', toEcho(Uint8Array.of(105, 0xff, 0xff, 0xff, 0xff, 97, 1)), /\S/],
    ['a map that claims 2^32 pairs', toEcho(Uint8Array.of(116, 0xff, 0xff, 0xff, 0xff, 97, 1)), /\S/],
    ['a binary that claims 2^32 bytes', toEcho(Uint8Array.of(109, 0xff, 0xff, 0xff, 0xff, 1)), /\S/],
    ['an integer that claims 2^32 bytes', toEcho(Uint8Array.of(111, 0xff, 0xff, 0xff, 0xff, 0, 1)), /\S/],
    [
      'more terms than allowed',
      toEcho(Buffer.from([108, 0, 1, 0x86, 0xa1, ...new Array(100_001).fill(106), 106])),
      /\S/,
    ],
    [
      'a compressed bomb',
      toEcho(Uint8Array.of(80, 0xff, 0xff, 0xff, 0xff), deflateSync(Buffer.alloc(1_000_000))),
      /\S/,
    ],
  ])('%s ends it, and nothing else', async (_what, bytes, reason) => {
    await target.endsLink((peer) => peer.write(bytes), reason)
  })

  it('random bytes end it, and nothing else', async () => {
    for (let round = 0; round < 10; round++) {
      // The length is right, so that what follows is looked at.
      await target.endsLink((peer) => peer.write(frame(Uint8Array.of(131, 68), randomBytes(200))), /\S/)
    }
  })

  it('a compressed bomb ends it too where terms have versions', async () => {
    const flags = ourFlags({ without: DFLAG.DIST_HDR_ATOM_CACHE | DFLAG.FRAGMENTS })
    const bomb = Buffer.concat([Uint8Array.of(131, 80, 0x40, 0, 0, 0), deflateSync(Buffer.alloc(1_000_000))])
    const control = Buffer.concat([Uint8Array.of(112, 131), bare(tuple(REG_SEND, someone, atom(''), atom('echo')))])
    await target.endsLink((peer) => peer.write(frame(control, bomb)), /\S/, { flags })
  })

  it('a frame that never ends holds nobody else up', async () => {
    await using peer = await target.peer()
    const length = Buffer.alloc(4)
    length.writeUInt32BE(100 * 1024 * 1024)
    peer.write(Buffer.concat([length, EMPTY_HEADER]))
    await target.survived()
    const down = nextEvent(target.node, 'nodedown', peer.name)
    peer.socket.end()
    expect((await down)[1].reason).toBe('connection_closed')
    await target.survived()
  })

  it('a reset in the middle of a message loses only its own link', async () => {
    await using peer = await target.peer()
    const down = nextEvent(target.node, 'nodedown', peer.name)
    peer.write(message(tuple(REG_SEND, someone, atom(''), atom('echo')), Buffer.alloc(100_000)).subarray(0, 50_000))
    await target.survived()
    peer.reset()
    expect((await down)[1].reason).toBe('connection_closed')
    await target.survived()
  })

  it('one byte at a time is as good as any other way', async () => {
    await using peer = await target.peer()
    peer.socket.setNoDelay(true)
    const me = new Pid(peer.name, 1, 0, 77)
    const call = tuple(atom('$gen_call'), tuple(me, 'tag'), tuple('question', { a: [1, 2, 3] }))
    for (const byte of message(tuple(REG_SEND, me, atom(''), atom('echo')), call)) {
      peer.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const answer = await answerTo(peer)
    expect(answer.includes('question')).toBe(true)
    await target.survived()
  })
})

/** The first frame that carries `tag`. */
async function answerTo(peer: RawPeer): Promise<Buffer> {
  return await peer.receive((frames) => frames.find((bytes) => bytes.includes('tag')))
}
