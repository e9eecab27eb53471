import { expect, it, vi } from 'vitest'
import { TsunagiError } from '../../src/base/errors.ts'
import { atom, Pid, Reference, tuple } from '../../src/term/index.ts'
import { message, type RawPeer } from '../support/raw-peer.ts'
import { nextEvent } from '../support/scene.ts'
import { Target } from './target.ts'

const KiB = 1024
const MONITOR_P = 19
const limits = { linkHighWater: 64 * KiB, linkMax: 512 * KiB }
const payload = new Uint8Array(16 * KiB)

/** Sends until `send` throws; answers how many were taken, and how many of those without a warning. */
function fill(
  target: Target,
  peer: RawPeer,
  message: Uint8Array = payload,
): { taken: number; free: number; error: unknown } {
  let free = 0
  for (let taken = 0; ; taken++) {
    try {
      if (target.node.send({ name: 'sink', node: peer.name }, message)) free++
    } catch (error) {
      return { taken, free, error }
    }
  }
}

const queuedFor = (target: Target, peer: RawPeer) =>
  target.node.links().find(({ node }) => node === peer.name)?.queuedBytes ?? 0

/** Fills the link again and again, until what the kernel takes off our hands is full too. */
async function stuff(target: Target, peer: RawPeer): Promise<number> {
  let taken = 0
  for (let idle = 0; idle < 20; ) {
    const { taken: more } = fill(target, peer)
    taken += more
    idle = more === 0 ? idle + 1 : 0
    await new Promise((resolve) => setImmediate(resolve))
  }
  return taken
}

it('a peer that does not read stops its own link only, within its limits, and loses nothing when it reads again', async () => {
  await using target = await Target.start({ limits })
  await using peer = await target.peer()
  peer.pause()
  const { free, taken, error } = fill(target, peer)
  // The messages of one turn leave together at its end: so far nothing did.
  expect(free).toBeGreaterThan(0)
  expect(free).toBeLessThan(taken)
  expect(error).toBeInstanceOf(TsunagiError)
  expect(error).toMatchObject({ code: 'ERR_LINK_FULL' })
  const total = taken + (await stuff(target, peer))
  expect(queuedFor(target, peer)).toBeGreaterThan(limits.linkHighWater)
  expect(queuedFor(target, peer)).toBeLessThan(limits.linkMax + 2 * payload.length)
  await target.survived()

  const order: string[] = []
  const drained = target.node.drained(peer.name).then(() => order.push('drained'))
  await target.survived()
  order.push('reads')
  peer.resume()
  await drained
  expect(order).toEqual(['reads', 'drained'])
  expect(queuedFor(target, peer)).toBeLessThan(limits.linkHighWater)
  expect(target.node.send({ name: 'sink', node: peer.name }, atom('last'))).toBe(true)
  // Nothing that was taken is missing, and nothing came that was refused.
  const frames = await peer.receive((all) => (all.at(-1)?.includes('last') ? all : undefined))
  expect(frames.filter((bytes) => bytes.length > payload.length)).toHaveLength(total)
  await target.survived()
})

/** Sends `count` monitors of a name nobody has: more than 1,000 bytes each, and so are the answers. */
function ask(peer: RawPeer, count: number): void {
  const from = new Pid(peer.name, 1, 0, 77)
  const nobody = atom('\u{1f47b}'.repeat(255))
  const monitors = Array.from({ length: count }, (_, i) =>
    message(tuple(MONITOR_P, from, nobody, new Reference(peer.name, [i, 1, 1], 77))),
  )
  peer.write(Buffer.concat(monitors))
}

it('a peer that asks and does not read is not read either, and gets every answer when it reads again', async () => {
  const few = { linkMax: 128 * KiB, fragmentedBytes: 128 * KiB }
  await using target = await Target.start({ limits: few })
  await using peer = await target.peer()
  peer.pause()
  // More than what fits into the sockets in both directions.
  const asked = 50_000
  ask(peer, asked)
  const most = few.linkMax + few.fragmentedBytes
  await vi.waitFor(() => expect(queuedFor(target, peer)).toBeGreaterThan(most), { timeout: 20_000, interval: 10 })
  await target.survived()
  // What one chunk of a socket asks for may come on top.
  expect(queuedFor(target, peer)).toBeLessThan(most + 128 * KiB)
  expect(peer.socket.writableLength).toBeGreaterThan(0)

  peer.resume()
  const link = () => target.node.links().find(({ node }) => node === peer.name)
  const caughtUp = () => expect(link()).toMatchObject({ messagesIn: asked, queuedBytes: 0 })
  await vi.waitFor(caughtUp, { timeout: 20_000, interval: 10 })
  expect(link()?.messagesOut).toBeGreaterThanOrEqual(asked)
  await target.survived()
})

it('a peer that asks and never reads is down after the tick time', async () => {
  await using target = await Target.start({
    limits: { linkMax: 64 * KiB, fragmentedBytes: 64 * KiB },
    netTickTime: 200,
  })
  const name = 'silent@127.0.0.1'
  const down = nextEvent(target.node, 'nodedown', name)
  await using peer = await target.peer({ name })
  peer.pause()
  ask(peer, 50_000)
  expect((await down)[1].reason).toBe('net_tick_timeout')
})

it('a wait for room ends with the link', async () => {
  await using target = await Target.start({ limits })
  await using peer = await target.peer()
  peer.pause()
  await stuff(target, peer)
  const waiting = expect(target.node.drained(peer.name)).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
  const down = nextEvent(target.node, 'nodedown', peer.name)
  peer.reset()
  expect((await down)[1].reason).toBe('connection_closed')
  await waiting
  await target.survived()
})

it('a peer that does not read is down after the tick time, whatever was sent to it', async () => {
  await using target = await Target.start({ limits, netTickTime: 200 })
  const name = 'silent@127.0.0.1'
  const down = nextEvent(target.node, 'nodedown', name)
  await using peer = await target.peer({ name })
  peer.pause()
  await stuff(target, peer)
  expect((await down)[1].reason).toBe('net_tick_timeout')
})

it('a big message to a peer that does not read keeps small ones from nobody else', async () => {
  await using target = await Target.start()
  await using peer = await target.peer()
  peer.pause()
  expect(target.node.send({ name: 'sink', node: peer.name }, new Uint8Array(32 * KiB * KiB))).toBe(false)
  await target.survived()
  peer.resume()
  await target.node.drained(peer.name)
  expect(target.node.send({ name: 'sink', node: peer.name }, atom('last'))).toBe(true)
  await target.survived()
})
