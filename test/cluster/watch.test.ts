import { describe, expect, it, vi } from 'vitest'
import { AsyncQueue } from '../../src/base/queue.ts'
import type { Answer, PushStrategy, StrategyContext } from '../../src/cluster/strategy.ts'
import { FakeHost, Stage, settle } from './stage.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'

/** A strategy whose answers the test pushes. */
class Pushed {
  readonly contexts: StrategyContext[] = []
  queue = new AsyncQueue<Answer>()
  ended = 0

  /** The strategy says this, and the topology has read it. */
  async push(answer: unknown): Promise<void> {
    this.queue.push(answer as Answer)
    await settle()
  }

  readonly strategy: PushStrategy = {
    name: 'pushed',
    watch: (context) => {
      this.contexts.push(context)
      this.queue = new AsyncQueue<Answer>({ signal: context.signal, onClose: () => void this.ended++ })
      return this.queue
    },
  }
}

describe('a strategy that tells by itself', () => {
  it('is followed when it tells, without being asked again', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy })
    await settle()
    await pushed.push([A])
    expect(stage.topology.nodes()).toEqual([A])
    await stage.pass(60_000)
    expect(stage.count('refreshed')).toBe(1)
    await pushed.push([A, B])
    await stage.pass(0)
    expect(stage.topology.nodes()).toEqual([A, B])
    expect(pushed.contexts).toHaveLength(1)
  })

  it('is followed at most each 250 ms, and then to its last word', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy })
    await settle()
    for (let i = 0; i < 100; i++) {
      await pushed.push(i % 2 === 0 ? [A] : [A, B])
    }
    expect(stage.count('refreshed')).toBe(1)
    await stage.pass(249)
    expect(stage.count('refreshed')).toBe(1)
    await stage.pass(1)
    expect(stage.count('refreshed')).toBe(2)
    expect(stage.topology.nodes()).toEqual([A, B])
  })

  it('that yields without end leaves everybody else their turn', async () => {
    const stage = new Stage({
      strategy: {
        name: 'torrent',
        async *watch() {
          for (;;) yield [A]
        },
      },
    })
    await settle()
    expect(stage.topology.nodes()).toEqual([A])
    await stage.topology.close()
    await settle()
    expect(stage.host.clock.pending).toBe(0)
  })

  it.each([
    ['throws', new Error('410 Gone')],
    ['ends', undefined],
  ])('that %s keeps what it had, says so, and is iterated anew after the interval', async (_, error) => {
    let begun = 0
    const stage = new Stage({
      strategy: {
        name: 'short',
        async *watch() {
          begun++
          yield begun === 1 ? [A] : [A, B]
          if (begun === 1 && error !== undefined) throw error
          if (begun > 1) await new Promise(() => {})
        },
      },
      prune: { after: 0 },
    })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain(error?.message ?? 'ended its watch')
    expect(stage.host.connected).toEqual([A])
    await stage.pass(4999)
    expect(begun).toBe(1)
    await stage.pass(1)
    expect(begun).toBe(2)
    expect(stage.topology.nodes()).toEqual([A, B])
    await stage.topology.close()
  })

  it('is heard to its last word when it ends right after that', async () => {
    const stage = new Stage({
      strategy: {
        name: 'brief',
        async *watch() {
          yield [A]
          yield [A, B]
        },
      },
      interval: Number.POSITIVE_INFINITY,
    })
    await settle()
    expect(stage.topology.nodes()).toEqual([A])
    expect(stage.count('discovery-failed')).toBe(0)
    await stage.pass(250)
    expect(stage.topology.nodes()).toEqual([A, B])
    expect(stage.last('discovery-failed').error.message).toContain('ended its watch')
    expect(stage.topology.lastError).toBe(stage.last('discovery-failed').error)
    await stage.topology.close()
  })

  it('finds its signal aborted after it has ended, however that was', async () => {
    const signals: AbortSignal[] = []
    const stage = new Stage({
      strategy: {
        name: 'short',
        async *watch({ signal }) {
          signals.push(signal)
          yield [A]
          throw new Error('gone')
        },
      },
    })
    await settle()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    await stage.topology.close()
  })

  it('that throws before its first word fails like a lookup', async () => {
    let begun = 0
    const stage = new Stage({
      strategy: {
        name: 'broken',
        watch() {
          begun++
          throw new Error('no socket')
        },
      },
    })
    await settle()
    expect(stage.last('discovery-failed').error.message).toContain('no socket')
    await stage.pass(5000)
    expect(begun).toBe(2)
  })

  it('that says nothing is late, ended, and iterated anew', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy, timeout: 2000 })
    await settle()
    await stage.pass(2000)
    expect(stage.last('discovery-failed').error.cause).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(pushed.contexts[0]?.signal.aborted).toBe(true)
    await stage.pass(5000)
    expect(pushed.contexts).toHaveLength(2)
    await pushed.push([A])
    expect(stage.topology.nodes()).toEqual([A])
  })

  it('that heeds no signal and rejects when nobody listens any more does no harm', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    try {
      let refuse = (_error: Error): void => {}
      const strategy: PushStrategy = {
        name: 'deaf',
        watch: () => ({
          [Symbol.asyncIterator]: () => ({
            next: () =>
              new Promise((_, reject) => {
                refuse = reject
              }),
            return: () => {
              throw new Error('nor this')
            },
          }),
        }),
      }
      const stage = new Stage({ strategy })
      await settle()
      await stage.topology.close()
      refuse(new Error('late'))
      await settle()
      expect(unhandled).not.toHaveBeenCalled()
      expect(stage.host.clock.pending).toBe(0)
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })

  it('with nonsense now and then keeps the last good word', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy })
    await settle()
    await pushed.push([A])
    await pushed.push('nonsense')
    await stage.pass(250)
    expect(stage.count('discovery-failed')).toBe(1)
    expect(stage.topology.nodes()).toEqual([A])
    await pushed.push([B])
    await stage.pass(250)
    expect(stage.topology.nodes()).toEqual([B])
    expect(pushed.contexts).toHaveLength(1)
  })

  it('is ended by a pause, and begun anew by resume', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy })
    await settle()
    await pushed.push([A])
    stage.topology.pause()
    await settle()
    expect(pushed.ended).toBe(1)
    const once = stage.topology.runOnce()
    await settle()
    await pushed.push([B])
    expect((await once).found).toEqual([B])
    expect(pushed.ended).toBe(2)
    stage.topology.resume()
    await settle()
    expect(pushed.contexts).toHaveLength(3)
  })

  it('repeats its last word for a refresh', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy })
    stage.host.easy = false
    await settle()
    await pushed.push([A])
    stage.host.fail(A)
    await settle()
    const refresh = stage.topology.refresh()
    await settle()
    stage.host.up(A)
    expect((await refresh).connected).toEqual([A])
    expect(pushed.contexts).toHaveLength(1)
  })

  it('prunes after its time, although nothing more is told', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy, prune: { after: 8000 } })
    await settle()
    await pushed.push([A, B])
    await pushed.push([B])
    await stage.pass(250)
    await stage.pass(7999)
    expect(stage.host.connected).toEqual([A, B])
    await stage.pass(1)
    expect(stage.host.connected).toEqual([B])
    expect(stage.host.clock.pending).toBe(0)
  })

  it('prunes whom somebody else wanted when it was time, once nobody does', async () => {
    const pushed = new Pushed()
    const stage = new Stage({ strategy: pushed.strategy, prune: { after: 8000 } })
    await settle()
    await pushed.push([A])
    stage.host.want(A, 'connectTo')
    await pushed.push([])
    await stage.pass(250)
    await stage.pass(8000)
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([A])
    stage.host.unwant(A, 'connectTo')
    await stage.pass(5000)
    expect(stage.host.connected).toEqual([])
    expect(stage.host.clock.pending).toBe(0)
  })
})

describe('the context', () => {
  it('says what a strategy needs to know, and shows the secret to nobody who prints it', async () => {
    const pushed = new Pushed()
    const host = new FakeHost()
    new Stage({ strategy: pushed.strategy }, host)
    await settle()
    const [context] = pushed.contexts as [StrategyContext]
    expect(context).toMatchObject({ topology: 'app', self: { full: 'self@127.0.0.1' }, epmd: undefined })
    expect(context.clock).toBe(host.clock)
    expect(context.cookie).toBe('a secret')
    const { inspect } = await import('node:util')
    expect(inspect({ ...context })).not.toContain('a secret')
    expect(JSON.stringify({ ...context, clock: 0, logger: 0 })).not.toContain('a secret')
  })
})
