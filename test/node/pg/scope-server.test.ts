import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/base/limits.ts'
import { ourFlags } from '../../../src/dist/flags.ts'
import type { Link } from '../../../src/dist/link.ts'
import type { PgEvent } from '../../../src/node/pg/groups.ts'
import { ScopeServer } from '../../../src/node/pg/scope-server.ts'
import type { NodeHost } from '../../../src/node/service.ts'
import type { Process } from '../../../src/process/process.ts'
import { atom, type Pid, type Term, tuple } from '../../../src/term/index.ts'
import { termKey } from '../../../src/term/term-key.ts'
import { FakeNetwork, type FakeNode } from '../../process/network.ts'

const NAME = atom('pg')
const G = termKey('g')

/** What a scope needs of a node, with links over a fake network. */
function hostOf(node: FakeNode, peers: FakeNode[]): NodeHost {
  const linkTo = (peer: FakeNode): Link => {
    const send = (to: { readonly pid: Pid } | { readonly name: string }, message: Term): boolean =>
      node.system.send('pid' in to ? to.pid : { name: to.name, node: peer.name }, message)
    return {
      peer: peer.name,
      peerCreation: 7,
      flags: ourFlags(),
      send: {
        sendToName: (_: Pid, name: { name: string }, message: Term) => send(name, message),
        sendToPid: (_: Pid, pid: Pid, message: Term) => send({ pid }, message),
      },
    } as unknown as Link
  }
  const links = new Map(peers.map((peer) => [peer.name, linkTo(peer)]))
  const { clock, log: logger, system: processes } = node
  const options = { clock, logger, limits: defaultLimits }
  return {
    self: node.name,
    creation: 7,
    options,
    processes,
    peers: { links: [...links.values()], linkTo: (name: typeof NAME) => links.get(name) },
  } as unknown as NodeHost
}

const idle = async (self: Process): Promise<void> => {
  for await (const _ of self);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function serve(node: FakeNode, peers: FakeNode[], events: PgEvent[] = []): ScopeServer {
  return new ScopeServer(NAME, hostOf(node, peers), { changed: (list) => void events.push(...list), down() {} })
}

describe('the server of a scope', () => {
  it('keeps nothing of a thousand vain looks for the scope of a peer', async () => {
    const network = new FakeNetwork()
    const [a, b] = [network.node('a@host'), network.node('b@host')]
    serve(a, [b])
    await settle()
    const { references } = a.system.counts
    for (let time = 0; time < 1000; time++) {
      a.clock.advance(5000)
      await settle()
    }
    expect(a.sent.filter((name) => name === 'monitor').length).toBeGreaterThan(1000)
    expect(a.system.counts).toMatchObject({ references })
    expect(b.system.counts).toMatchObject({ references: 0 })
    expect([a.clock.pending, a.log.lines.length]).toEqual([1, 0])
  })

  it('keeps nothing of hundreds of scopes that came and went, nor of members', async () => {
    const network = new FakeNetwork()
    const [a, b] = [network.node('a@host'), network.node('b@host')]
    const events: PgEvent[] = []
    const mine = serve(a, [b], events)
    const waiter = a.system.spawn(idle)
    mine.join(G, { name: 'g', pids: [waiter] })
    const before = a.system.counts
    for (let time = 0; time < 300; time++) {
      const theirs = serve(b, [a])
      const member = b.system.spawn(idle)
      theirs.join(G, { name: 'g', pids: [member, member] })
      await settle()
      a.clock.advance(1000)
      await settle()
      expect(mine.groups.members(G)).toHaveLength(3)
      expect(theirs.groups.members(G)).toHaveLength(3)
      b.system.exit(member, atom('gone'))
      await settle()
      expect(mine.groups.members(G)).toEqual([waiter])
      theirs.close()
      await settle()
    }
    // One that is in a group twice leaves it twice.
    expect(events).toHaveLength(901)
    expect(a.system.counts.references).toBeLessThanOrEqual(before.references + 1)
    expect(b.system.counts).toMatchObject({ references: 0, processes: 0, names: 0 })
    expect(b.clock.pending).toBe(0)
    mine.close()
    await settle()
    expect(a.system.counts).toMatchObject({ references: 0, processes: 1, names: 0 })
    expect(a.clock.pending).toBe(0)
    expect([...a.log.lines, ...b.log.lines]).toEqual([])
  })

  it('forgets a peer with its link, also while that is being told', async () => {
    const network = new FakeNetwork()
    const [a, b] = [network.node('a@host'), network.node('b@host')]
    const events: PgEvent[] = []
    const mine = serve(a, [b], events)
    const theirs = serve(b, [a])
    theirs.join(G, { name: 'g', pids: [b.system.spawn(idle)] })
    await settle()
    expect(mine.groups.members(G)).toHaveLength(1)
    network.cut(a, b)
    expect(mine.groups.members(G)).toEqual([])
    mine.down(b.name)
    theirs.down(a.name)
    expect(events.map(({ type }) => type)).toEqual(['join', 'leave'])
    expect([a.clock.pending, b.clock.pending]).toEqual([0, 0])
    theirs.join(G, { name: 'g', pids: [b.system.spawn(idle)] })
    await settle()
    expect(a.system.counts.references).toBe(0)
  })

  it('takes a DOWN from nobody but its own node', async () => {
    const network = new FakeNetwork()
    const [a, b] = [network.node('a@host'), network.node('b@host')]
    const mine = serve(a, [b])
    const theirs = serve(b, [a])
    theirs.join(G, { name: 'g', pids: [b.system.spawn(idle)] })
    await settle()
    // The reference of its monitor is known to the peer, which can only say what is untrue of itself.
    for (let id = 0; id < 20; id++) {
      const ref = tuple(atom('DOWN'), id, atom('process'), theirs.pid, atom('noproc'))
      b.system.send({ name: 'pg', node: a.name }, ref)
    }
    await settle()
    expect(mine.groups.members(G)).toHaveLength(1)
  })
})
