import { describe, expect, test } from 'vitest'
import { serverMessage } from '../../../src/node/global/messages.ts'
import { serverRequest } from '../../../src/node/global/requests.ts'
import { standardMethod } from '../../../src/node/global/resolve.ts'
import { atom, type Pid, type Term, tuple } from '../../../src/term/index.ts'
import { GlobalNode, type JoinStep, type ScriptedPeer, settle } from './scripted-peer.ts'

const STEPS: readonly JoinStep[] = [
  'nothing',
  'init_connect',
  'set_lock',
  'lock_set',
  'exchange',
  'no_resolved',
  'resolved',
  'in_sync',
]
const NOTHING = { known: [], pending: [], synced: [], locks: 0, names: 0, watches: 0, syncers: 0, sessions: 0 }

const method = standardMethod('random_exit_name')

/** A node with a peer that has joined. */
async function joined(names: readonly string[] = ['b@h']): Promise<[GlobalNode, ...ScriptedPeer[]]> {
  const ours = new GlobalNode('a@h')
  const peers: ScriptedPeer[] = []
  for (const name of names) {
    const peer = ours.peer(name)
    ours.connect(peer)
    await peer.join()
    peers.push(peer)
  }
  return [ours, ...peers]
}

function pidOf(peer: { node: GlobalNode['node'] }): Pid {
  return peer.node.system.spawn(async (self) => {
    await new Promise((resolve) => self.signal.addEventListener('abort', resolve))
  })
}

