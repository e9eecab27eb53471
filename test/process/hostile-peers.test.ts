import { beforeEach, describe, expect, it } from 'vitest'
import { atom } from '../../src/term/atom.ts'
import { Pid, Reference } from '../../src/term/identifiers.ts'
import { ImproperList } from '../../src/term/special.ts'
import { tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { settled, within } from './observe.ts'

const BOOM = atom('boom')
const GEN_CALL = atom('$gen_call')

let a: FakeNode

beforeEach(() => {
  a = new FakeNetwork().node('a@host')
})

describe('peers that come and go', () => {
  it('leave nothing behind, 10,000 of them, whatever they did', async () => {
    const { inbound } = a.system
    const server = await a.system.start({ handleCall: () => 1 }, { name: 'server' })
    const self = await within(a.system, { trapExit: true })
    const before = a.system.counts
    for (let i = 0; i < 10_000; i++) {
      const peer = atom(`peer${i}@host`)
      const theirs = new Pid(peer, 1, 0, 7)
      const refs = Array.from({ length: 4 }, (_, n) => new Reference(peer, [n, i, 3], 7))
      const [first, second, third, fourth] = refs as [Reference, Reference, Reference, Reference]
      // What they do to us: some of it to processes that never were, or with references of the same number.
      inbound.handleMonitor(peer, theirs, server.pid, first)
      inbound.handleMonitor(peer, theirs, server.pid, first)
      inbound.handleMonitor(peer, theirs, atom('server'), second)
      inbound.handleMonitor(peer, theirs, new Pid(a.name, 9, 9, 7), third)
      inbound.handleMonitor(peer, theirs, atom('nobody'), fourth)
      inbound.handleLink(peer, theirs, self.pid)
      inbound.handleLink(peer, theirs, new Pid(a.name, 9, 9, 7))
      inbound.handleUnlinkAck(peer, 5, theirs, self.pid)
      inbound.receiverByPid(server.pid.id, server.pid.serial, 7)?.deliver(tuple(GEN_CALL, tuple(theirs, first), 1), 10)
      inbound.receiverByAlias(third)?.deliver('forged', 10)
      // What we do to them.
      self.monitor(theirs)
      self.monitor({ name: 'x', node: peer })
      self.link(theirs)
      const call = self.call(theirs, 1)
      call.catch(() => {})
      inbound.linkDown(peer)
    }
    await settled()
    expect(a.system.counts).toEqual({ ...before, peers: 0, references: 0 })
    expect(a.clock.pending).toBe(0)
    expect(a.system.isAlive(server.pid)).toBe(true)
    // Each told once: two DOWNs and an EXIT for what was linked from both sides.
    expect(self.mailboxLength).toBe(30_000)
  }, 120_000)

  it('cannot fire monitors, break links or answer calls of others', async () => {
    const { inbound } = a.system
    const self = await within(a.system, { trapExit: true })
    const [good, bad] = [atom('good@host'), atom('bad@host')]
    const theirs = new Pid(good, 1, 0, 7)
    const forger = new Pid(bad, 1, 0, 7)
    const ref = self.monitor(theirs)
    self.link(theirs)
    // A link closes for what breaks the protocol, and nothing comes of the rest.
    expect(inbound.handleExit(bad, theirs, self.pid, BOOM)).toBe(false)
    expect(inbound.handleMonitorExit(bad, theirs, self.pid, ref, BOOM)).toBe(false)
    expect(inbound.handleExit(bad, forger, self.pid, BOOM)).toBe(true)
    expect(inbound.handleMonitorExit(bad, forger, self.pid, ref, BOOM)).toBe(true)
    expect(inbound.handleDemonitor(bad, forger, ref)).toBe(true)
    expect(inbound.handleUnlink(bad, 1, forger, self.pid)).toBe(true)
    inbound.linkDown(bad)
    expect(self.mailboxLength).toBe(0)
    // A reply to a reference that was made up is no reply, and no alias either.
    const guess = new Reference(a.name, [1, 0, 12345], 7)
    expect(inbound.receiverByAlias(guess)).toBeUndefined()
    a.system.send(self.pid, tuple(new ImproperList([atom('alias')], guess), 'forged'))
    expect(self.mailboxLength).toBe(1)
    expect(await self.receive()).toEqual(tuple(new ImproperList([atom('alias')], guess), 'forged'))
  })
})
