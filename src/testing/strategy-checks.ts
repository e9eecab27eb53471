import { deepStrictEqual, ok } from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '../base/logger.ts'
import { Answers, type Reading } from '../cluster/answer.ts'
import type { Answer, Strategy, StrategyContext } from '../cluster/strategy.ts'
import { type ConformanceCheck, conformanceChecks } from './conformance.ts'
import { FakeClock } from './fake-clock.ts'
import { type StrategyContextOptions, strategyContext } from './strategy-context.ts'

/** A strategy over a world that its author has made for it. */
export interface StrategyUnderTest {
  readonly strategy: Strategy
  /** The names that are to be found, apart from the node's own. */
  readonly nodes: readonly string[]
  /** What the strategy's context has to be like: the node's name, its EPMD. */
  readonly context?: Omit<StrategyContextOptions, 'signal' | 'clock' | 'logger'>
  /**
   * Milliseconds by which the clock goes on every few moments while an answer is awaited, for a strategy that does something
   * now and then. Default 0: it stands still.
   */
  readonly tick?: number
  /** Changes the world; answers the names that are to be found then. */
  readonly change?: () => Promise<readonly string[]> | readonly string[]
  /** Makes it impossible to know: the server is dead, the file is gone. */
  readonly fail?: () => Promise<void> | void
  /** Undoes `fail`. */
  readonly recover?: () => Promise<void> | void
  /** Makes every answer late for ever. */
  readonly hang?: () => Promise<void> | void
  /** Ends the world. */
  readonly close?: () => Promise<void> | void
}

/**
 * What a topology expects of a strategy, as named checks. `make` is called for each; those that need a part of the world
 * which it does not provide (`change`, `fail`, `hang`) are left out, so say which it has in `parts`.
 *
 * @example
 * describe('myStrategy', () => {
 *   for (const { name, run } of strategyChecks(() => ({ strategy: myStrategy(), nodes: ['a@host'] }))) it(name, run)
 * })
 */
export function strategyChecks(
  make: () => Promise<StrategyUnderTest> | StrategyUnderTest,
  parts: readonly ('change' | 'fail' | 'recover' | 'hang')[] = [],
): ConformanceCheck[] {
  const needed = CHECKS.filter(({ needs }) => needs.every((part) => parts.includes(part)))
  return conformanceChecks(
    make,
    needed.map(({ name, needs, check }) => ({
      name,
      async check(subject) {
        for (const part of needs)
          ok(typeof subject[part] === 'function', `the world has no ${part}, though it was announced`)
        await check(subject, new Trial(subject))
      },
    })),
  )
}

interface Check {
  readonly name: string
  readonly needs: readonly ('change' | 'fail' | 'recover' | 'hang')[]
  check(subject: StrategyUnderTest, trial: Trial): Promise<void>
}

/** Real milliseconds for what should come at once. Only a strategy that fails waits as long. */
const PATIENCE = 20_000

/** A strategy at work, as a topology would run it. */
class Trial {
  readonly clock = new FakeClock()
  readonly logged: string[] = []
  readonly #subject: StrategyUnderTest
  readonly #logger: Logger
  /** As a topology keeps them: who was found is lost only by an answer that is whole. */
  readonly #answers = new Answers(10_000)

  constructor(subject: StrategyUnderTest) {
    this.#subject = subject
    const note = (data: object, message: string): void => void this.logged.push(`${message} ${safeJson(data)}`)
    this.#logger = { debug: note, info: note, warn: note, error: note }
  }

