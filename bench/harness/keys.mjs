/** Keys that are there when reads are measured: few enough to stay in the caches of the processor. */
export const keysInTable = 1000
/** Keys that are written over and over. */
const keysWritten = 10_000
/** Writes that are under way at once: as many as a busy program has, and all participants the same. */
const window = 1000

/** Milliseconds of writes until they are measured: three processes have to compile what they do. */
const warming = 3000

const texts = Array.from({ length: keysWritten }, (_, i) => `key ${i}`)

/** @param {number} i */
export function keyOf(i) {
  return /** @type {string} */ (texts[i % keysInTable])
}

/** What came of reads, so that none of them is left out. */
export let sink = /** @type {unknown} */ (undefined)

/**
 * Calls a second of something that answers at once.
 *
 * @param {number} ms
 * @param {(i: number) => unknown} work
 */
export function rateOf(ms, work) {
  let best = 0
  for (let round = 0; round < 3; round++) {
    let done = 0
    const begin = performance.now()
    const end = begin + ms / 3
    let now = begin
    for (; now < end; now = performance.now()) {
      for (let i = 0; i < 100_000; i++) sink = work(i)
      done += 100_000
    }
    best = Math.max(best, (done * 1000) / (now - begin))
  }
  return best
}

/**
 * Calls a second of something that answers with a promise, so many of them in a turn.
 *
 * @param {number} ms
 * @param {number} turn
 * @param {(i: number) => Promise<unknown>} work
 */
export async function spread(ms, turn, work) {
  let best = 0
  for (let round = 0; round < 3; round++) {
    let done = 0
    const begin = performance.now()
    const end = begin + ms / 3
    let now = begin
    for (; now < end; now = performance.now()) {
      for (let repeat = 0; repeat < 20; repeat++) {
        let last
        for (let i = 0; i < turn; i++) last = work(i)
        sink = await last
        done += turn
      }
    }
    best = Math.max(best, (done * 1000) / (now - begin))
  }
  return best
}

/**
 * Writes `count` keys.
 *
 * @param {number} count
 * @param {(key: string, value: number) => Promise<unknown>} put
 */
export async function fill(count, put) {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const i = next++
      await put(texts[i] ?? `key ${i}`, i)
    }
  }
  await Promise.all(Array.from({ length: window }, lane))
}

/**
 * Writes a second, with many under way, and the time of one that is alone.
 *
 * @param {number} ms
 * @param {(key: string, value: number) => Promise<unknown>} put
 */
export async function writes(ms, put) {
  let done = 0
  const begin = performance.now()
  const measured = begin + warming
  const end = measured + ms
  let next = 0
  const lane = async () => {
    for (let now = begin; now < end; now = performance.now()) {
      const i = next++
      await put(/** @type {string} */ (texts[i % keysWritten]), i)
      if (performance.now() >= measured) done++
    }
  }
  await Promise.all(Array.from({ length: window }, lane))
  const rate = (done * 1000) / (performance.now() - measured)
  /** @type {number[]} */
  const times = []
  for (const until = performance.now() + ms / 2; performance.now() < until; ) {
    const from = performance.now()
    await put('alone', times.length)
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  return { 'puts/s': rate, 'put p50 ns': (times[times.length >> 1] ?? 0) * 1e6 }
}
