import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { atom, Pid, tuple } from '../../src/term/index.ts'
import { bare, frame, type RawPeer } from '../support/raw-peer.ts'
import { nextEvent } from '../support/scene.ts'
import { Target } from './target.ts'

const REG_SEND = 6

function fragment(kind: 69 | 70, sequence: bigint, left: bigint, ...data: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(18)
  head[0] = 131
  head[1] = kind
  head.writeBigUInt64BE(sequence, 2)
  head.writeBigUInt64BE(left, 10)
  return frame(head, ...(kind === 69 ? [Uint8Array.of(0)] : []), ...data)
}

const first = (sequence: bigint, left: bigint, ...data: readonly Uint8Array[]) => fragment(69, sequence, left, ...data)
const next = (sequence: bigint, left: bigint, ...data: readonly Uint8Array[]) => fragment(70, sequence, left, ...data)

const some = Buffer.alloc(100, 97)
const limits = { fragmentSequences: 4, fragmentedBytes: 64 * 1024 }

describe('fragments', () => {
  let target: Target

  beforeAll(async () => {
    target = await Target.start({ limits })
  })

  afterAll(async () => {
    await target?.[Symbol.asyncDispose]()
  })

  it.each<[string, Uint8Array[], RegExp]>([
    ['that skip one', [first(1n, 3n, some), next(1n, 1n, some)], /fragment 1 of sequence 1 where 2 is due/],
    ['that come twice', [first(1n, 3n, some), next(1n, 2n, some), next(1n, 2n, some)], /where 1 is due/],
    ['that count upwards', [first(1n, 3n, some), next(1n, 4n, some)], /fragment 4 of sequence 1 where 2 is due/],
    ['that begin in the middle', [next(7n, 2n, some)], /sequence 7, which never began/],
    ['that begin twice', [first(1n, 2n, some), first(1n, 2n, some)], /sequence 1 begins twice/],
    ['that go on after the end', [first(1n, 2n, some), next(1n, 1n), next(1n, 0n)], /\S/],
    ['of which there are none', [first(1n, 0n, some)], /sequence 1 has no fragments/],
    ['that count down to zero', [first(1n, 2n, some), next(1n, 0n, some)], /where 1 is due/],
    ['of too many messages', [1n, 2n, 3n, 4n, 5n].map((n) => first(n, 9n, some)), /more than 4 unfinished/],
    ['that make a message of garbage', [first(1n, 2n, some), next(1n, 1n, some)], /\S/],
    ['cut within their counts', [frame(Uint8Array.of(131, 69, 0, 0, 0, 1))], /\S/],
    ['of a message that is too long', [...lots()], /more than 65536 bytes/],
    ['that hold nothing, without end', [first(1n, 2n ** 64n - 1n), ...empties()], /more than 65536 bytes/],
  ])('%s end their link', async (_what, frames, reason) => {
    await target.endsLink((peer) => {
      for (const bytes of frames) peer.write(bytes)
    }, reason)
  })

  it('that were not agreed on end their link', async () => {
    const flags = ourFlags({ without: DFLAG.FRAGMENTS })
    await target.endsLink((peer) => peer.write(first(1n, 2n, some)), /not agreed on/, { flags })
  })

  it('that are never finished keep nobody waiting, and go with their link', async () => {
    await using peer = await target.peer()
    for (const n of [1n, 2n, 3n, 4n]) peer.write(first(n, 1000n, Buffer.alloc(10_000)))
    expect(await asks(peer, 'one')).toBe(true)
    await target.survived()
    const down = nextEvent(target.node, 'nodedown', peer.name)
    peer.socket.end()
    expect((await down)[1].reason).toBe('connection_closed')
    // The next one of that name begins anew.
    await using again = await target.peer({ name: peer.name })
    for (const n of [1n, 2n, 3n, 4n]) again.write(first(n, 1000n, Buffer.alloc(10_000)))
    expect(await asks(again, 'two')).toBe(true)
  })

  it('of several messages may come in turns', async () => {
    await using peer = await target.peer()
    const me = new Pid(peer.name, 9, 0, 77)
    const halves = ['left', 'right'].map((word) => {
      const call = tuple(atom('$gen_call'), tuple(me, 'tag'), word.repeat(100))
      const body = Buffer.concat([bare(tuple(REG_SEND, me, atom(''), atom('echo'))), bare(call)])
      return [body.subarray(0, 90), body.subarray(90)] as [Buffer, Buffer]
    })
    for (const [n, [head]] of halves.entries()) peer.write(first(BigInt(n), 2n, head))
    for (const [n, [, rest]] of halves.entries()) peer.write(next(BigInt(n), 1n, rest))
    for (const word of ['left', 'right']) {
      await peer.receive((frames) => frames.find((bytes) => bytes.includes(word.repeat(100))))
    }
    await target.survived()
  })
})

function* lots(): Iterable<Uint8Array> {
  yield first(1n, 9n, Buffer.alloc(30_000))
  for (let left = 8n; left > 0n; left--) yield next(1n, left, Buffer.alloc(30_000))
}

function* empties(): Iterable<Uint8Array> {
  for (let n = 2n; n < 70_000n; n++) yield next(1n, 2n ** 64n - n)
}

/** Whether a call on this link is answered. */
async function asks(peer: RawPeer, word: string): Promise<boolean> {
  const me = new Pid(peer.name, 9, 0, 77)
  peer.send(tuple(REG_SEND, me, atom(''), atom('echo')), tuple(atom('$gen_call'), tuple(me, 'tag'), word))
  return (await peer.receive((frames) => frames.find((bytes) => bytes.includes(word)))) !== undefined
}
