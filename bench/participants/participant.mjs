/**
 * @typedef {import('../harness/endpoint.mjs').Endpoint} Endpoint
 * @typedef {import('../harness/stage.mjs').Stage} Stage
 *
 * @typedef {object} Pair two processes that can reach each other
 * @property {Endpoint} sender
 * @property {Endpoint} receiver
 *
 * @typedef {object} Participant
 * @property {string} name for `--only`
 * @property {string} title for tables
 * @property {readonly string[]} needs programs on the path
 * @property {(stage: Stage) => Promise<Pair>} open
 */

/**
 * Starts the receiver, then has the sender connect to the address it answers with.
 *
 * @param {Pair} pair
 * @param {readonly (string | number)[]} [listen] words of the receiver's `listen`
 * @returns {Promise<Pair>}
 */
export async function join({ sender, receiver }, listen = []) {
  const { address } = await receiver.ask('listen', ...listen)
  await sender.ask('connect', address)
  return { sender, receiver }
}
