import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import { MESH_NAME } from '../../src/node/mesh.ts'
import { atom, Pid, tuple } from '../../src/term/index.ts'
import { Cluster, event } from './cluster.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(() => cluster[Symbol.asyncDispose]())

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'
const GHOST = 'ghost@127.0.0.1'

/** Tells a node, as if from `reporter`, which must be connected to it. */
function report(reporter: LocalNode, to: LocalNode, what: 'nodes' | 'up' | 'down', names: string | string[]): void {
  const from = new Pid(reporter.name, 1, 0, reporter.creation)
  reporter.send({ name: MESH_NAME, node: to.name }, tuple(atom(MESH_NAME), 1, from, atom(what), names))
}

/** Resolves when all that was sent before between the two has been taken. */
async function barrier(from: LocalNode, to: LocalNode): Promise<void> {
  expect(await from.ping(to.name)).toBe('pong')
  await new Promise((resolve) => setImmediate(resolve))
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

  it('also tells those that do not dial, and lets them be dialled', async () => {
    const a = await cluster.start('a', { mesh: false })
    const b = await cluster.start('b', { mesh: false, connectTo: A })
    await b.ready()
    const c = await cluster.start('c', { connectTo: A })
    await c.ready({ nodes: 2 })
    expect([a.nodes().sort(), b.nodes().sort()]).toEqual([
      [B, C],
      [A, C],
    ])
  })

  it('does without those that neither dial nor are dialled', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { mesh: false, connectTo: A })
    const c = await cluster.start('c', { mesh: false, connectTo: A })
    await Promise.all([b.ready(), c.ready(), a.ready({ nodes: 2 })])
    await Promise.all([barrier(b, a), barrier(c, a)])
    expect([b.nodes('known'), c.nodes('known')]).toEqual([[A], [A]])
  })

  it('dials only whom the allow list has', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { allow: [A], connectTo: A })
    await b.ready()
    report(a, b, 'up', GHOST)
    report(a, b, 'nodes', [C])
    await barrier(a, b)
    expect(b.nodes('known')).toEqual([A])
  })

  it('looks for a reported name as long as somebody reports it', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    const c = await cluster.start('c', { connectTo: [A, B] })
    await Promise.all([b.ready({ nodes: 2 }), c.ready({ nodes: 2 })])
    report(b, a, 'up', GHOST)
    report(c, a, 'nodes', [GHOST, B])
    await Promise.all([barrier(b, a), barrier(c, a)])
    expect(a.nodes('known').sort()).toEqual([B, C, GHOST])
    report(b, a, 'down', GHOST)
    await barrier(b, a)
    expect(a.nodes('known')).toContain(GHOST)
    const down = event(a, 'nodedown', C)
    await c.close()
    await down
    if (a.nodes('known').includes(GHOST)) {
      // Its last dial was under way; none follows.
      expect((await event(a, 'connect-failed', GHOST))[2]).toBeUndefined()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(a.nodes('known')).not.toContain(GHOST)
  })

  it('does not try again in vain a name it only heard of, until that comes up anew', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready()
    const other = await cluster.start('c', { cookie: 'another' })
    const failed = event(a, 'connect-failed', C)
    report(b, a, 'up', C)
    expect(await failed).toMatchObject([C, { code: 'ERR_CONNECT_COOKIE' }, undefined])
    await other.close()
    await cluster.start('c')
    const up = event(a, 'nodeup', C)
    report(b, a, 'down', C)
    report(b, a, 'up', C)
    await up
    expect(a.nodes().sort()).toEqual([B, C])
  })

  it('ignores what is no report, and reports of itself and of what is no name', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: A })
    await b.ready()
    const to = { name: MESH_NAME, node: A }
    const from = new Pid(B, 1, 0, b.creation)
    const bad = [
      1,
      tuple(),
      tuple(atom(MESH_NAME), 2, from, atom('up'), C),
      tuple(atom(MESH_NAME), 1, 'b', atom('up'), C),
    ]
    for (const message of bad) b.send(to, message)
    b.send(to, tuple(atom(MESH_NAME), 1, new Pid('stranger@127.0.0.1', 1, 0, 1), atom('up'), C))
    for (const name of [A, 'nonsense', 'a@b@c']) report(b, a, 'up', name)
    report(b, a, 'nodes', 'none' as string)
    await barrier(b, a)
    expect(a.nodes('known')).toEqual([B])
  })

  it('makes bytes stay bytes in both directions, and atoms unbounded', async () => {
    const limits = { keyAtoms: 2 }
    const a = await cluster.start('a', { limits })
    const b = await cluster.start('b', { limits, connectTo: A })
    await Promise.all([a.ready(), b.ready()])
    await Promise.all([barrier(a, b), barrier(b, a)])
    await a.start({ handleCall: (request) => request }, { name: 'echo' })
    await b.start({ handleCall: (request) => request }, { name: 'echo' })
    const message = { one: new Uint8Array([104, 105]), two: 'hi', three: 3, four: 4 }
    expect(await b.call({ name: 'echo', node: A }, message)).toEqual(message)
    expect(await a.call({ name: 'echo', node: B }, message)).toEqual(message)
  })
})
