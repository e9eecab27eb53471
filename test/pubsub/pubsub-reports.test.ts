import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/base/logger.ts'
import type { PubSubEvents } from '../../src/pubsub/pubsub-events.ts'
import { PubSubReports } from '../../src/pubsub/pubsub-reports.ts'
import type { Subscription } from '../../src/pubsub/subscription.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

describe('what a pub/sub reports', () => {
  let clock: FakeClock
  let emitter: EventEmitter<PubSubEvents>
  let reports: PubSubReports
  let lines: string[]

  beforeEach(() => {
    clock = new FakeClock()
    emitter = new EventEmitter()
    lines = []
    const log = (_data: object, text?: string): void => void lines.push(text as string)
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    reports = new PubSubReports({ name: 'P', self: 'n@h' }, emitter, logger, clock)
  })

  it('is every loss to listeners, and ever fewer lines in the log, which tell of all', () => {
    let heard = 0
    emitter.on('dropped', ({ count }) => {
      heard += count
    })
    for (let second = 0; second < 600; second++) {
      for (let n = 0; n < 10; n++) reports.lost('link-full', 1, { topic: 't', node: 'b@host' })
      clock.advance(1000)
    }
    expect(heard).toBe(6000)
    expect(reports.dropped).toEqual({ 'link-full': 6000 })
    expect(lines.slice(0, 3)).toEqual([
      'pub/sub P: 1 message lost, the last of "t" (b@host): link-full',
      'pub/sub P: 10 messages lost, the last of "t" (b@host): link-full',
      'pub/sub P: 20 messages lost, the last of "t" (b@host): link-full',
    ])
    expect(lines.length).toBeLessThan(20)
    clock.advance(200_000)
    for (let n = 0; n < 2; n++) {
      lines.length = 0
      reports.lost('link-full', 1)
      clock.advance(1000)
      expect(lines).toHaveLength(1)
    }
  })

  it('is each subscriber that throws, and few lines of one that does so all the time', () => {
    let heard = 0
    emitter.on('subscriber-error', () => {
      heard++
    })
    const subscription = { topic: 'x'.repeat(60_000) } as Subscription
    for (let n = 0; n < 1000; n++) reports.subscriberFailed(subscription, new Error('thrown'))
    expect(heard).toBe(1000)
    clock.advance(1000)
    reports.subscriberFailed(subscription, new Error('thrown'))
    const shown = `"${'x'.repeat(57)}..."`
    expect(lines).toEqual([
      `pub/sub P: a subscriber threw on a message of ${shown}`,
      `pub/sub P: a subscriber threw 1000 times, the last time on a message of ${shown}`,
    ])
  })

  it('is once that there is no connection, and again for another reason', () => {
    const reasons: unknown[] = []
    emitter.on('engine-down', (error) => reasons.push(error?.message)).on('engine-up', () => reasons.push('up'))
    for (const reason of ['refused', 'refused', 'unauthorized', 'unauthorized', 'refused']) {
      reports.engineDown(new Error(reason))
    }
    reports.engineUp()
    reports.engineDown(new Error('refused'))
    expect(reasons).toEqual(['refused', 'unauthorized', 'refused', 'up', 'refused'])
    expect(lines).toHaveLength(5)
  })

  it('is bounded when what listeners do is lost in turn', async () => {
    let heard = 0
    emitter.on('dropped', () => {
      heard++
      for (let n = 0; n < 3; n++) reports.lost('no-process', 1)
    })
    reports.lost('no-process', 1)
    expect(heard).toBe(1)
    while (heard < 2000) await setImmediate()
    emitter.removeAllListeners()
    const before = reports.dropped['no-process']
    await setImmediate()
    expect(reports.dropped['no-process']).toBe(before)
  })
})
