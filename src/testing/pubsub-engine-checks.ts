import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert/strict'
import type { EngineFactory } from '../pubsub/engine.ts'
import type { PubSub } from '../pubsub/pubsub.ts'
import type { PubSubOptions } from '../pubsub/pubsub-options.ts'
import type { Subscription } from '../pubsub/subscription.ts'
import { atom, Float, Pid, type Term, tuple } from '../term/index.ts'
import type { TsunagiNode } from '../tsunagi.ts'
import { type ConformanceCheck, type EngineUnderTest, type Expectation, engineChecks } from './conformance.ts'

/** An engine of pub/sub in a world that its author has made for it. */
export type PubSubEngineUnderTest = EngineUnderTest<EngineFactory>

/**
 * What a pub/sub expects of an engine, as named checks. `make` is called for each. What an engine declares in its
 * `capabilities` is checked, and that asking for what it does not declare is refused.
 *
 * @example
 * describe('myEngine', () => {
 *   for (const { name, run } of pubsubEngineChecks(makeWorld)) it(name, run)
 * })
 */
export function pubsubEngineChecks(
  make: () => Promise<PubSubEngineUnderTest> | PubSubEngineUnderTest,
): ConformanceCheck[] {
  return engineChecks(make, (world) => new Trial(world), CHECKS)
}

/** Real milliseconds for what should come at once. Only an engine that fails waits as long. */
const PATIENCE = 20_000
const FENCE = 'fence'

/** A node's pub/sub, and what its subscribers got. */
class Ear {
  readonly pubsub: PubSub
  /** Topics and messages in the order of their arrival. */
  readonly heard: [topic: string, message: Term][] = []
  readonly #fences = new Set<Term>()
  #wake = (): void => {}

  constructor(pubsub: PubSub) {
    this.pubsub = pubsub
    if (pubsub.capabilities === undefined) throw new Error('it has no capabilities')
    pubsub.subscribe(FENCE, {
      onMessage: (message) => {
        this.#fences.add(message)
        this.#wake()
      },
    })
  }

  listen(topic: string, options: { pattern?: boolean } = {}): Subscription {
    return this.pubsub.subscribe(topic, {
      ...options,
      onMessage: (message, delivery) => void this.heard.push([delivery.topic, message]),
    })
  }

  /** Resolves when all that `from` broadcast before has arrived, or never will. */
  async caughtUp(from: Ear): Promise<void> {
    const fence = `${from.pubsub.nodeName()} ${++fences}`
    from.pubsub.broadcast(FENCE, fence)
    while (!this.#fences.has(fence)) {
      await soon(
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
        `${this.pubsub.nodeName()} got nothing more from ${from.pubsub.nodeName()}`,
      )
    }
  }
}

let fences = 0

/** An engine at work on all nodes. */
class Trial {
  readonly #subject: PubSubEngineUnderTest

  constructor(subject: PubSubEngineUnderTest) {
    this.#subject = subject
  }

  get capabilities() {
    return this.#subject.engine.capabilities
  }

  pubsub(node: number, options: Omit<PubSubOptions, 'engine'> = {}): PubSub {
    const { engine, nodes } = this.#subject
    return (nodes[node] as TsunagiNode).pubsub('Checks.PubSub', { engine, ...options })
  }

