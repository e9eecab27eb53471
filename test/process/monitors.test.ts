import { beforeEach, describe, expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import { atom } from '../../src/term/atom.ts'
import { Pid, Reference } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { settled, within } from './observe.ts'

const BOOM = atom('boom')
const NOPROC = atom('noproc')
const NOCONNECTION = atom('noconnection')

let network: FakeNetwork
let a: FakeNode
let b: FakeNode
let self: Process

beforeEach(async () => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
  self = await within(a.system)
})

function down(ref: Reference, object: Term, reason: Term): Term {
  return tuple(atom('DOWN'), ref, atom('process'), object, reason)
}

describe.each(['local', 'remote'])('a monitor on a %s process', (where) => {
  let node: FakeNode
  let other: Process

  beforeEach(async () => {
    node = where === 'local' ? a : b
    other = await within(node.system, { name: 'other' })
  })

  it('fires once, with the pid and the reason', async () => {
    const ref = self.monitor(other.pid)
    await settled()
    node.system.exit(other.pid, BOOM)
    expect(await self.receive()).toEqual(down(ref, other.pid, BOOM))
    await settled()
    expect(self.mailboxLength).toBe(0)
    expect([a.system.counts.references, b.system.counts.references]).toEqual([0, 0])
  })

  it('by name fires with name and node', async () => {
    const ref = self.monitor({ name: 'other', node: node.name.name })
    await settled()
    node.system.exit(other.pid, BOOM)
    expect(await self.receive()).toEqual(down(ref, tuple(atom('other'), node.name), BOOM))
  })

  it('stays with the process when the name goes to another', async () => {
    const ref = self.monitor({ name: 'other', node: node.name })
    await settled()
    node.system.unregister('other')
    const heir = await within(node.system, { name: 'other' })
    node.system.exit(heir.pid, BOOM)
    await settled()
    expect(self.mailboxLength).toBe(0)
    node.system.exit(other.pid, atom('late'))
    expect(await self.receive()).toEqual(down(ref, tuple(atom('other'), node.name), atom('late')))
  })

  it('counts each time', async () => {
    const refs = [self.monitor(other.pid), self.monitor(other.pid)]
    await settled()
    node.system.exit(other.pid, BOOM)
    expect(await self.receive()).toEqual(down(refs[0] as Reference, other.pid, BOOM))
    expect(await self.receive()).toEqual(down(refs[1] as Reference, other.pid, BOOM))
  })

  it('that was taken away does not fire', async () => {
    const ref = self.monitor(other.pid)
    await settled()
    self.demonitor(ref)
    await settled()
    node.system.exit(other.pid, BOOM)
    await settled()
    expect(self.mailboxLength).toBe(0)
    expect(a.system.counts.references).toBe(0)
  })

  it('can take the message back that came already', async () => {
    const [kept, flushed] = [self.monitor(other.pid), self.monitor(other.pid)]
    await settled()
    node.system.exit(other.pid, BOOM)
    await settled()
    self.demonitor(flushed, { flush: true })
    self.demonitor(kept)
    expect(self.mailboxLength).toBe(1)
    expect(await self.receive()).toEqual(down(kept, other.pid, BOOM))
  })

  it('goes with the process that set it', async () => {
    self.monitor(other.pid)
    await settled()
    a.system.exit(self.pid, BOOM)
    await settled()
    expect(a.system.counts.references).toBe(0)
    if (where === 'remote') expect(a.sent.at(-1)).toBe('demonitor')
    node.system.exit(other.pid, BOOM)
    await settled()
    expect(node.sent).toEqual([])
  })

  it('on what is not there fires with noproc', async () => {
    node.system.exit(other.pid, BOOM)
    const byPid = self.monitor(other.pid)
    const byName = self.monitor({ name: 'nobody', node: node.name })
    expect(await self.receive()).toEqual(down(byPid, other.pid, NOPROC))
    expect(await self.receive()).toEqual(down(byName, tuple(atom('nobody'), node.name), NOPROC))
    await settled()
    expect(a.system.counts.references).toBe(0)
  })
})

