import { inflateSync } from 'node:zlib'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { Decoder } from './decoder.ts'
import { DecodeError } from './errors.ts'
import { COMPRESSED, VERSION } from './tags.ts'
import type { DecodeOptions, Term } from './term.ts'

/** Options of {@link decode}. */
export interface ExternalDecodeOptions extends DecodeOptions {
  /** Bounds on depth, parts and unpacked size; see `docs/limits.md`. */
  readonly limits?: Partial<Pick<Limits, 'termDepth' | 'termCount' | 'inflatedBytes'>>
}

/** Decoding calls nobody back, so one decoder serves all. */
const shared = new Decoder()
const none = Buffer.alloc(0)

/**
 * Decodes one term in the External Term Format, version byte first, as `binary_to_term/1` does; compressed ones too.
 *
 * @throws DecodeError (`ERR_DECODE`) when the bytes are no term, are followed by others, or cross a limit.
 *
 * @example
 * decode(Buffer.from('83680277026f6b612a', 'hex')) // {ok,42}
 */
export function decode(bytes: Uint8Array, options: ExternalDecodeOptions = {}): Term {
  const input = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (input[0] !== VERSION) throw new DecodeError(`a term begins with ${VERSION}, not ${input[0] ?? 'nothing'}`, 0)
  let decoder = shared
  if (options.limits === undefined) decoder.configure(options)
  else decoder = new Decoder(options, { ...defaultLimits, ...options.limits })
  if (input[1] === COMPRESSED) {
    const unpacked = inflate(input, options.limits?.inflatedBytes ?? defaultLimits.inflatedBytes)
    decoder.reset(unpacked, 0, unpacked.length)
  } else {
    decoder.reset(input, 1, input.length)
  }
  try {
    const term = decoder.read()
    if (decoder.position !== decoder.end) throw decoder.fail('bytes are left over behind the term')
    return term
  } finally {
    // So that it does not hold on to the input.
    decoder.reset(none, 0, 0)
  }
}

/** COMPRESSED: the unpacked size u32, then zlib, which must unpack to exactly that and leave nothing over. */
function inflate(input: Buffer, most: number): Buffer {
  if (input.length < 6) throw new DecodeError('the input ends inside a term', input.length)
  const size = input.readUInt32BE(2)
  if (size > most) throw new DecodeError(`a term that unpacks to ${size} bytes; ${most} are allowed`, 2)
  let result: { buffer: Buffer; engine: { bytesWritten: number } }
  try {
    result = inflateSync(input.subarray(6), {
      maxOutputLength: Math.max(size, 1),
      info: true,
    }) as unknown as typeof result
  } catch (error) {
    throw new DecodeError(`compressed data that does not unpack (${(error as Error).message})`, 6)
  }
  if (result.buffer.length !== size) throw new DecodeError('compressed data of another size than it says', 2)
  if (result.engine.bytesWritten !== input.length - 6) throw new DecodeError('bytes are left over behind the term', 6)
  return result.buffer
}
