import { describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../../src/base/queue.ts'
import { custom } from '../../../src/cluster/strategies/custom.ts'
import { staticNodes } from '../../../src/cluster/strategies/static-nodes.ts'
import type { Answer } from '../../../src/cluster/strategy.ts'
import type { StrategyUnderTest } from '../../../src/testing/strategy-checks.ts'
import { strategyContext } from '../../../src/testing/strategy-context.ts'
import { conform } from './conform.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'

describe('staticNodes', () => {
  const make = (): StrategyUnderTest => ({ strategy: staticNodes([A, B, 'self@127.0.0.1']), nodes: [A, B] })
  conform(make)

  it('takes ports', () => {
    expect(staticNodes(['b@127.0.0.1:9100', 'c@[fd00::2]:9101']).discover(strategyContext())).toEqual([
      { name: 'b@127.0.0.1', port: 9100 },
      { name: 'c@fd00::2', port: 9101 },
    ])
  })

  it.each([['a'], [['a']], [[A, 5]]])('refuses %j', (nodes) => {
    expect(() => staticNodes(nodes as string[])).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

/** A registry that a custom strategy asks or follows. */
class Registry {
  names: readonly string[] = [A, B]
  state: 'well' | 'down' | 'mute' = 'well'
  readonly followers = new Set<AsyncQueue<Answer>>()

  async ask(signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    if (this.state === 'down') throw new Error('the registry is down')
    if (this.state === 'mute')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return this.names
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Answer> {
    const queue = new AsyncQueue<Answer>({ signal, onClose: () => void this.followers.delete(queue) })
    this.followers.add(queue)
    yield await this.ask(signal)
    yield* queue
  }

  under(strategy: StrategyUnderTest['strategy']): StrategyUnderTest {
    return {
      strategy,
      nodes: [A, B],
      change: () => {
        this.names = [B]
        for (const follower of this.followers) follower.push(this.names)
        return this.names
      },
      fail: () => {
        this.state = 'down'
      },
      recover: () => {
        this.state = 'well'
      },
      hang: () => {
        this.state = 'mute'
      },
    }
  }
}

const PARTS = ['change', 'fail', 'recover', 'hang'] as const

describe('custom, asked', () => {
  const make = (): StrategyUnderTest => {
    const registry = new Registry()
    return registry.under(custom(({ signal }) => registry.ask(signal)))
  }
  conform(make, PARTS)
})

describe('custom, telling by itself', () => {
  const make = (): StrategyUnderTest => {
    const registry = new Registry()
    return registry.under(custom({ name: 'registry', watch: ({ signal }) => registry.follow(signal) }))
  }
  conform(make, PARTS)
})

describe('custom', () => {
  it.each([[{}], [5], [null], [{ discover: 5 }], [{ watch: 5 }], [{ discover() {}, watch() {} }], [{ find() {} }]])(
    'refuses %j',
    (options) => {
      expect(() => custom(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    },
  )
})
