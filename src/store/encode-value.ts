import { located } from '../term/encode.ts'
import { Encoder } from '../term/encoder.ts'
import type { Term, TermOptions } from '../term/index.ts'
import { VERSION } from '../term/tags.ts'
import { Writer } from '../term/writer.ts'

const INITIAL = 4096
const KEEP = 16 * INITIAL

/** Kept between calls; absent while in use, since a getter of the value may encode something itself. */
let spare: Writer | undefined

/**
 * A value in the External Term Format, as stores keep it: a `Uint8Array` comes back as one, even if its bytes are text.
 *
 * @throws EncodeError with the path to what is no term
 */
export function encodeValue(value: Term, terms: TermOptions): Buffer {
  const writer = spare ?? new Writer(INITIAL)
  spare = undefined
  writer.position = 0
  const encoder = new Encoder(writer)
  encoder.markBytes = true
  encoder.stringKeys = terms.keys === 'strings'
  writer.u8(VERSION)
  try {
    encoder.write(value)
  } catch (error) {
    throw located(value, error)
  }
  // No part of a pool: a store may keep it for long.
  const bytes = Buffer.allocUnsafeSlow(writer.position)
  writer.bytes.copy(bytes, 0, 0, writer.position)
  if (writer.bytes.length <= KEEP) spare = writer
  return bytes
}
