import { describe, expect, it } from 'vitest'
import type { LinkStats } from '../../src/dist/link.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { atom, type Pid, Reference, tuple } from '../../src/term/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { message } from '../support/raw-peer.ts'
import { A, B, makeEnd, pid, Recorder, settle } from './joined-links.ts'

const MONITOR_P = 19
const limits = { linkHighWater: 1000, linkMax: 2000, fragmentedBytes: 3000 }
const netTickTime = 40_000
const questions = 200

/** Answers every monitor at once, as a node does for a name nobody has. */
class Answerer extends Recorder {
  answer: (from: Pid, target: Pid | ReturnType<typeof atom>, ref: Reference) => void = () => {}

  override monitor(from: Pid, target: Pid | ReturnType<typeof atom>, ref: Reference): void {
    super.monitor(from, target, ref)
    this.answer(from, target, ref)
  }
}

/** A link whose peer asks {@link questions} times and reads what it is told to. */
function peerThatAsks() {
  const clock = new FakeClock()
  const { a, b } = memoryCarriers({ clock })
  const handler = new Answerer()
  const { link, down } = makeEnd(b, B, A, clock, { limits, netTickTime, more: { handler } })
  handler.answer = (from, target, ref) => link.send.monitorExit(target, from, ref, atom('noproc'))
  link.open()
  let received = 0
  a.open({
    data: (chunk) => {
      received += chunk.length
    },
    drain() {},
    closed() {},
  })
  a.pause()
  for (let i = 0; i < questions; i++) {
    a.write(message(tuple(MONITOR_P, pid(A, 1), atom('nobody'), new Reference(A, [i, 1, 1], 1))))
  }
  return { clock, link, down, handler, peer: a, received: () => received }
}

const queued = ({ stats }: { readonly stats: LinkStats }) => stats.queuedBytes

describe('a peer that asks and does not read the answers', () => {
  it('is not read any more once they exceed what messages alone can queue, and gets all of them when it reads', async () => {
    const { link, handler, peer, received, clock } = peerThatAsks()
    await settle(2 * questions)
    expect(queued(link)).toBeGreaterThan(limits.linkMax + limits.fragmentedBytes)
    expect(queued(link)).toBeLessThan(limits.linkMax + limits.fragmentedBytes + 200)
    const asked = handler.noted.length
    expect(asked).toBeLessThan(questions)
    expect(peer.queuedBytes).toBeGreaterThan(0)

    peer.resume()
    await settle(6 * questions)
    expect(handler.noted).toHaveLength(questions)
    expect(queued(link)).toBe(0)
    expect(received()).toBe(link.stats.bytesOut)
    link.close()
    expect(clock.pending).toBe(0)
  })

  it('is down after netTickTime', async () => {
    const { clock, link, down } = peerThatAsks()
    await settle(2 * questions)
    clock.advance(netTickTime)
    expect(link.down).toBe(false)
    clock.advance(netTickTime / 4)
    expect(await down).toEqual({ reason: 'net_tick_timeout', error: undefined })
    expect(clock.pending).toBe(0)
  })

  it('lives as long as it reads a little, though it is not read', async () => {
    const { clock, link, peer } = peerThatAsks()
    await settle(2 * questions)
    const { bytesIn } = link.stats
    for (let i = 0; i < 8; i++) {
      clock.advance(netTickTime / 2)
      peer.resume()
      await settle(1)
      peer.pause()
      expect(link.down).toBe(false)
    }
    expect(queued(link)).toBeGreaterThan(limits.linkMax)
    expect(link.stats.bytesIn).toBe(bytesIn)
    link.close()
  })
})
