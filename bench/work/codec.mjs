/**
 * Who turns the five-key map into bytes and back.
 *
 * @type {readonly { name: string, title: string, needs: readonly string[] }[]}
 */
export const codecs = [
  { name: 'tsunagi', title: 'Tsunagi encode / decode', needs: [] },
  { name: 'json-buffer', title: 'JSON to and from Buffer', needs: [] },
  { name: 'json', title: 'JSON to and from string', needs: [] },
  { name: 'msgpackr', title: 'msgpackr', needs: [] },
  { name: 'v8', title: 'v8.serialize / deserialize', needs: [] },
  { name: 'erlpack', title: 'erlpack', needs: [] },
  { name: 'otp', title: 'OTP term_to_binary / binary_to_term', needs: ['erl', 'erlc', 'epmd'] },
]

/**
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {string} codec
 * @param {number} ms of each direction
 * @returns {Promise<Record<string, number>>}
 */
export async function runCodec(stage, codec, ms) {
  const endpoint = codec === 'otp' ? await stage.erlang(stage.nodeName('erl')) : stage.node('codec')
  try {
    if (codec !== 'otp') await endpoint.ask('use', codec)
    const { encode, decode, bytes } = await endpoint.ask('codec', ms)
    return { 'encode/s': encode, 'decode/s': decode, bytes }
  } finally {
    await endpoint.close()
  }
}
