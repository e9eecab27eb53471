/** Processes of one node each, that only their EPMD knows. */
export const clusterSize = 10

/**
 * How long it takes from the last start until all are connected with all, and from the restart of one that was killed until
 * they are so again.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @returns {Promise<{ name: string, values: Record<string, number> }[]>}
 */
export async function runCluster(stage) {
  const epmdPort = await stage.epmd()
  const endpoints = Array.from({ length: clusterSize }, () => stage.node('local-epmd'))
  /** @param {number} index */
  const start = (index) => at(endpoints, index).ask('start', `local${index}`, stage.cookie, epmdPort)
  const meshed = async () => {
    const begin = performance.now()
    await Promise.all(endpoints.map((endpoint) => endpoint.ask('reach', clusterSize - 1)))
    return { ms: performance.now() - begin }
  }
  try {
    await Promise.all(endpoints.map((_, index) => start(index)))
    const formed = await meshed()
    at(endpoints, 1).kill()
    await Promise.all(
      endpoints.filter((_, index) => index !== 1).map((endpoint) => endpoint.ask('shrink', clusterSize - 2)),
    )
    endpoints[1] = stage.node('local-epmd')
    await start(1)
    const restored = await meshed()
    return [
      { name: 'cluster', values: formed },
      { name: 'restart', values: restored },
    ]
  } finally {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  }
}

/**
 * @param {readonly import('../harness/endpoint.mjs').Endpoint[]} endpoints
 * @param {number} index
 */
function at(endpoints, index) {
  return /** @type {import('../harness/endpoint.mjs').Endpoint} */ (endpoints[index])
}
