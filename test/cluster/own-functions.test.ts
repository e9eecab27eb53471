import { describe, expect, it } from 'vitest'
import { Script, Stage, settle } from './stage.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'

/** Another distribution. */
class Other {
  readonly members = new Set<string>()
  readonly connects: string[] = []
  readonly refused = new Set<string>()

  readonly functions = {
    connect: async ({ name }: { name: string }): Promise<unknown> => {
      this.connects.push(name)
      if (this.refused.has(name)) throw new Error(`${name} refused`)
      this.members.add(name)
      return undefined
    },
    disconnect: async (name: string): Promise<boolean> => this.members.delete(name),
    list: () => this.members,
  }
}

describe('connect, disconnect and list of one’s own', () => {
  it('take the node’s place', async () => {
    const other = new Other()
    const script = new Script(A, B)
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 }, ...other.functions })
    await settle()
    expect([...other.members]).toEqual([A, B])
    expect(stage.host.wanted).toEqual([])
    expect(stage.last('refreshed').result.connected).toEqual([A, B])
    script.answers = [B]
    await stage.pass(5000)
    expect([...other.members]).toEqual([B])
    expect(stage.last('refreshed').result.pruned).toEqual([A])
    expect(other.connects).toEqual([A, B])
  })

  it('are tried again each interval for who is not listed, and only for those', async () => {
    const other = new Other()
    other.refused.add(A)
    const stage = new Stage({ strategy: new Script(A, B).strategy, ...other.functions })
    await settle()
    expect(stage.last('refreshed').result).toMatchObject({
      connected: [B],
      failed: [{ node: A, action: 'connect', error: new Error(`${A} refused`) }],
    })
    other.refused.clear()
    await stage.pass(5000)
    expect(other.connects).toEqual([A, B, A])
    expect(stage.last('refreshed').result).toMatchObject({ connected: [A, B], failed: [] })
  })

  it('fail by answering false', async () => {
    const other = new Other()
    const stage = new Stage({ strategy: new Script(A).strategy, ...other.functions, connect: () => false })
    await settle()
    expect(stage.last('refreshed').result.failed).toMatchObject([
      { node: A, error: new Error('connect answered false') },
    ])
  })

  it('end with the timeout when they hang, at most 32 at a time', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `n${i}@127.0.0.1`)
    let pending = 0
    let most = 0
    const stage = new Stage({
      strategy: new Script(...names).strategy,
      timeout: 1000,
      interval: Number.POSITIVE_INFINITY,
      list: () => [],
      connect: (_, { signal }) => {
        most = Math.max(most, ++pending)
        signal.addEventListener('abort', () => pending--)
        return new Promise(() => {})
      },
    })
    await settle()
    expect(pending).toBe(32)
    await stage.pass(1000)
    expect(pending).toBe(8)
    await stage.pass(1000)
    expect(most).toBe(32)
    const { failed } = stage.last('refreshed').result
    expect(failed).toHaveLength(40)
    expect(failed[0]?.error).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('are not called twice for a node whose connect still runs', async () => {
    let calls = 0
    const stage = new Stage({
      strategy: new Script(A).strategy,
      interval: 100,
      list: () => [],
      connect: () => {
        calls++
        return new Promise(() => {})
      },
    })
    await settle()
    await stage.pass(100)
    await stage.pass(100)
    expect(calls).toBe(1)
    expect(stage.last('refreshed').result.connecting).toEqual([A])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('who knows')
      },
      'who knows',
    ],
    ['answers nonsense', () => 5 as never, 'list answered 5'],
  ])('make a refresh fail when list %s; nobody is connected blindly then', async (_, list, text) => {
    const other = new Other()
    const stage = new Stage({ strategy: new Script(A).strategy, ...other.functions, list })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain(text)
    expect(other.connects).toEqual([])
  })

  it('report a disconnect that fails, and try it again', async () => {
    const other = new Other()
    const script = new Script(A)
    let calls = 0
    const disconnect = (): never => {
      calls++
      throw new Error('busy')
    }
    const stage = new Stage({ strategy: script.strategy, prune: { after: 0 }, ...other.functions, disconnect })
    await settle()
    script.answers = []
    await stage.pass(5000)
    expect(stage.last('refreshed').result).toMatchObject({
      pruned: [],
      failed: [{ node: A, action: 'disconnect', error: new Error('busy') }],
    })
    await stage.pass(5000)
    expect(calls).toBe(2)
  })

  it('cut nobody any more when the topology is closed in the midst of it', async () => {
    const other = new Other()
    const script = new Script(A, B)
    const disconnected: string[] = []
    const stage: Stage = new Stage({
      strategy: script.strategy,
      prune: { after: 0 },
      ...other.functions,
      disconnect: (name) => {
        disconnected.push(name)
        void stage.topology.close()
      },
    })
    await settle()
    script.answers = []
    await stage.pass(5000)
    expect(disconnected).toEqual([A])
    expect([...other.members]).toEqual([A, B])
  })

  it('hear by their signal when the topology is closed', async () => {
    let heard = false
    const stage = new Stage({
      strategy: new Script(A).strategy,
      list: () => [],
      connect: (_, { signal }) => {
        signal.addEventListener('abort', () => {
          heard = true
        })
        return new Promise(() => {})
      },
    })
    await settle()
    await stage.topology.close()
    await settle()
    expect(heard).toBe(true)
    expect(stage.host.clock.pending).toBe(0)
  })
})
