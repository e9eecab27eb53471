import { tsunagi } from '../participants/nodes.mjs'

/** Monitors of one process on another node's. */
export const monitorCount = 100_000

/**
 * From the moment the link is cut until the last of the monitors over it has fired and its message was received.
 *
 * @param {import('../harness/stage.mjs').Stage} stage
 * @returns {Promise<Record<string, number>>}
 */
export async function runMonitors(stage) {
  const { sender, receiver } = await tsunagi.open(stage)
  try {
    await sender.ask('monitor', monitorCount)
    const { ms } = await sender.ask('cut')
    return { ms }
  } finally {
    await Promise.all([sender.close(), receiver.close()])
  }
}