  name(node: number): string {
    return (this.#subject.nodes[node] as TsunagiNode).name
  }

  self(node: number): Pid {
    return (this.#subject.nodes[node] as TsunagiNode).spawn(async (self) => void (await self.receive()))
  }

  /** Three of them, which all have heard of each other. */
  async ears(): Promise<[Ear, Ear, Ear]> {
    const ears = [0, 1, 2].map((node) => new Ear(this.pubsub(node))) as [Ear, Ear, Ear]
    await this.settled(...ears)
    return ears
  }

  /** What has been subscribed counts everywhere. */
  async settled(...ears: Ear[]): Promise<void> {
    await Promise.all(ears.map(({ pubsub }) => pubsub.ready({ nodes: ears.length - 1, timeout: PATIENCE })))
  }
}

const CHECKS: readonly Expectation<Trial>[] = [
  {
    name: 'brings a broadcast to the subscribers of all nodes, those of the publisher included, once each',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b, c] = ears
      for (const ear of ears) ear.listen('sensors')
      c.listen('sensors')
      await trial.settled(...ears)
      strictEqual(a.pubsub.broadcast('sensors', 'warm'), true)
      a.pubsub.broadcast('others', 'nobody')
      await Promise.all(ears.map((ear) => ear.caughtUp(a)))
      deepStrictEqual([a.heard, b.heard, c.heard.length], [[['sensors', 'warm']], [['sensors', 'warm']], 2])
    },
  },
  {
    name: 'keeps the order of a publisher, over all its topics',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const topics = ['one', 'two', 'three:deep', 'one']
      for (const topic of new Set(topics)) b.listen(topic)
      await trial.settled(...ears)
      const sent: [string, number][] = Array.from({ length: 2000 }, (_, i) => [topics[i % 4] as string, i])
      for (const [topic, message] of sent) a.pubsub.broadcast(topic, message)
      await b.caughtUp(a)
      deepStrictEqual(b.heard, sent)
    },
  },
  {
    name: 'carries every kind of term as it is',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      b.listen('terms')
      await trial.settled(...ears)
      const terms: Term[] = [
        ...[
          0,
          -1,
          2 ** 40,
          2n ** 80n,
          1.5,
          true,
          null,
          undefined,
          '',
          'grüße',
          new Uint8Array([1, 2]),
          new Uint8Array([255]),
        ],
        ...[
          atom('ok'),
          tuple(),
          tuple(atom('a'), 1),
          [],
          ['a', [1]],
          { a: { b: 'c' } },
          new Map<Term, Term>([['k', 1]]),
        ],
        ...[trial.self(0), { __proto__: null, long: 'x'.repeat(200_000) }],
      ]
      for (const term of terms) a.pubsub.broadcast('terms', term)
      await b.caughtUp(a)
      const got = b.heard.map(([, message]) => message)
      for (const [i, term] of terms.entries()) {
        if (term instanceof Pid) ok(term.equals(got[i] as Pid), 'a pid came as another')
        else deepStrictEqual(plain(got[i]), plain(term))
      }
      strictEqual(got.length, terms.length)
    },
  },
  {
    name: 'decodes as the pub/sub says, and as a subscription says that has choices of its own',
    async check(trial) {
      const a = new Ear(trial.pubsub(0))
      const b = new Ear(trial.pubsub(1, { maps: 'map' }))
      const exact: Term[] = []
      b.listen('terms')
      b.pubsub.subscribe('terms', { floats: 'exact', onMessage: (message) => void exact.push(message) })
      await trial.settled(a, b)
      a.pubsub.broadcast('terms', { a: 2.5 })
      a.pubsub.broadcast('terms', new Float(1))
      await b.caughtUp(a)
      deepStrictEqual(b.heard, [
        ['terms', new Map([[atom('a'), 2.5]])],
        ['terms', 1],
      ])
      deepStrictEqual(exact[1], new Float(1))
    },
  },
  {
    name: 'takes any text for a topic',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const topics = [
        '',
        ' ',
        ':',
        'a:',
        ':a',
        'a::b',
        'a.b',
        '*',
        '>',
        'a.*',
        '%',
        '%3A',
        '\r\n\0',
        'grüße:日本',
        '$SYS',
        'A',
        'a',
      ]
      topics.push('x'.repeat(65_536), 'x'.repeat(65_537), `${'deep:'.repeat(5000)}end`)
      for (const topic of topics) b.listen(topic)
      await trial.settled(...ears)
      for (const topic of topics) a.pubsub.broadcast(topic, topic.length)
      await b.caughtUp(a)
      deepStrictEqual(
        b.heard,
        topics.map((topic) => [topic, topic.length]),
      )
    },
  },
  {
    name: 'refuses a topic that is no text',
    async check(trial) {
      const pubsub = trial.pubsub(0)
      for (const topic of [1, null, undefined, atom('a'), 'a\ud800'] as string[]) {
        throws(() => pubsub.broadcast(topic, 1), { code: 'ERR_INVALID_OPTION' })
        throws(() => pubsub.subscribe(topic), { code: 'ERR_INVALID_OPTION' })
      }
    },
  },
  {
    name: 'sends nothing to anyone of a message that has no Erlang form, and names the place',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      for (const ear of ears) ear.listen('terms')
      await trial.settled(...ears)
      const bad = { list: [1, () => {}] } as unknown as Term
      a.pubsub.broadcast('terms', 'before')
      throws(() => a.pubsub.broadcast('terms', bad), { code: 'ERR_ENCODE', path: '.list[1]' })
      a.pubsub.broadcast('terms', 'after')
      await b.caughtUp(a)
      for (const { heard } of [a, b])
        deepStrictEqual(
          heard.map(([, message]) => message),
          ['before', 'after'],
        )
    },
  },
  {
    name: 'leaves out whom broadcastFrom names, and nobody else',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const out = a.listen('sensors')
      a.listen('sensors')
      b.listen('sensors')
      await trial.settled(...ears)
      a.pubsub.broadcastFrom(out, 'sensors', 1)
      await b.caughtUp(a)
      deepStrictEqual([a.heard.length, b.heard.length], [1, 1])
    },
  },
  {
    name: 'keeps localBroadcast on its node',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      for (const ear of ears) ear.listen('sensors')
      await trial.settled(...ears)
      a.pubsub.localBroadcast('sensors', 1)
      await b.caughtUp(a)
      deepStrictEqual([a.heard.length, b.heard.length], [1, 0])
    },
  },
  {
    name: 'brings directBroadcast to one node alone, this one included, where it can',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b, c] = ears
      for (const ear of ears) ear.listen('sensors')
      await trial.settled(...ears)
      const direct = (node: string, message: Term): boolean => a.pubsub.directBroadcast(node, 'sensors', message)
      strictEqual(direct(trial.name(0), 'me'), true)
      if (!trial.capabilities.directBroadcast) {
        throws(() => direct(trial.name(1), 'you'), { code: 'ERR_UNSUPPORTED' })
        return
      }
      direct(trial.name(1), 'you')
      direct('nobody@127.0.0.1', 'nobody')
      await Promise.all([b, c].map((ear) => ear.caughtUp(a)))
      deepStrictEqual([a.heard, b.heard, c.heard], [[['sensors', 'me']], [['sensors', 'you']], []])
    },
  },
  {
    name: 'brings nothing after the end of a subscription, and all to those that are left',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const first = b.listen('sensors')
      b.listen('others')
      await trial.settled(...ears)
      first.close()
      a.pubsub.broadcast('sensors', 1)
      a.pubsub.broadcast('others', 2)
      await b.caughtUp(a)
      b.listen('sensors')
      await trial.settled(...ears)
      a.pubsub.broadcast('sensors', 3)
      await b.caughtUp(a)
      deepStrictEqual(b.heard, [
        ['others', 2],
        ['sensors', 3],
      ])
    },
  },
  {
    name: 'brings what a pattern matches, and one copy to each subscription that has it by topic or by pattern',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b, c] = ears
      b.listen('sensor:*', { pattern: true })
      b.listen('sensor:1')
      c.listen('*:1', { pattern: true })
      await trial.settled(...ears)
      for (const topic of ['sensor:1', 'sensor:2', 'sensor:', 'sensor', 'other:1', 'sensor:1:a'])
        a.pubsub.broadcast(topic, topic)
      await Promise.all([b, c].map((ear) => ear.caughtUp(a)))
      const topics = ({ heard }: Ear): string[] => heard.map(([topic]) => topic)
      deepStrictEqual(topics(b), ['sensor:1', 'sensor:1', 'sensor:2', 'sensor:', 'sensor:1:a'])
      deepStrictEqual(topics(c), ['sensor:1', 'other:1'])
    },
  },
  {
    name: 'goes on by topic when a pattern that had it too has ended, and the other way round, and loses nothing',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const dropped: unknown[] = []
      b.pubsub.on('dropped', (loss) => dropped.push(loss))
      const pattern = b.listen('sensor:*', { pattern: true })
      await trial.settled(...ears)
      const topic = b.listen('sensor:1')
      a.pubsub.broadcast('sensor:1', 1)
      await b.caughtUp(a)
      pattern.close()
      a.pubsub.broadcast('sensor:1', 2)
      await b.caughtUp(a)
      b.listen('sensor:*', { pattern: true })
      topic.close()
      await trial.settled(...ears)
      a.pubsub.broadcast('sensor:1', 3)
      await b.caughtUp(a)
      deepStrictEqual(
        b.heard.map(([, message]) => message),
        [1, 1, 2, 3],
      )
      deepStrictEqual(dropped, [])
    },
  },
  {
    name: 'serves the others when one subscriber throws',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      const failures: unknown[] = []
      b.pubsub.on('subscriber-error', (error) => failures.push(error))
      b.pubsub.subscribe('sensors', {
        onMessage: () => {
          throw new Error('mine')
        },
      })
      b.listen('sensors')
      await trial.settled(...ears)
      a.pubsub.broadcast('sensors', 1)
      await b.caughtUp(a)
      deepStrictEqual([b.heard.length, failures.length], [1, 1])
    },
  },
  {
    name: 'counts the subscribers of each node, where it can',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      b.listen('sensors')
      b.listen('sensors')
      b.listen('sens*', { pattern: true })
      await trial.settled(...ears)
      const counting = a.pubsub.count('sensors', { timeout: PATIENCE })
      if (!trial.capabilities.counts) {
        await rejects(counting, { code: 'ERR_UNSUPPORTED' })
        return
      }
      deepStrictEqual(Object.fromEntries(await counting), {
        [trial.name(0)]: 0,
        [trial.name(1)]: 2,
        [trial.name(2)]: 0,
      })
    },
  },
  {
    name: 'refuses a dispatcher where it has none',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b] = ears
      b.listen('sensors')
      await trial.settled(...ears)
      const dispatch = (): boolean => a.pubsub.broadcast('sensors', 1, { dispatcher: 'Elixir.Phoenix.PubSub' })
      if (trial.capabilities.dispatchers) dispatch()
      else throws(dispatch, { code: 'ERR_UNSUPPORTED' })
      await b.caughtUp(a)
      strictEqual(b.heard.length, trial.capabilities.dispatchers ? 1 : 0)
    },
  },
  {
    name: 'gives late subscribers the last retained value, where it can',
    async check(trial) {
      const ears = await trial.ears()
      const [a, b, c] = ears
      const retain = (message: Term): boolean => a.pubsub.broadcast('sensors', message, { retain: true })
      if (!trial.capabilities.retained) {
        throws(() => retain(1), { code: 'ERR_UNSUPPORTED' })
        throws(() => b.pubsub.subscribe('sensors', { replay: true }), { code: 'ERR_UNSUPPORTED' })
        return
      }
      retain(1)
      retain(2)
      await Promise.all([b, c].map((ear) => ear.caughtUp(a)))
      const replayed: Term[] = []
      b.pubsub.subscribe('sensors', { replay: true, onMessage: (message) => void replayed.push(message) })
      c.listen('sensors')
      await trial.settled(...ears)
      a.pubsub.broadcast('sensors', 3)
      await Promise.all([b, c].map((ear) => ear.caughtUp(a)))
      deepStrictEqual([replayed, c.heard], [[2, 3], [['sensors', 3]]])
    },
  },
  {
    name: 'tells when there is room again for what is broadcast',
    async check(trial) {
      const [a, b] = await trial.ears()
      const message = 'x'.repeat(100_000)
      for (let i = 0; i < 100; i++) if (!a.pubsub.broadcast('sensors', message)) break
      await soon(a.pubsub.drained(), 'there was never room again')
      strictEqual(a.pubsub.broadcast('sensors', 'short'), true)
      await b.caughtUp(a)
    },
  },
  {
    name: 'tells which nodes take part, and when one no longer does',
    async check(trial) {
      const [a, b, c] = await trial.ears()
      deepStrictEqual(a.pubsub.nodes().sort(), [trial.name(1), trial.name(2)].sort())
      const gone = new Promise((resolve) => a.pubsub.once('nodedown', resolve))
      await c.pubsub.close()
      strictEqual(await soon(gone, 'nobody noticed that a node takes part no longer'), trial.name(2))
      deepStrictEqual(a.pubsub.nodes(), [trial.name(1)])
      a.pubsub.broadcast('sensors', 1)
      await b.caughtUp(a)
    },
  },
  {
    name: 'takes what a member broadcasts that only publishes, and gives it nothing',
    async check(trial) {
      const [a, b] = [new Ear(trial.pubsub(0)), new Ear(trial.pubsub(1))]
      b.listen('sensors')
      await trial.settled(a, b)
      const publisher = trial.pubsub(2, { publishOnly: true })
      throws(() => publisher.subscribe('sensors'), { code: 'ERR_UNSUPPORTED' })
      await publisher.ready({ nodes: 2, timeout: PATIENCE })
      const came = new Promise<Term>((resolve) => b.pubsub.subscribe('sensors', { onMessage: resolve }))
      publisher.broadcast('sensors', 'mine')
      strictEqual(await soon(came, 'its message did not come'), 'mine')
      deepStrictEqual(a.pubsub.nodes(), [trial.name(1)])
    },
  },
  {
    name: 'ready gives up in time, and at once by signal',
    async check(trial) {
      const pubsub = trial.pubsub(0)
      await rejects(pubsub.ready({ nodes: 99, timeout: 1 }), { code: 'ERR_TIMEOUT' })
      const reason = new Error('mine')
      await rejects(pubsub.ready({ nodes: 99, signal: AbortSignal.abort(reason) }), reason)
    },
  },
  {
    name: 'can be closed twice, while it starts too, and refuses everything then',
    async check(trial) {
      const pubsub = trial.pubsub(0)
      const waiting = pubsub.ready({ nodes: 99, timeout: PATIENCE })
      const refused = rejects(waiting, { code: 'ERR_CLOSED' })
      await soon(Promise.all([pubsub.close(), pubsub.close()]), 'it did not close')
      await soon(refused, 'whoever waited for ready still waits')
      throws(() => pubsub.broadcast('sensors', 1), { code: 'ERR_CLOSED' })
      throws(() => pubsub.subscribe('sensors'), { code: 'ERR_CLOSED' })
      const again = new Ear(trial.pubsub(0))
      const other = new Ear(trial.pubsub(1))
      again.listen('sensors')
      await trial.settled(again, other)
      other.pubsub.broadcast('sensors', 1)
      await again.caughtUp(other)
      strictEqual(again.heard.length, 1)
    },
  },
]

/** Settles as the promise does, within {@link PATIENCE}. */
async function soon<T>(promise: Promise<T>, complaint: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${complaint} within ${PATIENCE} ms`)), PATIENCE)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Without the prototype of plain objects, which is no part of a term. */
function plain(term: Term): unknown {
  const isPlain = typeof term === 'object' && term !== null && Object.getPrototypeOf(term) === null
  return isPlain ? { ...term } : term
}
