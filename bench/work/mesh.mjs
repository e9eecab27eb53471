/** Nodes in one process, each told of no other but the first. */
export const meshSize = 50

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
    const { ms: formed } = await endpoint.ask('form', meshSize, stage.cookie, await stage.epmd())
    if (ms === 0) return { ms: formed }
    const { percent } = await endpoint.ask('idle', ms)
    return { ms: formed, 'processor %': percent }
  } finally {
    await endpoint.close()
  }
}