describe('a monitor', () => {
  it('fires with noconnection when the link goes down, and only that of its node', async () => {
    const c = network.node('c@host')
    const [other, third] = [await within(b.system), await within(c.system)]
    const ref = self.monitor(other.pid)
    self.monitor(third.pid)
    await settled()
    network.cut(a, b)
    expect(await self.receive()).toEqual(down(ref, other.pid, NOCONNECTION))
    expect(self.mailboxLength).toBe(0)
    expect(a.system.counts).toMatchObject({ references: 1, peers: 1 })
  })

  it('on a node that cannot be reached fires with noconnection', async () => {
    const ref = self.monitor({ name: 'x', node: 'nowhere@host' })
    expect(await self.receive()).toEqual(down(ref, tuple(atom('x'), atom('nowhere@host')), NOCONNECTION))
    expect(a.system.counts).toMatchObject({ references: 0, peers: 0 })
  })

  it('on its own process never fires', () => {
    self.monitor(self.pid)
    a.system.exit(self.pid, BOOM)
    expect(a.system.counts.references).toBe(0)
    expect(a.sent).toEqual([])
  })

  it('of a peer that is gone is forgotten', async () => {
    const other = await within(b.system)
    other.monitor(self.pid)
    other.monitor({ name: 'nobody', node: a.name })
    await settled()
    network.cut(a, b)
    network.heal(a, b)
    a.sent.length = 0
    a.system.exit(self.pid, BOOM)
    await settled()
    expect(a.sent).toEqual([])
    expect(a.system.counts.peers).toBe(0)
  })

  it('fires at the one who set it only: the answer of another peer does not count', async () => {
    const other = await within(b.system)
    const ref = self.monitor(other.pid)
    const liar = atom('c@host')
    a.system.inbound.handleMonitor(liar, new Pid(liar, 1, 0, 1), self.pid, new Reference(liar, [1, 2, 3], 1))
    a.system.inbound.handleMonitorExit(liar, atom('x'), self.pid, ref, BOOM)
    a.system.inbound.handleMonitorExit(b.name, other.pid, self.pid, new Reference('a@host', [1, 2, 3], 7), BOOM)
    expect(self.mailboxLength).toBe(0)
  })

  it('is answered for a pid of an earlier incarnation, and for a pid of elsewhere', async () => {
    const from = new Pid(b.name, 1, 0, 7)
    network.hold(a, b)
    const { id, serial } = self.pid
    a.system.inbound.handleMonitor(b.name, from, new Pid(a.name, id, serial, 6), new Reference(b.name, [1, 1, 1], 7))
    a.system.inbound.handleMonitor(b.name, from, new Pid('c@host', id, serial, 7), new Reference(b.name, [2, 1, 1], 7))
    expect(a.sent).toEqual(['monitorExit', 'monitorExit'])
  })

  it('is taken away only by the process that set it', async () => {
    const ref = new Reference(b.name, [1, 1, 1], 7)
    const from = new Pid(b.name, 1, 0, 7)
    network.hold(a, b)
    a.system.inbound.handleMonitor(b.name, from, self.pid, ref)
    a.system.inbound.handleDemonitor(b.name, new Pid(b.name, 2, 0, 7), ref)
    a.system.inbound.handleDemonitor(b.name, from, new Reference(b.name, [9, 9, 9], 7))
    a.system.exit(self.pid, BOOM)
    expect(a.sent).toEqual(['monitorExit'])
  })
})

it('100,000 monitors of a peer go down with its link, and leave nothing', async () => {
  const other = await within(b.system)
  for (let i = 0; i < 100_000; i++) self.monitor(other.pid)
  await settled()
  network.cut(a, b)
  expect(self.mailboxLength).toBe(100_000)
  expect([a.system.counts, b.system.counts]).toMatchObject([
    { references: 0, peers: 0 },
    { references: 0, peers: 0 },
  ])
})
