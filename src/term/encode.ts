import { deflateSync } from 'node:zlib'
import { TsunagiError } from '../base/errors.ts'
import type { Atom } from './atom.ts'
import { EncodedTerm } from './encoded-term.ts'
import { type AtomRefs, Encoder } from './encoder.ts'
import { EncodeError } from './errors.ts'
import { ImproperList } from './special.ts'
import { COMPRESSED, VERSION } from './tags.ts'
import type { EncodeOptions, Term } from './term.ts'
import { Writer } from './writer.ts'

/** Options of {@link encode}. */
export interface ExternalEncodeOptions extends EncodeOptions {
  /** Compress with zlib as `term_to_binary/2` does: true (level 6) or a level from 0 to 9. Default false. */
  readonly compressed?: boolean | number
}

const INITIAL = 4096
const KEEP = 16 * INITIAL

interface Workbench {
  readonly writer: Writer
  readonly encoder: Encoder
}

/** Kept between calls; absent while in use, since a getter of the value may encode something itself. */
let spare: Workbench | undefined

function workbench(): Workbench {
  const writer = new Writer(INITIAL)
  return { writer, encoder: new Encoder(writer) }
}

/**
 * Encodes a term in the External Term Format with its version byte, as `term_to_binary/1` does.
 *
 * @throws EncodeError (`ERR_ENCODE`) with the path to the value that has no Erlang form.
 *
 * @example
 * encode(tuple(atom('ok'), 42)) // <Buffer 83 68 02 77 02 6f 6b 61 2a>
 */
export function encode(term: Term, options?: ExternalEncodeOptions): Buffer {
  const compressed = options?.compressed ?? false
  const bench = spare ?? workbench()
  spare = undefined
  const { writer, encoder } = bench
  writer.position = 0
  encoder.stringKeys = options?.keys === 'strings'
  writer.u8(VERSION)
  try {
    encoder.write(term)
  } catch (error) {
    throw located(term, error)
  }
  const bytes = Buffer.allocUnsafe(writer.position)
  writer.bytes.copy(bytes, 0, 0, writer.position)
  if (writer.bytes.length <= KEEP) spare = bench
  return compressed === false ? bytes : deflated(bytes, compressed === true ? 6 : compressed)
}

/** How {@link encodeTerm} writes. */
export interface EncodedTermOptions extends EncodeOptions {
  /**
   * For nodes of this package only: bytes are marked, so that they stay bytes, and atoms are not counted, since they are
   * freed there. Default false.
   */
  readonly ours?: boolean
}

/**
 * Encodes a term once, for several messages: where a term can be, what this returns can be, too.
 *
 * @throws EncodeError (`ERR_ENCODE`) with the path to the value that has no Erlang form.
 */
export function encodeTerm(term: Term, options: EncodedTermOptions = {}): EncodedTerm {
  const bench = spare ?? workbench()
  spare = undefined
  const { writer, encoder } = bench
  const ours = options.ours === true
  const refs = ours ? undefined : new AtomList()
  writer.position = 0
  encoder.refs = refs
  encoder.stringKeys = options.keys === 'strings'
  encoder.markBytes = ours
  try {
    encoder.write(term)
  } catch (error) {
    throw located(term, error)
  }
  const bytes = Buffer.allocUnsafe(writer.position)
  writer.bytes.copy(bytes, 0, 0, writer.position)
  encoder.refs = undefined
  encoder.markBytes = false
  if (writer.bytes.length <= KEEP) spare = bench
  return new EncodedTerm(bytes, [...(refs?.atoms ?? [])], [...(refs?.keys ?? [])])
}

/** Takes down which atoms are written out. */
class AtomList implements AtomRefs {
  readonly atoms = new Set<Atom>()
  readonly keys = new Set<Atom>()

  index(atom: Atom, isKey: boolean): number {
    this.admit(atom, isKey)
    return -1
  }

  admit(atom: Atom, isKey: boolean): void {
    ;(isKey ? this.keys : this.atoms).add(atom)
  }
}

/** COMPRESSED: the size before u32, then zlib. Left as it was when that would be longer. */
function deflated(bytes: Buffer, level: number): Buffer {
  const packed = deflateSync(bytes.subarray(1), { level })
  if (packed.length + 5 >= bytes.length) return bytes
  const head = Buffer.from([VERSION, COMPRESSED, 0, 0, 0, 0])
  head.writeUInt32BE(bytes.length - 1, 2)
  return Buffer.concat([head, packed])
}

/** The error an encoder threw, with the path to the value at fault. Walks the value anew: failing may be slow. */
export function located(term: unknown, error: unknown): unknown {
  if (error instanceof RangeError) return new EncodeError('a value nests too deep for the stack, or contains itself')
  if (!(error instanceof TsunagiError) || error.code !== 'ERR_ENCODE') return error
  if (error instanceof EncodeError && error.path !== '') return error
  return new EncodeError(error.message, locate(term, '', 0))
}

function locate(value: unknown, path: string, depth: number): string | undefined {
  if (depth > 100) return undefined
  if (encodes(value)) return undefined
  if (typeof value === 'object' && value !== null) {
    for (const [step, child] of children(value)) {
      const found = locate(child, path + step, depth + 1)
      if (found !== undefined) return found
    }
  }
  return path
}

function encodes(value: unknown): boolean {
  try {
    new Encoder(new Writer(256)).write(value as Term)
    return true
  } catch {
    return false
  }
}

function* children(value: object): Iterable<[string, unknown]> {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield [`[${i}]`, value[i]]
  } else if (value instanceof ImproperList) {
    for (let i = 0; i < value.elements.length; i++) yield [`[${i}]`, value.elements[i]]
    yield ['.tail', value.tail]
  } else if (value instanceof Map) {
    let i = 0
    for (const [key, element] of value) {
      yield [` (key ${i})`, key]
      yield [typeof key === 'string' ? `.get(${JSON.stringify(key)})` : ` (value ${i})`, element]
      i++
    }
  } else {
    for (const [key, element] of Object.entries(value)) {
      yield [/^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, element]
    }
  }
}
