/**
 * @typedef {import('../harness/endpoint.mjs').Endpoint} Endpoint
 * @typedef {import('../participants/store.mjs').Keeper} Keeper
 */

/** Small keys that a node which comes later has to get. */
export const joinerKeys = 1_000_000

/**
 * Everything that can be measured of one keeper of values.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {Keeper} keeper
 * @param {number} ms
 * @param {boolean} last whether this is the last round: what takes long is done once
 * @returns {Promise<{ name: string, values: Record<string, number> }[]>}
 */
export async function runStore(stage, keeper, ms, last) {
  const endpoints = await keeper.open(stage)
  const [first] = /** @type {[Endpoint]} */ (endpoints)
  const results = []
  try {
    for (const work of /** @type {const} */ (['read', 'put', 'compute', 'functions'])) {
      if (keeper.works.includes(work)) results.push({ name: `store ${work}`, values: await first.ask(work, ms) })
    }
  } finally {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  }
  if (last && keeper.works.includes('join')) results.push({ name: 'store join', values: await join(stage) })
  return results
}

/**
 * How long a node takes until it has all keys of another, and what a writer on a third one notices of it.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 */
async function join(stage) {
  const names = [1, 2, 3].map(() => stage.nodeName('joined'))
  const endpoints = names.map(() => stage.node('store-tsunagi'))
  const [loader, writer, joiner] = /** @type {[Endpoint, Endpoint, Endpoint]} */ (endpoints)
  try {
    for (const [i, endpoint] of endpoints.entries()) {
      await endpoint.ask('start', names[i] ?? '', stage.cookie, await stage.epmd())
      for (const name of names.slice(0, i)) await endpoint.ask('join', name)
    }
    await loader.ask('open', '-', '-', '-', 0)
    await loader.ask('fill', joinerKeys)
    await writer.ask('open', '-', '-', '-', 1)
    // One after the other: the second one is the one that is measured.
    await writer.ask('disturb')
    const begin = performance.now()
    await joiner.ask('open', '-', '-', '-', 2)
    const ms = performance.now() - begin
    const { size } = await joiner.ask('size')
    if (size < joinerKeys) throw new Error(`a joiner is ready with ${size} of ${joinerKeys} keys`)
    return { ms, ...(await writer.ask('calm')) }
  } finally {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  }
}
