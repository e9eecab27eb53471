/** The golden ratio, which Erlang's hash functions begin with. */
const GOLDEN = 0x9e3779b9
/** What a binary's hash begins with, beside others' kinds. */
const BINARY = 0x08d12e65

/**
 * `erlang:phash2(Binary, Range)`: a number from 0 to `range - 1` that is the same on every node and in every release.
 * A string is hashed as its UTF-8.
 *
 * Source: `erl_term_hashing.c` of OTP, whose block hash is Bob Jenkins' `lookup2`.
 *
 * @param range 1 to 2³². Default 2²⁷, as with `erlang:phash2/1`.
 */
export function phash2Binary(binary: string | Uint8Array, range: number = 2 ** 27): number {
  const bytes = typeof binary === 'string' ? Buffer.from(binary) : binary
  return (bytes.length === 0 ? BINARY : blockHash(bytes)) % range
}

function blockHash(k: Uint8Array): number {
  const { length } = k
  let a = GOLDEN | 0
  let b = GOLDEN | 0
  let c = BINARY
  // Past the end there are zeros; the length takes the lowest byte of what is left of the last block.
  for (let i = 0; ; i += 12) {
    const last = i + 12 > length
    a = (a + word(k, i)) | 0
    b = (b + word(k, i + 4)) | 0
    c = last ? (c + length + (word(k, i + 7) & ~0xff)) | 0 : (c + word(k, i + 8)) | 0
    a = (a - b - c) ^ (c >>> 13)
    b = (b - c - a) ^ (a << 8)
    c = (c - a - b) ^ (b >>> 13)
    a = (a - b - c) ^ (c >>> 12)
    b = (b - c - a) ^ (a << 16)
    c = (c - a - b) ^ (b >>> 5)
    a = (a - b - c) ^ (c >>> 3)
    b = (b - c - a) ^ (a << 10)
    c = (c - a - b) ^ (b >>> 15)
    if (last) return c >>> 0
  }
}

/** Four bytes, the lowest first. */
function word(k: Uint8Array, i: number): number {
  return (k[i] ?? 0) | ((k[i + 1] ?? 0) << 8) | ((k[i + 2] ?? 0) << 16) | ((k[i + 3] ?? 0) << 24)
}