  context(signal: AbortSignal): StrategyContext {
    return strategyContext({ ...this.#subject.context, signal, clock: this.clock, logger: this.#logger })
  }

  read(answer: Answer): Reading {
    const { self } = this.context(new AbortController().signal)
    const policy = { self: self.full, hidden: true, filter: undefined, mapName: undefined }
    return this.#answers.take(answer, policy)
  }

  /** One answer: a lookup's, or the first of a watch, which is ended then. */
  async once(signal?: AbortSignal): Promise<Reading> {
    const abort = new AbortController()
    const both = signal === undefined ? abort.signal : AbortSignal.any([abort.signal, signal])
    try {
      return this.read(await this.#answer(both))
    } finally {
      abort.abort()
    }
  }

  /** Answers until one has exactly these names. */
  async sees(expected: readonly string[]): Promise<void> {
    const wanted = [...expected].sort()
    const abort = new AbortController()
    const names = (answer: Answer): string[] => [...this.read(answer).nodes.keys()].sort()
    const { strategy } = this.#subject
    let last: string[] = []
    const until = async (): Promise<void> => {
      if ('discover' in strategy) {
        last = names(await strategy.discover(this.context(abort.signal)))
        return
      }
      for await (const answer of strategy.watch(this.context(abort.signal))) {
        last = names(answer)
        if (last.join() === wanted.join()) return
      }
    }
    try {
      await this.soon(until(), 'it found nothing').catch((error: unknown) => {
        if (last.length === 0) throw error
      })
    } finally {
      abort.abort()
    }
    deepStrictEqual(last, wanted)
  }

  /** What comes of a promise that should settle at once. */
  async soon<T>(promise: Promise<T>, complaint: string): Promise<T> {
    const { tick = 0 } = this.#subject
    const moment = setInterval(() => this.clock.advance(tick), 5)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${complaint} within ${PATIENCE} ms`)), PATIENCE)
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearInterval(moment)
      clearTimeout(timer)
    }
  }

  async #answer(signal: AbortSignal): Promise<Answer> {
    const { strategy } = this.#subject
    if ('discover' in strategy) return await strategy.discover(this.context(signal))
    for await (const answer of strategy.watch(this.context(signal))) return answer
    throw new Error('the watch ended without an answer')
  }
}

const CHECKS: readonly Check[] = [
  {
    name: 'has a name, and either discover or watch',
    needs: [],
    async check({ strategy }) {
      ok(typeof strategy.name === 'string' && strategy.name !== '', 'it has no name')
      ok('discover' in strategy !== 'watch' in strategy, 'it has both discover and watch, or neither')
    },
  },
  {
    name: 'finds the nodes there are, and names them as nodes are named',
    needs: [],
    async check({ nodes }, trial) {
      const { rejected } = await trial.soon(trial.once(), 'it did not answer')
      deepStrictEqual(rejected, [])
      await trial.sees(nodes)
    },
  },
  {
    name: 'finds the same again, and when it is asked twice at a time',
    needs: [],
    async check({ nodes }, trial) {
      await trial.sees(nodes)
      await Promise.all([trial.sees(nodes), trial.sees(nodes)])
      await trial.sees(nodes)
    },
  },
  {
    name: 'leaves no timer behind',
    needs: [],
    async check(_, trial) {
      await trial.soon(trial.once(), 'it did not answer')
      await turns()
      deepStrictEqual(trial.clock.pending, 0, 'a timer is still set after its signal aborted')
    },
  },
  {
    name: 'logs no secret',
    needs: [],
    async check({ context }, trial) {
      await trial.soon(trial.once(), 'it did not answer')
      const cookie = context?.cookie ?? 'a secret'
      ok(!trial.logged.some((line) => line.includes(cookie)), 'the cookie is in its log')
    },
  },
  {
    name: 'rejects, or ends, when its signal has aborted before',
    needs: [],
    async check(_, trial) {
      await trial.soon(settled(trial.once(AbortSignal.abort(new Error('gone')))), 'it did not heed its signal')
      await turns()
      deepStrictEqual(trial.clock.pending, 0, 'a timer is still set after its signal aborted')
    },
  },
  {
    name: 'sees what has changed',
    needs: ['change'],
    async check({ nodes, change }, trial) {
      await trial.sees(nodes)
      await trial.sees((await change?.()) ?? [])
    },
  },
  {
    name: 'rejects when it cannot know, instead of finding nothing',
    needs: ['fail'],
    async check({ nodes, fail }, trial) {
      await trial.sees(nodes)
      await fail?.()
      const outcome = await trial.soon(settled(trial.once()), 'it neither answered nor rejected')
      ok(outcome.status === 'rejected', 'it answered, although it could not know')
      ok(outcome.reason instanceof Error, 'it rejected with what is no Error')
    },
  },
  {
    name: 'finds the nodes again when it can know again',
    needs: ['fail', 'recover'],
    async check({ nodes, fail, recover }, trial) {
      await fail?.()
      await trial.soon(settled(trial.once()), 'it neither answered nor rejected')
      await recover?.()
      await trial.sees(nodes)
    },
  },
  {
    name: 'gives a lookup up when its signal aborts',
    needs: ['hang'],
    async check({ hang }, trial) {
      await hang?.()
      const abort = new AbortController()
      const outcome = settled(trial.once(abort.signal))
      await turns()
      abort.abort(new Error('late'))
      deepStrictEqual((await trial.soon(outcome, 'it did not heed its signal')).status, 'rejected')
      await turns()
      deepStrictEqual(trial.clock.pending, 0, 'a timer is still set after its signal aborted')
    },
  },
]

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([promise])
  return outcome
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await nextTurn()
}

function safeJson(data: object): string {
  try {
    return JSON.stringify(data)
  } catch {
    return ''
  }
}
