import { beforeEach, describe, expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import { atom } from '../../src/term/atom.ts'
import { Pid } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { settled, within } from './observe.ts'

const EXIT = atom('EXIT')
const BOOM = atom('boom')
const NOPROC = atom('noproc')
const NOCONNECTION = atom('noconnection')

let network: FakeNetwork
let a: FakeNode
let b: FakeNode

beforeEach(() => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
})

function endOf(self: Process): Term {
  return (self.signal.reason as { reason: Term } | undefined)?.reason ?? 'alive'
}

describe.each(['the same node', 'two nodes'])('a link between processes of %s', (where) => {
  let one: Process
  let two: Process

  beforeEach(async () => {
    one = await within(a.system)
    two = await within(where === 'two nodes' ? b.system : a.system)
  })

  it('ends the one with the reason of the other, in both directions', async () => {
    one.link(two.pid)
    await settled()
    a.system.exit(one.pid, BOOM)
    await settled()
    expect([endOf(one), endOf(two)]).toEqual([BOOM, BOOM])
    expect([a.system.counts.references, b.system.counts.references]).toEqual([0, 0])
  })

  it('works from the side that was linked', async () => {
    one.link(two.pid)
    await settled()
    one.exit(two.pid, BOOM)
    await settled()
    expect([endOf(one), endOf(two)]).toEqual([BOOM, BOOM])
  })

  it('passes kill on as an ordinary reason', async () => {
    two.trapExit = true
    one.link(two.pid)
    await settled()
    a.system.exit(one.pid, atom('kill'))
    expect(await two.receive()).toEqual(tuple(EXIT, one.pid, atom('killed')))
  })

  it('does nothing when one ends normally, unless the other traps exits', async () => {
    const three = await within(a.system, { trapExit: true })
    one.link(two.pid)
    one.link(three.pid)
    await settled()
    one.exit(one.pid, atom('normal'))
    expect(await three.receive()).toEqual(tuple(EXIT, one.pid, atom('normal')))
    await settled()
    expect(endOf(two)).toBe('alive')
  })

  it('is one link, however often it was made', async () => {
    two.trapExit = true
    one.link(two.pid)
    two.link(one.pid)
    await settled()
    one.link(two.pid)
    one.exit(one.pid, atom('normal'))
    await settled()
    expect(two.mailboxLength).toBe(1)
  })

  it('passes nothing on once it was taken away, by either side', async () => {
    for (const [unlinks, other] of [
      [one, two],
      [two, one],
    ] as const) {
      one.link(two.pid)
      await settled()
      unlinks.unlink(other.pid)
      await settled()
    }
    a.system.exit(one.pid, BOOM)
    await settled()
    expect(endOf(two)).toBe('alive')
  })

  it('can be made again after it was taken away', async () => {
    one.link(two.pid)
    await settled()
    one.unlink(two.pid)
    one.link(two.pid)
    await settled()
    a.system.exit(one.pid, BOOM)
    await settled()
    expect(endOf(two)).toBe(BOOM)
  })

  it('with itself or taken away where there is none is nothing', async () => {
    one.link(one.pid)
    one.unlink(two.pid)
    await settled()
    expect(a.sent).toEqual([])
  })
})

describe('a link with a process that is gone', () => {
  it('throws for a local one, and is an exit signal to who traps exits', async () => {
    const gone = await within(a.system)
    a.system.exit(gone.pid, BOOM)
    const self = await within(a.system)
    expect(() => self.link(gone.pid)).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
    self.trapExit = true
    self.link(gone.pid)
    expect(await self.receive()).toEqual(tuple(EXIT, gone.pid, NOPROC))
  })

  it('is an exit signal for a remote one', async () => {
    const gone = await within(b.system)
    b.system.exit(gone.pid, BOOM)
    const self = await within(a.system)
    self.link(gone.pid)
    await settled()
    expect(endOf(self)).toBe(NOPROC)
    expect(b.sent).toEqual(['exit'])
    expect(self.signal.aborted).toBe(true)
  })

  it('is an exit signal with noconnection when its node cannot be reached', async () => {
    const self = await within(a.system, { trapExit: true })
    const pid = new Pid('nowhere@host', 5, 0, 1)
    self.link(pid)
    expect(await self.receive()).toEqual(tuple(EXIT, pid, NOCONNECTION))
    expect(a.system.counts.peers).toBe(0)
  })
})

