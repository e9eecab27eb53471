/** How many of a kind wait for messages at once. */
export const processCount = 100_000
/** Messages a producer sends before it waits until they were taken. */
const batch = 1_000

/** Who waits for messages. */
export const kinds = [
  { name: 'bare', title: 'bare async iterator' },
  { name: 'process', title: 'process' },
  { name: 'server', title: 'GenServer' },
]

/**
 * Memory and time of each kind, each in a process of its own, and what it takes more than the bare iterator.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @returns {Promise<{ name: string, values: Record<string, number> }[]>}
 */
export async function runProcesses(stage) {
  const all = []
  let least = 0
  for (const { name } of kinds) {
    const endpoint = stage.node('processes', '--expose-gc')
    try {
      const { bytes, ms } = await endpoint.ask('start', name, processCount)
      if (name === 'bare') least = bytes
      all.push({ name, values: { bytes, 'surplus bytes': bytes - least, 'starts/s': (processCount * 1000) / ms } })
    } finally {
      await endpoint.close()
    }
  }
  return all
}

/**
 * Messages between two processes of one node: in batches, and one at a time, where each waits for the other's.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {number} ms
 * @returns {Promise<Record<string, number>>}
 */
export async function runMessages(stage, ms) {
  const endpoint = stage.node('processes')
  /** @param {number} size @param {number} warm */
  const rate = async (size, warm) => {
    await endpoint.ask('exchange', warm, size)
    const again = await endpoint.ask('exchange', warm, size)
    const count = Math.ceil((warm / again.ms) * ms)
    const { ms: taken } = await endpoint.ask('exchange', count, size)
    return (count * (size + 1) * 1000) / taken
  }
  try {
    return { 'batched/s': await rate(batch, 200), 'single/s': await rate(1, 50_000) }
  } finally {
    await endpoint.close()
  }
}
