import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import {
  encodeMeshMessage,
  MESH_NAME,
  type MeshMessage,
  type NodesMessage,
} from '../../../src/node/mesh/mesh-message.ts'
import { atom, Pid, type Term, tuple } from '../../../src/term/index.ts'
import { RawPeer } from '../../support/raw-peer.ts'
import { Cluster, event } from '../cluster.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(() => cluster[Symbol.asyncDispose]())

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'
const D = 'd@127.0.0.1'
const GHOST = 'ghost@127.0.0.1'

/** Tells a node, as if the mesh of `reporter` did, which must be connected to it. */
function report(reporter: LocalNode, to: LocalNode, changes: Partial<NodesMessage>): void {
  const message = encodeMeshMessage({ type: 'nodes', seeking: [], sought: [], gone: [], ...changes })
  reporter.send({ name: MESH_NAME, node: to.name }, message)
}

/** Resolves when all that was sent before between the two has been taken. */
async function barrier(from: LocalNode, to: LocalNode): Promise<void> {
  expect(await from.ping(to.name, { timeout: 20_000 })).toBe('pong')
  await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when a node neither dials a name nor is about to. */
async function forgotten(node: LocalNode, name: string): Promise<void> {
  // Its last dial may still be under way; none follows.
  while (node.nodes('known').includes(name)) await event(node, 'connect-failed', name)
}

describe('the mesh', () => {
  it('connects all with all, whoever came first', async () => {
    const a = await cluster.start('a')
    const others = await Promise.all(['b', 'c', 'd', 'e'].map((name) => cluster.start(name, { connectTo: A })))
    const all = [a, ...others]
    await Promise.all(all.map((node) => node.ready({ nodes: 4, timeout: 20_000 })))
    for (const node of all) {
      const others = all.map(({ name }) => name).filter((name) => name !== node.name)
      expect(node.nodes().sort()).toEqual(others)
    }
  })

  it('connects two clusters that one link joins', async () => {
    const [a, b] = [await cluster.start('a'), await cluster.start('b', { connectTo: A })]
    const [c, d] = [await cluster.start('c'), await cluster.start('d', { connectTo: C })]
    await Promise.all([
      a.ready({ timeout: 20_000 }),
      b.ready({ timeout: 20_000 }),
      c.ready({ timeout: 20_000 }),
      d.ready({ timeout: 20_000 }),
    ])
    await a.connect(C)
    await Promise.all([a, b, c, d].map((node) => node.ready({ nodes: 3, timeout: 20_000 })))
    expect([b.nodes().sort(), d.nodes().sort()]).toEqual([
      [A, C, D],
      [A, B, C],
    ])
  })

  it('also tells those that do not dial, and lets them be dialled', async () => {
    const a = await cluster.start('a', { mesh: false })
    const b = await cluster.start('b', { mesh: false, connectTo: A })
    await b.ready({ timeout: 20_000 })
    const c = await cluster.start('c', { connectTo: A })
    await c.ready({ nodes: 2, timeout: 20_000 })
    expect([a.nodes().sort(), b.nodes().sort()]).toEqual([
      [B, C],
      [A, C],
    ])
  })

  it.each([{ mesh: false }, { connectAll: false }])('does without those that do not dial: %o', async (options) => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { ...options, connectTo: A })
    const c = await cluster.start('c', { ...options, connectTo: A })
    await Promise.all([
      b.ready({ timeout: 20_000 }),
      c.ready({ timeout: 20_000 }),
      a.ready({ nodes: 2, timeout: 20_000 }),
    ])
    report(a, b, { sought: [C] })
    await Promise.all([barrier(b, a), barrier(c, a), barrier(a, b)])
    expect([b.nodes('known'), c.nodes('known')]).toEqual([[A], [A]])
  })

  it('does not tell of one that only dials, which finds all others', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready({ timeout: 20_000 })
    const guest = await cluster.start('guest', { listen: false, connectTo: A })
    await guest.ready({ nodes: 2, timeout: 20_000 })
    await guest.disconnect(B)
    const c = await cluster.start('c', { connectTo: A })
    await c.ready({ nodes: 3, timeout: 20_000 })
    expect(c.nodes().sort()).toEqual([A, B, guest.name])
    expect([a, b, c].map((node) => node.lastError(guest.name))).toEqual([undefined, undefined, undefined])
    expect(cluster.lines('warn', guest.name)).toEqual([])
  })

  it('dials only whom the allow list has', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { allow: [A], connectTo: A })
    await b.ready({ timeout: 20_000 })
    report(a, b, { seeking: [GHOST], sought: [C] })
    await barrier(a, b)
    expect(b.nodes('known')).toEqual([A])
  })

  it('looks for a reported name as long as somebody reports it', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    const c = await cluster.start('c', { connectTo: [A, B] })
    await Promise.all([b.ready({ nodes: 2, timeout: 20_000 }), c.ready({ nodes: 2, timeout: 20_000 })])
    report(b, a, { sought: [GHOST] })
    report(c, a, { sought: [GHOST, B] })
    await Promise.all([barrier(b, a), barrier(c, a)])
    expect(a.nodes('known').sort()).toEqual([B, C, GHOST])
    report(b, a, { gone: [GHOST] })
    await barrier(b, a)
    expect(a.nodes('known')).toContain(GHOST)
    const down = event(a, 'nodedown', C)
    await c.close()
    await down
    await forgotten(a, GHOST)
  })

  it('does not try again in vain a name it only heard of, until that comes up anew', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready({ timeout: 20_000 })
    const other = await cluster.start('c', { cookie: 'another' })
    const failed = event(a, 'connect-failed', C)
    report(b, a, { sought: [C] })
    expect(await failed).toMatchObject([C, { code: 'ERR_CONNECT_COOKIE' }, undefined])
    await other.close()
    await cluster.start('c')
    const up = event(a, 'nodeup', C)
    report(b, a, { gone: [C], sought: [C] })
    await up
    expect(a.nodes().sort()).toEqual([B, C])
  })

  it('drags nobody back who disconnected, on either side, though others report it', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready({ timeout: 20_000 })
    const c = await cluster.start('c', { connectTo: A })
    await Promise.all([b.ready({ nodes: 2, timeout: 20_000 }), c.ready({ nodes: 2, timeout: 20_000 })])
    report(a, b, { sought: [C] })
    report(a, c, { sought: [B] })
    await Promise.all([barrier(a, b), barrier(a, c)])
    const down = event(b, 'nodedown', C)
    await c.disconnect(B)
    expect((await down)[1].reason).toBe('connection_closed')
    // The reports of a stand; b would be about to dial if they counted.
    expect(b.nodes('known')).toEqual([A])
    report(a, c, { gone: [B], sought: [B] })
    await barrier(a, c)
    expect(c.nodes()).toEqual([A])
    expect(a.nodes().sort()).toEqual([B, C])
    // Until somebody wants the link again.
    await c.connect(B)
    expect(b.nodes().sort()).toEqual([A, C])
  })

  it('finds a node that left and came again', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    const c = await cluster.start('c', { connectTo: A })
    await Promise.all([a, b, c].map((node) => node.ready({ nodes: 2, timeout: 20_000 })))
    const downs = [event(a, 'nodedown', C), event(b, 'nodedown', C)]
    await c.close()
    await Promise.all(downs)
    const ups = [event(a, 'nodeup', C), event(b, 'nodeup', C)]
    await cluster.start('c', { connectTo: A })
    await Promise.all(ups)
    expect(b.nodes().sort()).toEqual([A, C])
  })

  it('takes reports for those of the node whose link brought them', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    const c = await cluster.start('c', { connectTo: [A, B] })
    await Promise.all([b.ready({ nodes: 2, timeout: 20_000 }), c.ready({ nodes: 2, timeout: 20_000 })])
    const forged = tuple(atom(MESH_NAME), 1, atom('nodes'), [], [GHOST], [], new Pid(C, 1, 0, c.creation))
    const failed = event(a, 'connect-failed', GHOST)
    b.send({ name: MESH_NAME, node: A }, forged)
    await failed
    // c cannot take back what b reported.
    report(c, a, { gone: [GHOST] })
    await barrier(c, a)
    expect(a.nodes('known')).toContain(GHOST)
    const down = event(a, 'nodedown', B)
    await b.close()
    await down
    await forgotten(a, GHOST)
  })

  it('ignores what is no report, and reports of itself and of what is no name', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready({ timeout: 20_000 })
    const mesh = atom(MESH_NAME)
    const bad: Term[] = [
      1,
      tuple(),
      tuple(mesh, 2, atom('nodes'), [GHOST], [GHOST], []),
      tuple(mesh, 1, atom('nodes')),
      tuple(mesh, 1, atom('nodes'), GHOST, { name: GHOST }, 5),
      tuple(mesh, 1, atom('nodes'), [atom(GHOST), 5, null, 'nonsense', 'a@b@c', A], [Uint8Array.of(1, 255)], []),
      tuple(mesh, 1, atom('farewell')),
    ]
    for (const message of bad) b.send({ name: MESH_NAME, node: A }, message)
    await barrier(b, a)
    expect(a.nodes('known')).toEqual([B])
  })

  it('does not learn from one that did not say hello', async () => {
    const a = await cluster.start('a')
    const up = event(a, 'nodeup')
    await using raw = await RawPeer.connect(a, { cookie: 'c' })
    await up
    const from = new Pid(raw.name, 1, 0, 77)
    const control = tuple(6, from, atom(''), atom(MESH_NAME))
    raw.send(control, encodeMeshMessage({ type: 'nodes', seeking: [], sought: [GHOST], gone: [] }))
    const failed = event(a, 'connect-failed', GHOST)
    raw.send(control, encodeMeshMessage({ type: 'hello', seeking: true, listening: true }))
    raw.send(control, encodeMeshMessage({ type: 'nodes', seeking: [], sought: ['other@127.0.0.1'], gone: [] }))
    await event(a, 'connect-failed', 'other@127.0.0.1')
    expect(a.nodes('known').sort()).toEqual(['other@127.0.0.1', raw.name].sort())
    raw.send(control, encodeMeshMessage({ type: 'nodes', seeking: [], sought: [GHOST], gone: [] }))
    await failed
  })

  it('holds up nobody for one that reports ten thousand dead names, nor takes more', async () => {
    const a = await cluster.start('a')
    const up = event(a, 'nodeup')
    await using raw = await RawPeer.connect(a, { cookie: 'c' })
    await up
    const say = (message: MeshMessage) => {
      raw.send(tuple(6, new Pid(raw.name, 1, 0, 77), atom(''), atom(MESH_NAME)), encodeMeshMessage(message))
    }
    say({ type: 'hello', seeking: true, listening: true })
    const ghosts = Array.from({ length: 12_000 }, (_, i) => `ghost${i}@127.0.0.1`)
    const failed = event(a, 'connect-failed', ghosts[0])
    say({ type: 'nodes', seeking: [], sought: ghosts, gone: [] })
    say({ type: 'nodes', seeking: [], sought: ghosts.slice(-2_000), gone: [] })
    await failed
    expect(a.nodes('known')).toHaveLength(1 + 10_000)
    const b = await cluster.start('b')
    await a.connect(B, { timeout: 20_000 })
    expect(b.nodes()).toContain(A)
    const down = event(a, 'nodedown', raw.name)
    raw.reset()
    await down
    expect(a.nodes('known').some((name) => name.startsWith('ghost'))).toBe(false)
  })

  it('learns with every choice of how terms are decoded', async () => {
    const terms = { binaries: 'bytes', maps: 'map', floats: 'exact', keys: 'strings' } as const
    const a = await cluster.start('a', terms)
    const b = await cluster.start('b', { ...terms, connectTo: A })
    const c = await cluster.start('c', { ...terms, connectTo: A })
    await Promise.all([a, b, c].map((node) => node.ready({ nodes: 2, timeout: 20_000 })))
    expect(c.nodes().sort()).toEqual([A, B])
  })

  it('makes bytes stay bytes in both directions, and atoms unbounded', async () => {
    const limits = { keyAtoms: 2 }
    const a = await cluster.start('a', { limits })
    const b = await cluster.start('b', { limits, connectTo: A })
    await Promise.all([a.ready({ timeout: 20_000 }), b.ready({ timeout: 20_000 })])
    await Promise.all([barrier(a, b), barrier(b, a)])
    await a.start({ handleCall: (request) => request }, { name: 'echo' })
    await b.start({ handleCall: (request) => request }, { name: 'echo' })
    const message = { one: new Uint8Array([104, 105]), two: 'hi', three: 3, four: 4 }
    expect(await b.call({ name: 'echo', node: A }, message)).toEqual(message)
    expect(await a.call({ name: 'echo', node: B }, message)).toEqual(message)
  })
})
