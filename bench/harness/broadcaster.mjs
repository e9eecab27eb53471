import { createHistogram } from 'node:perf_hooks'
import { obey } from './obey.mjs'
import { Tally } from './tally.mjs'

/**
 * What a participant's endpoint does in its own way.
 *
 * @typedef {object} Bus
 * @property {(...words: string[]) => Promise<string | number>} open answers the address that others `join`
 * @property {(address: string) => Promise<void>} [join]
 * @property {(peers: number) => Promise<unknown>} [ready] all subscriptions count everywhere, `peers` of them are known
 * @property {(take: (value: number, stamp: number) => void) => unknown} subscribe one more callback
 * @property {(value: number, stamp: number) => boolean} publish `{temperature, Value, Stamp}`; false: wait for `room`
 * @property {() => Promise<unknown>} room
 */

/** Microseconds that all processes of a machine have in common; begins anew before it needs more than an integer. */
const wrap = 2 ** 30
const microseconds = () => Number(process.hrtime.bigint() / 1000n) % wrap

/** Messages of one value; what is behind it is their time. */
const value = 42

/**
 * Obeys, as a publisher or a subscriber: the same loops for every participant.
 *
 * @param {Bus} bus
 */
export async function broadcaster(bus) {
  const tally = new Tally()
  const histogram = createHistogram()
  let timed = false
  await obey({
    open: async (...words) => ({ address: await bus.open(...words) }),
    join: (address) => bus.join?.(address),
    ready: async (peers) => void (await bus.ready?.(Number(peers))),

    /** The first of them tells how long messages took. @param {string} count */
    async subscribe(count) {
      for (let index = 0; index < Number(count); index++) {
        await bus.subscribe((check, stamp) => {
          if (index === 0 && timed) histogram.record(Math.max(1, (microseconds() - stamp + wrap) % wrap))
          tally.take(check)
        })
      }
    },

    arm: (deliveries) => tally.arm(Number(deliveries)),
    collect: () => tally.collect(),

    /** As fast as it goes. @param {string} count */
    async flood(count) {
      for (let left = Number(count); left > 0; left--) if (!bus.publish(value, 0)) await bus.room()
      await bus.room()
    },

    /** So many a second, as a timer wakes it every millisecond. @param {string} count @param {string} rate */
    async pace(count, rate) {
      const begin = performance.now()
      for (let sent = 0; sent < Number(count); ) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        const due = Math.min(Number(count), ((performance.now() - begin) * Number(rate)) / 1000)
        for (; sent < due; sent++) bus.publish(value, microseconds())
      }
      return { ms: performance.now() - begin }
    },

    time() {
      histogram.reset()
      timed = true
    },
    times() {
      timed = false
      return { p50: histogram.percentile(50) * 1000, p99: histogram.percentile(99) * 1000 }
    },
  })
}
