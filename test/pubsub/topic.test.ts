import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { StandardResult, StandardSchemaV1 } from '../../src/node/rpc/standard-schema.ts'
import { MessageError } from '../../src/pubsub/message-error.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { Dropped } from '../../src/pubsub/pubsub-events.ts'
import { Cluster } from '../node/cluster.ts'

interface Measurement {
  readonly celsius: number
}

function schema<T>(
  validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>,
): StandardSchemaV1<unknown, T> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

const judge = (value: unknown): StandardResult<Measurement> =>
  typeof (value as Partial<Measurement> | null)?.celsius === 'number'
    ? { value: { celsius: Math.round((value as Measurement).celsius) } }
    : { issues: [{ message: 'no celsius' }] }

describe('a typed topic', () => {
  let cluster: Cluster
  let pubsub: PubSub
  let tests = 0

  beforeAll(async () => {
    cluster = await Cluster.create()
  })

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
  })

  beforeEach(async () => {
    pubsub = (await cluster.start(`t${++tests}`)).pubsub('Typed')
  })

  afterEach(async () => {
    await pubsub.close()
  })

  it('has the type of its messages, and all that the pub/sub does', async () => {
    const sensors = pubsub.topic<Measurement>('sensors')
    const stream = sensors.subscribe()
    sensors.broadcast({ celsius: 1 })
    sensors.localBroadcast({ celsius: 2 })
    sensors.broadcastFrom(stream, { celsius: 3 })
    sensors.directBroadcast(pubsub.nodeName(), { celsius: 4 })
    expect(await sensors.count()).toEqual(new Map([[pubsub.nodeName(), 1]]))
    stream.close()
    const got: number[] = []
    for await (const message of stream) {
      expectTypeOf(message).toEqualTypeOf<Measurement>()
      got.push(message.celsius)
    }
    expect(got).toEqual([1, 2, 4])
    // @ts-expect-error: the type says what is broadcast
    sensors.broadcast({ fahrenheit: 1 })
  })

  it('lets through what its schema accepts, as that makes it, and tells of what it refuses', async () => {
    const lost: Dropped[] = []
    pubsub.on('dropped', (dropped) => lost.push(dropped))
    const sensors = pubsub.topic('sensors', schema(judge))
    const got: Measurement[] = []
    const subscription = sensors.subscribe({ onMessage: (message) => got.push(message) })
    pubsub.broadcast('sensors', { celsius: 21.6 })
    pubsub.broadcast('sensors', 'hot')
    expect(got).toEqual([{ celsius: 22 }])
    expect(subscription.dropped).toBe(1)
    expect(lost).toMatchObject([{ cause: 'invalid', count: 1, topic: 'sensors', node: pubsub.nodeName() }])
    expect(lost[0]?.error).toBeInstanceOf(MessageError)
    expect(lost[0]?.error).toMatchObject({ code: 'ERR_SCHEMA', message: 'a message of "sensors": no celsius' })
  })

  it('keeps the order with a schema that takes its time for some', async () => {
    const slow = new Map<number, (result: StandardResult<number>) => void>()
    const sensors = pubsub.topic(
      'sensors',
      schema<number>((value) =>
        (value as number) % 2 === 1
          ? { value: value as number }
          : new Promise((resolve) => slow.set(value as number, resolve)),
      ),
    )
    const got: number[] = []
    sensors.subscribe({ onMessage: (message) => got.push(message) })
    for (let n = 1; n <= 5; n++) pubsub.broadcast('sensors', n)
    expect(got).toEqual([1])
    slow.get(4)?.({ value: 4 })
    await setImmediate()
    expect(got).toEqual([1])
    slow.get(2)?.({ value: 2 })
    await setImmediate()
    expect(got).toEqual([1, 2, 3, 4, 5])
    pubsub.broadcast('sensors', 7)
    expect(got.at(-1)).toBe(7)
  })

  it('survives a schema that throws, or rejects', async () => {
    const lost: Dropped[] = []
    pubsub.on('dropped', (dropped) => lost.push(dropped))
    const thrower = schema<number>(() => {
      throw new Error('thrown')
    })
    pubsub.topic('a', thrower).subscribe({ onMessage: () => {} })
    pubsub
      .topic(
        'b',
        schema<number>(() => Promise.reject(new Error('rejected'))),
      )
      .subscribe({ onMessage: () => {} })
    pubsub.broadcast('a', 1)
    pubsub.broadcast('b', 1)
    await setImmediate()
    expect(lost.map(({ cause, error }) => [cause, (error as Error).message])).toEqual([
      ['invalid', 'thrown'],
      ['invalid', 'rejected'],
    ])
  })

  it('is refused with what is no schema', () => {
    expect(() => pubsub.topic('t', {} as never)).toThrow(/Standard Schema/)
    expect(() => pubsub.topic(1 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})
