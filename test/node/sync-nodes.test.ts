import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { SyncNodesError } from '../../src/node/sync-nodes.ts'
import { Cluster, event } from './cluster.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(() => cluster[Symbol.asyncDispose]())

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'
const forEver = Number.POSITIVE_INFINITY

/** Real time, but for one timer that the test lets expire. */
function clockWithout(ms: number): Clock & { readonly expire: () => void } {
  let expire = (): void => {}
  return {
    now: systemClock.now,
    after(delay, callback, options) {
      if (delay !== ms) return systemClock.after(delay, callback, options)
      expire = callback
      return { cancel() {} }
    },
    expire: () => expire(),
  }
}

const TIMEOUT = 77_777

describe('a node that waits for others', () => {
  it('has started when all it lists have come', async () => {
    let started = false
    const waiting = cluster.start('a', { syncNodes: { mandatory: [B], optional: [C], timeout: forEver } })
    const noted = waiting.then(() => {
      started = true
    })
    const b = await cluster.start('b')
    await b.ready({ timeout: 20_000 })
    expect([b.nodes(), started]).toEqual([[A], false])
    await cluster.start('c')
    await noted
    expect((await waiting).nodes().sort()).toEqual([B, C])
  })

  it('and one that waits for it start both', async () => {
    const [a, b] = await Promise.all([
      cluster.start('a', { syncNodes: { mandatory: [B], timeout: forEver } }),
      cluster.start('b', { syncNodes: { mandatory: [A], timeout: forEver } }),
    ])
    await Promise.all([a.ready({ timeout: 20_000 }), b.ready({ timeout: 20_000 })])
    expect([a.nodes(), b.nodes()]).toEqual([[B], [A]])
  })

  it('starts without the optional ones when the time is over, and then lets them be', async () => {
    const clock = clockWithout(TIMEOUT)
    const b = await cluster.start('b')
    const waiting = cluster.start('a', { clock, syncNodes: { mandatory: [B], optional: [C], timeout: TIMEOUT } })
    await b.ready({ timeout: 20_000 })
    // b has its link a little before the other side.
    expect(await b.ping(A, { timeout: 20_000 })).toBe('pong')
    clock.expire()
    const a = await waiting
    expect(a.nodes()).toEqual([B])
    // The last dial may still be under way; none follows.
    while (a.nodes('known').includes(C)) await event(a, 'connect-failed', C)
    expect(a.nodes('known')).toEqual([B])
  })

  it('does not start without a mandatory one, says which and why, and leaves nothing behind', async () => {
    const clock = clockWithout(TIMEOUT)
    const b = await cluster.start('b')
    const syncNodes = { mandatory: [B, C], optional: ['d@127.0.0.1'], timeout: TIMEOUT }
    const failure = cluster.start('a', { clock, syncNodes }).catch((error: unknown) => error)
    await b.ready({ timeout: 20_000 })
    expect(await b.ping(A, { timeout: 20_000 })).toBe('pong')
    clock.expire()
    expect(await failure).toBeInstanceOf(SyncNodesError)
    expect(await failure).toMatchObject({ name: 'SyncNodesError', code: 'ERR_SYNC_NODES', missing: [C] })
    const { message } = (await failure) as SyncNodesError
    expect(message).toMatch(/^mandatory nodes did not come within 77777 ms: c@127\.0\.0\.1 \(c@127\.0\.0\.1: /)
    expect((await cluster.start('a')).name).toBe(A)
  })

  it('waits for nobody when it lists nobody but itself', async () => {
    const options = { syncNodes: { mandatory: [A], optional: [], timeout: forEver } }
    expect((await cluster.start('a', options)).nodes()).toEqual([])
  })

  it('dials a port that is given', async () => {
    const b = await cluster.start('b', { epmd: false, listen: { host: '127.0.0.1' } })
    const peer = `${B}:${b.listening?.port}`
    const a = await cluster.start('a', { epmd: false, syncNodes: { mandatory: [peer], timeout: forEver } })
    expect(a.nodes()).toEqual([B])
  })
})
