/**
 * One codec in a process of its own, so that no other shapes what the compiler makes of it. The five-key map comes in
 * 64 variants, and whole rounds of them run until the time is up.
 */
import { pathToFileURL } from 'node:url'
import { deserialize, serialize } from 'node:v8'
import { obey } from '../harness/obey.mjs'
import { reading } from '../payloads.mjs'

/**
 * @typedef {object} Codec
 * @property {(value: any) => any} encode
 * @property {(bytes: any) => any} decode
 */

/** @type {Record<string, () => Promise<Codec>>} */
const codecs = {
  tsunagi: async () => {
    const { encode, decode } = await import('../../dist/term/index.js')
    return { encode: (value) => encode(value), decode: (bytes) => decode(bytes) }
  },
  'json-buffer': async () => ({
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(bytes.toString()),
  }),
  json: async () => ({ encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) }),
  msgpackr: async () => {
    const { pack, unpack } = await import('msgpackr')
    return { encode: (value) => pack(value), decode: (bytes) => unpack(bytes) }
  },
  v8: async () => ({ encode: (value) => serialize(value), decode: (bytes) => deserialize(bytes) }),
  erlpack: async () => {
    const { default: erlpack } = await import('erlpack')
    return { encode: (value) => erlpack.pack(value), decode: (bytes) => erlpack.unpack(bytes) }
  },
}

const values = Array.from({ length: 64 }, (_, index) => reading(12_301 + index))

/** @param {(input: any) => any} work @param {readonly any[]} inputs @param {number} ms */
function rate(work, inputs, ms) {
  const begin = performance.now()
  let done = 0
  let sink = 0
  for (;;) {
    for (const input of inputs) {
      const output = work(input)
      sink += output.length ?? output.id
    }
    done += inputs.length
    const now = performance.now()
    if (now - begin >= ms) return sink > 0 ? (done * 1000) / (now - begin) : 0
  }
}

/** @type {Codec} */
let codec

await obey({
  async use(name) {
    const load = codecs[name]
    if (load === undefined) throw new Error(`there is no codec "${name}"`)
    codec = await load()
    const back = codec.decode(codec.encode(reading()))
    for (const [key, value] of Object.entries(reading())) {
      if (back[key] !== value) throw new Error(`${name} lost ${key}: ${JSON.stringify(back)}`)
    }
  },
  codec(words) {
    const ms = Number(words)
    const encoded = values.map((value) => codec.encode(value))
    rate(codec.encode, values, ms / 2)
    rate(codec.decode, encoded, ms / 2)
    return {
      encode: rate(codec.encode, values, ms),
      decode: rate(codec.decode, encoded, ms),
      bytes: encoded[0].length,
    }
  },
  async import(name) {
    const begin = performance.now()
    await import(name.startsWith('/') ? pathToFileURL(name).href : name)
    return { ms: performance.now() - begin }
  },
})
