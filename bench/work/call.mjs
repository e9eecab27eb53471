import { canPlace, place } from '../harness/placement.mjs'

const callers = 64

/** Round trips one after the other, both ends where they are put. @type {readonly import('./work.mjs').PairWork[]} */
export const calls = canPlace
  ? [
      oneAtATime('call', 'calls one at a time, a processor for each end', 'apart'),
      oneAtATime('call together', 'calls one at a time, both ends on one processor', 'together'),
    ]
  : [oneAtATime('call', 'calls one at a time', 'free')]

/**
 * @param {string} name
 * @param {string} title
 * @param {'apart' | 'together' | 'free'} how
 * @returns {import('./work.mjs').PairWork}
 */
function oneAtATime(name, title, how) {
  return {
    name,
    group: 'call',
    title,
    async run(pair, ms) {
      place(pair, how)
      try {
        const count = await howMany(ms, (warm) => pair.sender.ask('calls', warm))
        const { p50, p99 } = await pair.sender.ask('calls', count)
        return { 'p50 ns': p50, 'p99 ns': p99 }
      } finally {
        place(pair, 'free')
      }
    },
  }
}

/** Callers that each wait for their own answer. @type {import('./work.mjs').PairWork} */
export const crowd = {
  name: 'crowd',
  group: 'call',
  title: `calls, ${callers} callers at once`,
  async run({ sender }, ms) {
    const count = await howMany(ms, (warm) => sender.ask('crowd', warm, callers))
    const answer = await sender.ask('crowd', count, callers)
    return { 'calls/s': (count * 1000) / answer.ms }
  },
}

/**
 * Warms up, and tells how many calls fill `ms`.
 *
 * @param {number} ms
 * @param {(count: number) => Promise<{ ms: number }>} run
 */
async function howMany(ms, run) {
  const warm = callers * 30
  const first = await run(warm)
  const again = round((warm / first.ms) * ms * 0.25)
  const second = await run(again)
  return round((again / second.ms) * ms)
}

/** To whole shares per caller. @param {number} count */
function round(count) {
  return Math.max(10, Math.round(count / callers)) * callers
}
