/** Nodes in one process, each told of no other but the first. */
export const meshSize = 50
/** The same, to see how the number of dials grows. */
export const largeMeshSize = 100

/**
 * How long it takes until each is connected with all others, and what the process does afterwards.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {number} ms how long it is watched; 0: not at all
 * @returns {Promise<Record<string, number>>}
 */
export async function runMesh(stage, ms) {
  const endpoint = stage.node('mesh')
  try {
    const { ms: formed, dials } = await endpoint.ask('form', meshSize, stage.cookie, await stage.epmd())
    if (ms === 0) return { ms: formed, dials }
    const { percent } = await endpoint.ask('idle', ms)
    return { ms: formed, dials, 'processor %': percent }
  } finally {
    await endpoint.close()
  }
}

/**
 * How long a large one takes, and how many connections are tried for it.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @returns {Promise<Record<string, number>>}
 */
export async function runLargeMesh(stage) {
  const endpoint = stage.node('mesh')
  try {
    return await endpoint.ask('form', largeMeshSize, stage.cookie, await stage.epmd())
  } finally {
    await endpoint.close()
  }
}