describe('the link protocol', () => {
  let local: Process
  const remote = new Pid('b@host', 99, 0, 7)
  const inbound = () => a.system.inbound

  beforeEach(async () => {
    local = await within(a.system, { trapExit: true })
    network.hold(a, b)
  })

  it('acknowledges every UNLINK_ID with its number, also without a link or a process', () => {
    const big = 2n ** 64n - 1n
    inbound().handleUnlink(b.name, big, remote, local.pid)
    inbound().handleUnlink(b.name, 3, remote, new Pid('a@host', 12345, 0, 7))
    expect(a.sent).toEqual(['unlinkAck', 'unlinkAck'])
  })

  it('takes an old UNLINK without answering it', () => {
    inbound().handleLink(b.name, remote, local.pid)
    inbound().handleUnlink(b.name, undefined, remote, local.pid)
    inbound().handleExit(b.name, remote, local.pid, BOOM)
    expect([a.sent, local.mailboxLength]).toEqual([[], 0])
  })

  it.each([
    // Signals from us and from the peer, and whether an EXIT after them arrives.
    ['link', ['link'], true],
    ['LINK from the peer', ['LINK'], true],
    ['link, unlink', ['link', 'unlink'], false],
    ['link, unlink, LINK while it is taken away', ['link', 'unlink', 'LINK'], false],
    ['link, unlink, ACK', ['link', 'unlink', 'ACK 1'], false],
    ['link, unlink, ACK, LINK', ['link', 'unlink', 'ACK 1', 'LINK'], true],
    ['link, unlink, link', ['link', 'unlink', 'link'], true],
    ['link, unlink, link, the late ACK', ['link', 'unlink', 'link', 'ACK 1'], true],
    ['link, unlink, link, unlink, the first ACK, LINK', ['link', 'unlink', 'link', 'unlink', 'ACK 1', 'LINK'], false],
    [
      'link, unlink, link, unlink, both ACKs, LINK',
      ['link', 'unlink', 'link', 'unlink', 'ACK 1', 'ACK 2', 'LINK'],
      true,
    ],
    ['link, UNLINK', ['link', 'UNLINK 9'], false],
    ['link, unlink, UNLINK crossing it, ACK, LINK', ['link', 'unlink', 'UNLINK 9', 'ACK 1', 'LINK'], true],
    ['link, unlink, UNLINK crossing it, LINK', ['link', 'unlink', 'UNLINK 9', 'LINK'], false],
    ['link, a wrong ACK', ['link', 'ACK 77'], true],
    ['nothing', [], false],
  ])('%s', (_title, steps, arrives) => {
    for (const step of steps) {
      const [kind, id] = step.split(' ')
      if (kind === 'link') local.link(remote)
      if (kind === 'unlink') local.unlink(remote)
      if (kind === 'LINK') inbound().handleLink(b.name, remote, local.pid)
      if (kind === 'UNLINK') inbound().handleUnlink(b.name, Number(id), remote, local.pid)
      if (kind === 'ACK') inbound().handleUnlinkAck(b.name, BigInt(id ?? 0), remote, local.pid)
    }
    inbound().handleExit(b.name, remote, local.pid, BOOM)
    expect(local.mailboxLength).toBe(arrives ? 1 : 0)
    // Whatever the state was, the EXIT ended it.
    inbound().handleExit(b.name, remote, local.pid, BOOM)
    expect(local.mailboxLength).toBe(arrives ? 1 : 0)
  })

  it('tells the peer nothing about a link that is being taken away when the process ends', async () => {
    local.link(remote)
    local.unlink(remote)
    a.system.exit(local.pid, atom('kill'))
    expect(a.sent).toEqual(['link', 'unlink'])
  })

  it('refuses signals in the name of another node', () => {
    const other = new Pid('c@host', 1, 0, 7)
    const ref = local.alias()
    expect([
      inbound().handleLink(b.name, other, local.pid),
      inbound().handleUnlink(b.name, 1, other, local.pid),
      inbound().handleUnlinkAck(b.name, 1, other, local.pid),
      inbound().handleExit(b.name, other, local.pid, BOOM),
      inbound().handleExit2(b.name, local.pid, local.pid, BOOM),
      inbound().handleMonitor(b.name, other, local.pid, ref),
      inbound().handleDemonitor(b.name, other, ref),
      inbound().handleMonitorExit(b.name, other, local.pid, ref, BOOM),
    ]).toEqual(new Array(8).fill(false))
    expect([a.sent, local.mailboxLength]).toEqual([[], 0])
  })
})

