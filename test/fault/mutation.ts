import fc from 'fast-check'

/** Bytes that mean something on a link: versions, tags, control operations, edges. */
const telling = [0, 1, 2, 4, 6, 16, 22, 33, 37, 68, 69, 70, 77, 80, 82, 88, 90, 97, 98, 100, 104, 105, 106, 107, 108]
telling.push(109, 110, 111, 112, 113, 116, 118, 119, 120, 127, 128, 131, 255)

const lengths = [0, 1, 3, 0xff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff]

/** What happens to bytes under way: they change, go, come, are doubled, swapped, or another length is written. */
export type Mutation = (bytes: Buffer) => Buffer

type Kind = 'set' | 'flip' | 'drop' | 'insert' | 'repeat' | 'length' | 'truncate'

const kinds = fc.constantFrom<Kind>('set', 'flip', 'drop', 'insert', 'repeat', 'length', 'truncate')

export const mutation: fc.Arbitrary<Mutation> = fc
  .record({
    kind: kinds,
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.oneof(fc.constantFrom(...telling), fc.nat(255)),
    count: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ kind, at, byte, count }) => {
    const mutate = (bytes: Buffer) => apply(bytes, kind, Math.floor(at * bytes.length), byte, count)
    return Object.assign(mutate, { toString: () => `${kind} at ${at} (${byte}, ${count})` })
  })

function apply(bytes: Buffer, kind: Kind, at: number, byte: number, count: number): Buffer {
  const result = Buffer.from(bytes)
  switch (kind) {
    case 'set':
      if (at < result.length) result[at] = byte
      return result
    case 'flip':
      if (at < result.length) result[at] = (result[at] as number) ^ (1 << (count % 8))
      return result
    case 'drop':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)])
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(count, byte), bytes.subarray(at)])
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 8 * count))])
    case 'length':
      if (at + 4 <= result.length) result.writeUInt32BE(lengths[count % lengths.length] as number, at)
      return result
    case 'truncate':
      return result.subarray(0, at)
  }
}

/** Cuts portions of these sizes off; the last one is the rest. */
export function* portions(bytes: Buffer, sizes: readonly number[]): Iterable<Buffer> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i] ?? bytes.length)
    yield bytes.subarray(at, end)
    at = end
  }
}
