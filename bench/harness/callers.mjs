import { createHistogram } from 'node:perf_hooks'

/**
 * The calling side of a Node.js endpoint: the same two loops for every participant.
 *
 * @param {() => Promise<unknown>} call one round trip
 */
export function callers(call) {
  return {
    /** One at a time: percentiles in ns. @param {string} count */
    async calls(count) {
      const histogram = createHistogram()
      const begin = performance.now()
      for (let left = Number(count); left > 0; left--) {
        const sent = performance.now()
        await call()
        histogram.record(Math.max(1, Math.round((performance.now() - sent) * 1e6)))
      }
      const ms = performance.now() - begin
      return { ms, p50: histogram.percentile(50), p99: histogram.percentile(99) }
    },

    /** Several callers at once, each of which waits for its answer before it asks again. @param {string[]} words */
    async crowd(...words) {
      const [count = 0, size = 1] = words.map(Number)
      const begin = performance.now()
      const caller = async () => {
        for (let left = count / size; left > 0; left--) await call()
      }
      await Promise.all(Array.from({ length: size }, caller))
      return { ms: performance.now() - begin }
    },
  }
}
