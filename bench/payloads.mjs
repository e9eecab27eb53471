/**
 * What the one-way sends carry. Every participant carries the same information; how it is written is the participant's
 * own way (Erlang terms, JSON, bytes as they are, base64 where only JSON goes).
 *
 * @typedef {object} Payload
 * @property {string} title
 * @property {number} bytes size as an Erlang term (small ones) or of the binary itself: the size of the raw socket's frames
 * @property {number} check what one received message adds to the receiver's sum, so that nothing lost or cut goes unseen
 * @property {number} warm messages of the first, unmeasured flood
 */

/** @type {Readonly<Record<string, Payload>>} */
export const payloads = {
  tuple: { title: 'small tuple', bytes: 29, check: 42, warm: 20_000 },
  map: { title: 'five-key map', bytes: 91, check: 12_345, warm: 20_000 },
  '1KiB': { title: '1 KiB binary', bytes: 1024, check: 1024, warm: 10_000 },
  '64KiB': { title: '64 KiB binary', bytes: 65_536, check: 65_536, warm: 500 },
  '1MiB': { title: '1 MiB binary', bytes: 1_048_576, check: 1_048_576, warm: 50 },
}

/** @param {string | undefined} name */
export function payloadOf(name = '') {
  const payload = payloads[name]
  if (payload === undefined) throw new Error(`there is no payload "${name}"`)
  return payload
}

/**
 * Bytes that are no text in any encoding, as pictures and compressed data are.
 *
 * @param {number} length
 */
export function noise(length) {
  const bytes = new Uint8Array(length)
  let state = 0x9e3779b9
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  bytes[0] = 0xff
  return bytes
}

/** The five-key map, with `id` to tell one from another. */
export function reading(id = 12_345) {
  return { id, name: 'sensor-17', temperature: 21.5, unit: 'celsius', ok: true }
}
