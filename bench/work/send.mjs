import { payloadOf, payloads } from '../payloads.mjs'

/**
 * Floods the receiver's registered process; the receiver takes the time from the first message to the last and
 * answers how many came and what they add up to.
 *
 * @param {import('../participants/participant.mjs').Pair} pair
 * @param {string} payload
 * @param {number} count
 */
async function flood({ sender, receiver }, payload, count) {
  await receiver.ask('arm', payload, count)
  const [{ received, sum, ms }] = await Promise.all([receiver.ask('collect'), sender.ask('flood', payload, count)])
  const { check } = payloadOf(payload)
  if (received !== count || sum !== count * check) {
    throw new Error(`${payload}: sent ${count} with a sum of ${count * check}, arrived ${received} with ${sum}`)
  }
  return (count * 1000) / ms
}

/** One-way sends, a work per payload. @type {readonly import('./work.mjs').PairWork[]} */
export const sends = Object.entries(payloads).map(([payload, { title, bytes, warm }]) => ({
  name: `send ${payload}`,
  group: 'send',
  title: `one-way sends, ${title}`,
  async run(pair, ms) {
    // The second flood runs compiled code, and tells how many messages fill the time asked for.
    const first = await flood(pair, payload, warm)
    const second = await flood(pair, payload, clamp(first * 0.25 * (ms / 1000), warm))
    const rate = await flood(pair, payload, clamp(second * (ms / 1000), warm))
    return { 'messages/s': rate, 'bytes/s': rate * bytes }
  },
}))

/** @param {number} count @param {number} least */
function clamp(count, least) {
  return Math.max(least, Math.min(5_000_000, Math.round(count)))
}
