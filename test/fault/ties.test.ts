import { afterEach, beforeEach, expect, it } from 'vitest'
import * as op from '../../src/dist/control.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, Pid, Reference, tuple } from '../../src/term/index.ts'
import { message, type RawPeer } from '../support/raw-peer.ts'
import { nextEvent, openProcess } from '../support/scene.ts'
import { Target } from './target.ts'

const peerTies = 100
let target: Target
let victim: Process

beforeEach(async () => {
  target = await Target.start({ limits: { peerTies, mailboxBytes: 1_000_000 } })
  victim = await openProcess(target.node, { name: 'victim', trapExit: true })
})

afterEach(async () => {
  await target[Symbol.asyncDispose]()
})

const theirs = (peer: RawPeer, id: number) => new Pid(peer.name, id, 0, 77)
const link = (peer: RawPeer, id: number) => message(tuple(op.LINK, theirs(peer, id), victim.pid))
const monitor = (peer: RawPeer, id: number) =>
  message(tuple(op.MONITOR_P, theirs(peer, 1), atom('victim'), new Reference(peer.name, [id, 1, 1], 77)))
const each = (make: (id: number) => Buffer, count: number) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i + 1)))

it('as many links and monitors as one peer may have are taken, and fall with its link', async () => {
  await using peer = await target.peer()
  const down = nextEvent(target.node, 'nodedown', peer.name)
  peer.write(each((id) => link(peer, id), peerTies / 2))
  peer.write(each((id) => monitor(peer, id), peerTies / 2))
  peer.write(message(tuple(op.MONITOR_P, theirs(peer, 1), atom('victim'), new Reference(peer.name, [1, 1, 1], 77))))
  expect((await down)[1].reason).toBe('protocol_error')
  for (let i = 0; i < peerTies / 2; i++) {
    const noted = await victim.receive()
    expect(noted).toEqual(tuple(atom('EXIT'), expect.any(Pid), atom('noconnection')))
  }
  expect(victim.mailboxLength).toBe(0)
  await target.survived()
})

it.each([
  ['links', link],
  ['monitors', monitor],
])('one more of its %s than a peer may have ends its link', async (_what, make) => {
  const flood = (peer: RawPeer) => peer.write(each((id) => make(peer, id), peerTies + 1))
  await target.endsLink(flood, /more than 100 links and monitors/)
})

it('links that were taken away again do not count', async () => {
  await using peer = await target.peer()
  const unlink = (id: number) => message(tuple(op.UNLINK_ID, id, theirs(peer, id), victim.pid))
  for (let round = 0; round < 3; round++) {
    peer.write(each((id) => link(peer, id), peerTies))
    peer.write(each(unlink, peerTies))
  }
  const asked = tuple(atom('$gen_call'), tuple(theirs(peer, 9), 'tag'), 'still there?')
  peer.send(tuple(op.REG_SEND, theirs(peer, 9), atom(''), atom('echo')), asked)
  await peer.receive((frames) => frames.find((bytes) => bytes.includes('still there?')))
  expect(target.node.nodes()).toContain(peer.name)
  await target.survived()
})

it('exit signals fill the mailbox of who traps them, by their size', async () => {
  await using peer = await target.peer()
  const ended = new Promise<void>((resolve) => victim.signal.addEventListener('abort', () => resolve()))
  const reason = 'x'.repeat(400_000)
  const exit2 = (): Buffer => message(tuple(op.PAYLOAD_EXIT2, theirs(peer, 1), victim.pid), reason)
  peer.write(exit2())
  expect(await victim.receive()).toEqual(tuple(atom('EXIT'), theirs(peer, 1), reason))
  peer.write(Buffer.concat([exit2(), exit2()]))
  peer.write(link(peer, 2))
  peer.write(message(tuple(op.PAYLOAD_EXIT, theirs(peer, 2), victim.pid), reason))
  await ended
  expect(target.log.messages('error')).toEqual([expect.stringContaining('its mailbox is full')])
  await target.survived()
})