describe('a link that goes down', () => {
  it('breaks the links to its node with noconnection, and no others', async () => {
    const c = network.node('c@host')
    const [self, other, third] = [await within(a.system), await within(b.system), await within(c.system)]
    const trapping = await within(a.system, { trapExit: true })
    self.link(other.pid)
    trapping.link(other.pid)
    trapping.link(third.pid)
    await settled()
    network.cut(a, b)
    await settled()
    expect([endOf(self), endOf(other), endOf(third)]).toEqual([NOCONNECTION, NOCONNECTION, 'alive'])
    expect(await trapping.receive()).toEqual(tuple(EXIT, other.pid, NOCONNECTION))
    expect(trapping.mailboxLength).toBe(0)
  })

  it('makes nobody who ends because of it send to the node that is gone', async () => {
    const [self, one, two] = [await within(a.system), await within(b.system), await within(b.system)]
    self.link(one.pid)
    self.link(two.pid)
    self.monitor(two.pid)
    await settled()
    a.sent.length = 0
    network.cut(a, b)
    expect(endOf(self)).toBe(NOCONNECTION)
    expect(a.sent).toEqual([])
    expect([a.system.counts.peers, b.system.counts.peers]).toEqual([0, 0])
  })

  it('passes nothing on of a link that is being taken away', async () => {
    const [self, other] = [await within(a.system), await within(b.system)]
    self.link(other.pid)
    await settled()
    network.hold(a, b)
    self.unlink(other.pid)
    network.cut(a, b)
    expect([endOf(self), endOf(other)]).toEqual(['alive', NOCONNECTION])
  })
})

it('a chain of 20,000 linked processes ends without a deep stack', async () => {
  const first = await within(a.system)
  let last = first
  for (let i = 0; i < 20_000; i++) {
    const next = await within(a.system)
    last.link(next.pid)
    last = next
  }
  a.system.exit(first.pid, BOOM)
  expect(endOf(last)).toBe(BOOM)
  expect(a.system.counts.processes).toBe(0)
})

it('a reason no term stands for still ends the linked processes', async () => {
  const [self, other] = [await within(a.system), await within(b.system)]
  self.link(other.pid)
  await settled()
  a.system.exit(self.pid, (() => 1) as unknown as Term)
  await settled()
  expect(endOf(other)).toEqual(tuple(atom('unencodable_reason'), 'a function is no term'))
})

it('a link or monitor that cannot be sent is none', async () => {
  const [self, other] = [await within(a.system), await within(b.system)]
  const full = expect.objectContaining({ code: 'ERR_LINK_FULL' })
  network.full = true
  expect(() => self.link(other.pid)).toThrow(full)
  expect(() => self.monitor(other.pid)).toThrow(full)
  network.full = false
  network.cut(a, b)
  expect([endOf(self), self.mailboxLength, a.system.counts.references]).toEqual(['alive', 0, 0])
})
