import { expect, test } from 'vitest'
import { serverMessage } from '../../../src/node/global/messages.ts'
import { atom } from '../../../src/term/index.ts'
import { GlobalNode, type ScriptedPeer, settle } from './scripted-peer.ts'

const HOUR = 60 * 60 * 1000

/** A node with peers that have joined. */
async function joined(...names: string[]): Promise<[GlobalNode, ...ScriptedPeer[]]> {
  const ours = new GlobalNode('a@h')
  const peers: ScriptedPeer[] = []
  for (const name of names) {
    const peer = ours.peer(name)
    ours.connect(peer)
    await peer.join()
    peers.push(peer)
  }
  for (const peer of peers) peer.told.length = 0
  return [ours, ...peers]
}

const loss = (from: ScriptedPeer, to: ScriptedPeer, operation = 1) =>
  serverMessage.lostConnection(from.name, 99n, operation, to.name)

test('a connection we lose is reported to all we know, once', async () => {
  const [ours, b, c, d] = (await joined('b@h', 'c@h', 'd@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer, ScriptedPeer]
  ours.disconnect(b)
  await settle()
  for (const peer of [c, d])
    expect(peer.told).toMatchObject([{ kind: 'lost_connection', from: ours.node.name, to: b.name }])
  const first = c.told.pop()
  ours.connect(b)
  await b.join()
  c.told.length = 0
  ours.disconnect(b)
  const second = await c.hears('lost_connection')
  expect(first?.kind === 'lost_connection' && first.creation === second.creation).toBe(true)
  expect(first?.kind === 'lost_connection' && first.operation < second.operation).toBe(true)
})

test('a connection another node lost is passed on, and the lost node is asked to disconnect', async () => {
  const [ours, b, c, d] = (await joined('b@h', 'c@h', 'd@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer, ScriptedPeer]
  b.say(loss(b, c))
  await settle()
  expect(d.told).toMatchObject([{ kind: 'lost_connection', from: b.name, to: c.name }])
  expect(c.told.map(({ kind }) => kind).sort()).toEqual(['lost_connection', 'remove_connection'])
  expect(b.told).toEqual([])
  expect(ours.held).toMatchObject({ known: [b.name, d.name] })
  const text = "'global' at node a@h requested disconnect from node c@h in order to prevent overlapping partitions"
  expect(ours.node.log.messages('warn')).toEqual([text])
  // It does so; that is no news for the others.
  d.told.length = 0
  ours.disconnect(c)
  await settle()
  expect(d.told).toEqual([])
})

test('a report that was seen is not passed on again, nor an older one of the same node', async () => {
  const [, b, c, d] = (await joined('b@h', 'c@h', 'd@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer, ScriptedPeer]
  b.say(loss(b, c, 2))
  c.say(loss(b, c, 2))
  b.say(loss(b, c, 1))
  await settle()
  expect(d.told).toHaveLength(1)
  b.say(loss(b, c, 3))
  await settle()
  expect(d.told).toHaveLength(2)
})

test('a report is forgotten after an hour', async () => {
  const [ours, b, c, d] = (await joined('b@h', 'c@h', 'd@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer, ScriptedPeer]
  b.say(loss(b, c))
  await settle()
  ours.disconnect(c)
  ours.node.clock.advance(HOUR - 1)
  expect(ours.node.clock.pending).toBe(1)
  ours.node.clock.advance(1)
  expect(ours.node.clock.pending).toBe(0)
  b.say(loss(b, c))
  await settle()
  expect(d.told).toHaveLength(2)
})

test('when it is us who were lost, the reporter is asked to disconnect', async () => {
  const [ours, b] = (await joined('b@h', 'c@h')) as [GlobalNode, ScriptedPeer]
  b.say(serverMessage.lostConnection(b.name, 99n, 1, ours.node.name))
  expect((await b.hears('remove_connection')).node).toBe(ours.node.name)
})

test('who asks us to disconnect is disconnected, without a word to the others', async () => {
  const [ours, b, c] = (await joined('b@h', 'c@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer]
  b.say(serverMessage.removeConnection(b.name))
  await settle()
  expect(ours.isConnected(b)).toBe(false)
  expect(c.told).toEqual([])
  expect(ours.held).toMatchObject({ known: [c.name] })
  const text = "'global' at node a@h disconnected node b@h in order to prevent overlapping partitions"
  expect(ours.node.log.messages('warn')).toEqual([text])
})

test('who asks us to disconnect is disconnected also when we did not get to know it yet', async () => {
  const [ours, b] = (await joined('b@h')) as [GlobalNode, ScriptedPeer]
  const c = ours.peer('c@h')
  ours.connect(c)
  c.say(serverMessage.removeConnection(c.name))
  await settle()
  expect(ours.isConnected(c)).toBe(false)
  expect(b.told).toEqual([])
})

test('who does not disconnect when we ask is cut by us, and that is no news for the others', async () => {
  const [ours, b, c, d] = (await joined('b@h', 'c@h', 'd@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer, ScriptedPeer]
  b.say(loss(b, c))
  await c.hears('remove_connection')
  expect(ours.isConnected(c)).toBe(true)
  d.told.length = 0
  ours.node.clock.advance(5000)
  await settle()
  expect(ours.isConnected(c)).toBe(false)
  expect(d.told).toEqual([])
  // One that came anew meanwhile is left alone.
  ours.connect(c)
  await c.join()
  b.say(loss(b, c, 2))
  await c.hears('remove_connection')
  ours.disconnect(c)
  ours.connect(c)
  await c.join()
  ours.node.clock.advance(5000)
  await settle()
  expect(ours.isConnected(c)).toBe(true)
  // And one that another node brought back into the cluster.
  b.say(loss(b, c, 3))
  await c.hears('remove_connection')
  b.cast(serverMessage.newNodes(b.name, [], [], [[c.name, 8]], 8, undefined))
  await settle()
  ours.node.clock.advance(5000)
  await settle()
  expect(ours.isConnected(c)).toBe(true)
})

test('nobody can have a third node disconnected, or speak for it', async () => {
  const [ours, b, c] = (await joined('b@h', 'c@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer]
  b.say(serverMessage.removeConnection(c.name))
  b.cast(serverMessage.inSync(c.name))
  b.cast(serverMessage.newNodes(c.name, [], [], [[atom('x@h'), 8]], 8, undefined))
  await settle()
  expect(ours.isConnected(c)).toBe(true)
  expect(ours.held).toMatchObject({ known: [b.name, c.name] })
})

test('disconnect leaves the others connected to each other: nobody is told of a loss', async () => {
  const [ours, b, c] = (await joined('b@h', 'c@h')) as [GlobalNode, ScriptedPeer, ScriptedPeer]
  expect(ours.global.disconnect()).toEqual([b.name.name, c.name.name])
  await settle()
  expect([...b.told, ...c.told]).toEqual([])
  expect([b, c].some((peer) => ours.isConnected(peer))).toBe(false)
  expect(ours.held).toMatchObject({ known: [], sessions: 0 })
})

test('with connectAll off losses are neither reported nor heeded', async () => {
  const ours = new GlobalNode('a@h', { connectAll: false })
  const [b, c] = [ours.peer('b@h'), ours.peer('c@h')]
  for (const peer of [b, c]) ours.connect(peer)
  b.say(loss(b, c))
  await settle()
  ours.disconnect(b)
  await settle()
  expect(c.told).toEqual([])
  expect(ours.isConnected(c)).toBe(true)
})
