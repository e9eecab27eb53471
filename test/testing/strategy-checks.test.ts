import { describe, expect, it } from 'vitest'
import type { PullStrategy, PushStrategy, Strategy } from '../../src/cluster/strategy.ts'
import { type StrategyUnderTest, strategyChecks } from '../../src/testing/strategy-checks.ts'

const A = 'a@127.0.0.1'

/** The names of the checks that a strategy fails. */
async function failures(
  make: () => StrategyUnderTest,
  parts: Parameters<typeof strategyChecks>[1] = [],
): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of strategyChecks(make, parts)) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

function under(strategy: object): () => StrategyUnderTest {
  return () => ({ strategy: strategy as Strategy, nodes: [A] })
}

const good: PullStrategy = {
  name: 'good',
  discover({ signal }) {
    signal.throwIfAborted()
    return [A]
  },
}

describe('the checks for strategies', () => {
  it('let a good one pass', async () => {
    expect(await failures(under(good))).toEqual([])
  })

  it('are named apart, and more with each part of the world', () => {
    const names = strategyChecks(under(good), ['change', 'fail', 'recover', 'hang']).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(strategyChecks(under(good)).length)
  })

  it.each([
    ['without a name', { ...good, name: '' }, ['has a name, and either discover or watch']],
    [
      'that names what is no node',
      { ...good, discover: () => [A, 'b'] },
      ['finds the nodes there are, and names them as nodes are named'],
    ],
    [
      'that sets timers and forgets them',
      {
        ...good,
        discover({ clock }: Parameters<PullStrategy['discover']>[0]) {
          clock.after(1000, () => {})
          return [A]
        },
      },
      ['leaves no timer behind', 'rejects, or ends, when its signal has aborted before'],
    ],
    [
      'that logs the cookie',
      {
        ...good,
        discover({ cookie, logger }: Parameters<PullStrategy['discover']>[0]) {
          logger.debug({ cookie }, 'looking')
          return [A]
        },
      },
      ['logs no secret'],
    ],
  ])('find one %s', async (_, strategy, expected) => {
    expect(await failures(under(strategy))).toEqual(expected)
  })

  it('find one that answers an empty list when it cannot know, and one that sees no change', async () => {
    let dead = false
    const make = (): StrategyUnderTest => ({
      strategy: { name: 'quiet', discover: () => (dead ? [] : [A]) },
      nodes: [A],
      change: () => ['b@127.0.0.1'],
      fail: () => {
        dead = true
      },
      close: () => {
        dead = false
      },
    })
    expect(await failures(make, ['change', 'fail'])).toEqual([
      'sees what has changed',
      'rejects when it cannot know, instead of finding nothing',
    ])
  })

  it('turn the clock for a strategy that does something now and then', async () => {
    let names = [A]
    const heartbeat: PushStrategy = {
      name: 'heartbeat',
      async *watch({ clock, signal }) {
        while (!signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = clock.after(1000, resolve)
            signal.addEventListener('abort', () => {
              timer.cancel()
              resolve()
            })
          })
          if (!signal.aborted) yield names
        }
      },
    }
    const make = (): StrategyUnderTest => ({
      strategy: heartbeat,
      nodes: [A],
      tick: 500,
      change: () => {
        names = ['b@127.0.0.1']
        return names
      },
      close: () => {
        names = [A]
      },
    })
    expect(await failures(make, ['change'])).toEqual([])
  })

  it('find a world that lacks what was announced', async () => {
    expect(await failures(under(good), ['hang'])).toEqual(['gives a lookup up when its signal aborts'])
  })
})
