import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { LocalDelivery } from '../../src/pubsub/local-delivery.ts'
import type { PubSubEvents } from '../../src/pubsub/pubsub-events.ts'
import { PubSubReports } from '../../src/pubsub/pubsub-reports.ts'
import { Subscribers } from '../../src/pubsub/subscribers.ts'
import { CallbackSubscription } from '../../src/pubsub/subscription.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

it('what arrives while subscribers are busy waits up to as many messages and bytes as a mailbox holds', () => {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const reports = new PubSubReports(
    { name: 'P', self: 'n@h' },
    new EventEmitter<PubSubEvents>(),
    silent,
    new FakeClock(),
  )
  const subscribers = new Subscribers(() => {}, {})
  const local = new LocalDelivery(subscribers, new Map(), reports, { mailboxMessages: 5, mailboxBytes: 1000 })
  const arrive = (message: number, bytes: number): void => {
    const delivery = { topic: 't', message, node: 'b@host', replayed: false }
    local.incoming(delivery, { ...delivery, dispatcher: undefined, bytes, as: () => message })
  }
  const got: unknown[] = []
  const owner = { ended: () => {}, failed: () => {}, lost: () => {} }
  const settings = { topic: 't', pattern: false, metadata: undefined, terms: undefined, replay: false }
  const whenFirst = (sizes: readonly number[]): void => {
    got.length = 0
    const subscription = new CallbackSubscription({ ...settings, gate: undefined, owner }, (message) => {
      got.push(message)
      if (message === 0) for (const [i, size] of sizes.entries()) arrive(i + 1, size)
    })
    subscribers.add(subscription)
    arrive(0, 0)
    subscribers.delete(subscription)
  }
  whenFirst([400, 400, 400, 200])
  expect(got).toEqual([0, 1, 2, 4])
  whenFirst([5000, 1])
  expect(got).toEqual([0, 1])
  whenFirst([1, 1, 1, 1, 1, 1, 1])
  expect(got).toEqual([0, 1, 2, 3, 4, 5])
  expect(reports.dropped).toEqual({ 'slow-subscriber': 4 })
})
