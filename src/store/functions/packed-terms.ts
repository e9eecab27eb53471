import { located } from '../../term/encode.ts'
import { Encoder } from '../../term/encoder.ts'
import { decode, type Term } from '../../term/index.ts'
import { VERSION } from '../../term/tags.ts'
import { Writer } from '../../term/writer.ts'

const INITIAL = 1024

/**
 * A term in a buffer of its own, to be handed to another thread; bytes stay bytes.
 *
 * @throws EncodeError with the path to what is no term
 */
export function pack(term: Term): Uint8Array<ArrayBuffer> {
  const writer = new Writer(INITIAL)
  const encoder = new Encoder(writer)
  encoder.markBytes = true
  writer.u8(VERSION)
  try {
    encoder.write(term)
  } catch (error) {
    throw located(term, error)
  }
  // Not the writer's own: what is transferred is transferred whole.
  return new Uint8Array(writer.bytes.subarray(0, writer.position))
}

/** What {@link pack} was given, as far as terms tell values apart. */
export function unpack(bytes: Uint8Array): Term {
  return decode(bytes)
}