describe('joining a partition', () => {
  test('both have the names of both when the exchange is done, and the lock is free', async () => {
    const ours = new GlobalNode('a@h')
    await ours.global.registerName('mine', pidOf(ours))
    const peer = ours.peer('b@h')
    const pid = pidOf(peer)
    ours.connect(peer)
    await peer.join('in_sync', { names: [{ name: 'theirs', pid, method }] })
    expect(ours.global.whereisName('theirs')).toEqual(pid)
    expect(ours.held).toMatchObject({ known: [peer.name], synced: [peer.name], pending: [], locks: 0, sessions: 0 })
  })

  test('a node that takes the first step is followed, and one that does not is led', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    const theirs = await peer.hears('init_connect')
    peer.cast(peer.initConnect())
    await peer.hears('init_connect_ack')
    // Our locker waits for theirs a while, then begins itself.
    ours.node.clock.advance(200)
    const lockSet = await peer.hears('lock_set')
    expect(lockSet.set).toBe(true)
    expect(peer.locks).toEqual(['global'])
    peer.cast(peer.lockSet(theirs.tag))
    await peer.hears('exchange')
    peer.cast(peer.exchange(theirs.tag))
    await peer.hears('resolved')
    peer.cast(peer.resolved(theirs.tag))
    await settle()
    expect(ours.held).toMatchObject({ known: [peer.name], locks: 0, sessions: 0 })
  })

  test('the exchange may arrive before our own lock is known to be set', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    const theirs = await peer.hears('init_connect')
    peer.cast(peer.initConnect())
    peer.cast(peer.exchange(theirs.tag, [{ name: 'x', pid: pidOf(peer), method }]))
    peer.cast(peer.resolved(theirs.tag))
    await peer.lockerCalls(serverRequest.setLock(peer.lockId(theirs)))
    peer.cast(peer.lockSet(theirs.tag))
    await peer.hears('resolved')
    await settle()
    expect(ours.global.registeredNames()).toEqual(['x'])
  })

  test('what a partner tells of its partition is told to ours, and those nodes are connected', async () => {
    const [ours, b] = (await joined()) as [GlobalNode, ScriptedPeer]
    const [c, d] = [ours.peer('c@h'), ours.peer('d@h')]
    d.dialable = true
    ours.connect(c)
    const pid = pidOf(c)
    await c.join('in_sync', { names: [{ name: 'x', pid, method }], known: [[d.name, 8]] })
    const told = await b.hears('new_nodes')
    expect(told.nodes).toEqual([
      [c.name, 8],
      [d.name, 8],
    ])
    expect(told.operations).toMatchObject([{ insert: { name: 'x' } }])
    expect(ours.isConnected(d)).toBe(true)
    expect((await d.hears('in_sync')).node).toBe(ours.node.name)
    expect(ours.held).toMatchObject({ known: [b.name, c.name, d.name] })
  })

  test('a node one of our partition has joined is connected, and told that we are in sync', async () => {
    const [ours, b] = (await joined()) as [GlobalNode, ScriptedPeer]
    const c = ours.peer('c@h')
    c.dialable = true
    const pid = pidOf(c)
    const lock = tuple(atom('global'), ['locker'])
    b.cast(serverMessage.newNodes(b.name, [{ insert: { name: 'x', pid, method } }], [], [[c.name, 8]], 8, lock))
    expect((await c.hears('in_sync')).node).toBe(ours.node.name)
    expect(ours.held).toMatchObject({ known: [b.name, c.name], names: 1 })
    // It is known already, so that there is nothing to join.
    expect(c.told.map(({ kind }) => kind)).toEqual([])
  })

  test('a node of the partition that cannot be reached is reported as lost to all others', async () => {
    const [ours, b, c] = (await joined(['b@h', 'c@h'])) as [GlobalNode, ScriptedPeer, ScriptedPeer]
    const d = ours.peer('d@h')
    b.cast(serverMessage.newNodes(b.name, [], [], [[d.name, 8]], 8, tuple(atom('global'), [])))
    for (const peer of [b, c]) {
      expect(await peer.hears('lost_connection')).toMatchObject({ from: ours.node.name, to: d.name })
    }
    expect(ours.node.log.messages('warn')).toContain("'global' at a@h failed to connect to d@h")
    expect(ours.held).toMatchObject({ known: [b.name, c.name] })
  })

  test('where a node of the cluster may not be connected to, we leave, and nobody is reported as lost', async () => {
    const [ours, b] = (await joined()) as [GlobalNode, ScriptedPeer]
    const c = ours.peer('c@h')
    c.dialable = true
    ours.forbidden.add('c@h')
    b.cast(serverMessage.newNodes(b.name, [], [], [[c.name, 8]], 8, tuple(atom('global'), [])))
    await settle()
    expect([b, c].some((peer) => ours.isConnected(peer))).toBe(false)
    expect(b.told).toEqual([])
    expect(ours.held).toEqual(NOTHING)
    expect(ours.node.log.messages('error').join()).toContain('may not connect to c@h')
  })

  test.each(STEPS)('a peer that goes after %s leaves nothing behind', async (step) => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    await peer.join(step, { names: [{ name: 'x', pid: pidOf(peer), method }] })
    ours.disconnect(peer)
    await settle()
    expect(ours.held).toEqual(NOTHING)
    // It comes back, and all goes as if it had never been there.
    peer.told.length = 0
    ours.connect(peer)
    await peer.join()
    expect(ours.held).toMatchObject({ known: [peer.name], synced: [peer.name], locks: 0, sessions: 0 })
  })

  test('of many peers that come and go in the middle of all steps nothing is left', async () => {
    const ours = new GlobalNode('a@h')
    const before = ours.node.system.counts
    for (let i = 0; i < 200; i++) {
      const peer = ours.peer(`p${i}@h`)
      ours.connect(peer)
      await peer.join(STEPS[i % STEPS.length] as JoinStep, { names: [{ name: i, pid: pidOf(peer), method }] })
      ours.disconnect(peer)
    }
    await settle()
    expect(ours.held).toEqual(NOTHING)
    expect(ours.node.system.counts).toEqual(before)
    expect(ours.node.clock.pending).toBe(0)
  })

  test.each(STEPS)('while a peer hangs after %s, the calls of others are answered', async (step) => {
    const ours = new GlobalNode('a@h')
    const [peer, other] = [ours.peer('b@h'), ours.peer('c@h')]
    ours.connect(peer)
    await peer.join(step)
    ours.connect(other)
    await other.hears('init_connect')
    expect(await other.call(atom('get_known'))).toBeInstanceOf(Array)
    expect(await other.call(serverRequest.setLock({ resource: 'r', requester: 1 }))).toBe(true)
    expect(typeof (await other.call(serverRequest.setLock({ resource: atom('global'), requester: 1 })))).toBe('boolean')
  })

  test('a clash is decided by the node with the lesser name, where its own process lives', async () => {
    const ours = new GlobalNode('a@h')
    const mine = pidOf(ours)
    await ours.global.registerName('x', mine)
    const peer = ours.peer('b@h')
    const pid = pidOf(peer)
    ours.connect(peer)
    await peer.join('no_resolved', { names: [{ name: 'x', pid, method }] })
    // The lesser node's process stays: the peer is told so, and its own process was killed.
    await settle()
    expect(peer.node.system.isAlive(pid)).toBe(false)
    expect(ours.global.whereisName('x')).toEqual(mine)
  })

  test('a process of another node is asked for there, and what fails there leaves the name to the partner', async () => {
    const [ours, b] = (await joined(['b@h'])) as [GlobalNode, ScriptedPeer]
    const own = pidOf(b)
    await ours.global.registerName('x', own)
    const c = ours.peer('c@h')
    const pid = pidOf(c)
    ours.connect(c)
    await c.join('in_sync', { names: [{ name: 'x', pid, method }] })
    expect(ours.asked).toMatchObject([['b@h', 'global', 'resolve_it', method, 'x', pid, own]])
    expect(ours.global.whereisName('x')).toEqual(pid)
    const told = await b.hears('new_nodes')
    expect(told.operations).toMatchObject([{ insert: { name: 'x' } }])
  })

  test('a partner in another state starts the exchange anew', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    const first = await peer.hears('init_connect')
    peer.cast(peer.initConnect(1))
    await peer.hears('init_connect_ack')
    peer.say(serverMessage.cancelConnect(peer.name, first.tag))
    const second = await peer.hears('init_connect')
    expect(second.tag).not.toBe(first.tag)
    // A confirmation of tags we do not have, too.
    peer.cast(peer.initConnect(2))
    await peer.hears('init_connect_ack')
    peer.say(serverMessage.initConnectAck(peer.name, 4711, 4712))
    await peer.hears('cancel_connect')
    const third = await peer.hears('init_connect')
    peer.told.unshift(third)
    await peer.join()
    expect(ours.held).toMatchObject({ known: [peer.name], locks: 0, sessions: 0 })
  })

  test('messages of an earlier exchange are left aside', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    const { tag } = await peer.hears('init_connect')
    const names = [{ name: 'x', pid: pidOf(peer), method }]
    for (const stale of [0, undefined, 'text', (tag as number) + 1] as Term[]) {
      peer.cast(peer.lockSet(stale))
      peer.cast(peer.exchange(stale, names))
      peer.cast(peer.resolved(stale, [{ insert: names[0] as never }]))
      peer.say(serverMessage.cancelConnect(peer.name, stale))
    }
    await settle()
    expect(ours.held).toMatchObject({ names: 0, locks: 0, known: [] })
  })

  test('a node before OTP 25 is disconnected at once, with a reason in the log', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    peer.cast(peer.initConnect(1, 6))
    await settle()
    expect(ours.isConnected(peer)).toBe(false)
    expect(ours.node.log.messages('error').join()).toContain('speaks version 6')
    expect(ours.held).toEqual(NOTHING)
  })

  test('a node of version 7 is spoken to without confirmations and tags', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    const theirs = await peer.hears('init_connect')
    peer.cast(peer.initConnect(1, 7))
    await peer.lockerCalls(serverRequest.setLock(peer.lockId(theirs)))
    peer.cast(tuple(...peer.lockSet(0).slice(0, 4)))
    expect(await peer.hears('lock_set')).toMatchObject({ set: true, tagged: false })
    peer.cast(peer.exchange(theirs.tag))
    await peer.hears('resolved')
    peer.cast(peer.resolved(theirs.tag))
    await settle()
    await peer.lockerCalls(serverRequest.delLock(peer.lockId(theirs)))
    await settle()
    expect(peer.told.map(({ kind }) => kind)).toEqual(['exchange'])
    expect(ours.held).toMatchObject({ known: [peer.name], locks: 0, sessions: 0 })
  })

  test('a newer node is spoken to in our version', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer)
    await peer.hears('init_connect')
    peer.cast(peer.initConnect(1, 9))
    expect((await peer.hears('init_connect_ack')).theirTag).toBe(1)
  })

  test('hidden nodes have no part in it', async () => {
    const ours = new GlobalNode('a@h')
    const peer = ours.peer('b@h')
    ours.connect(peer, { hidden: true })
    peer.cast(peer.initConnect())
    peer.cast(serverMessage.newNodes(peer.name, [], [], [[atom('x@h'), 8]], 8, undefined))
    await settle()
    expect(peer.told).toEqual([])
    expect(ours.held).toEqual(NOTHING)
  })

  test('with connectAll off nothing is begun, and what others begin is not followed', async () => {
    const ours = new GlobalNode('a@h', { connectAll: false })
    const peer = ours.peer('b@h')
    ours.connect(peer)
    peer.cast(peer.initConnect())
    await settle()
    expect(peer.told).toEqual([])
    ours.disconnect(peer)
    expect(ours.held).toEqual(NOTHING)
  })
})
