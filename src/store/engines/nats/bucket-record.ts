import { located } from '../../../term/encode.ts'
import { Encoder } from '../../../term/encoder.ts'
import { decode, encode, type Term, type TermOptions } from '../../../term/index.ts'
import { VERSION } from '../../../term/tags.ts'
import { Writer } from '../../../term/writer.ts'

/** A value in a record. */
export interface RecordValue {
  /** In the External Term Format. */
  readonly bytes: Uint8Array
  readonly staleAt: number | undefined
  readonly expiresAt: number | undefined
  /** The revision that wrote it; undefined: the record's own. A lease on a stale value is written over it. */
  readonly revision: number | undefined
}

/** Somebody computes the key's value. */
export interface RecordLease {
  readonly id: string
  readonly node: string
}

/** What one revision of a key in the bucket holds: value and lease share it, so that one compare and set decides both. */
export interface BucketRecord {
  readonly value: RecordValue | undefined
  readonly lease: RecordLease | undefined
  /** The lease that failed just now, and how. */
  readonly failure: (RecordLease & { readonly message: string }) | undefined
  /** The key, where the bucket has its digest only. */
  readonly key: string | undefined
}

const FORMAT = 1

/** A record as the bucket keeps it: a list in the External Term Format. */
export function encodeRecord({ value, lease, failure, key }: BucketRecord): Buffer {
  return encode([
    FORMAT,
    key,
    value === undefined ? undefined : [value.bytes, value.staleAt, value.expiresAt, value.revision],
    lease === undefined ? undefined : [lease.id, lease.node],
    failure === undefined ? undefined : [failure.id, failure.node, failure.message],
  ])
}

/** Reads a record; undefined for what is none: others may write into the bucket, too. */
export function decodeRecord(bytes: Uint8Array): BucketRecord | undefined {
  let list: Term
  try {
    list = decode(bytes, { binaries: 'bytes' })
  } catch {
    return undefined
  }
  if (!Array.isArray(list) || list.length !== 5 || list[0] !== FORMAT) return undefined
  const [, key, value, lease, failure] = list as readonly unknown[]
  const record = { key: text(key), value: readValue(value), lease: readLease(lease), failure: readFailure(failure) }
  const whole = [key, value, lease, failure].every((given, i) => {
    return given === undefined || [record.key, record.value, record.lease, record.failure][i] !== undefined
  })
  return whole ? record : undefined
}

/** A value as bytes; `Uint8Array`s in it stay what they are. @throws EncodeError with the path to what is no term */
export function encodeValue(value: Term, terms: TermOptions): Uint8Array {
  const writer = new Writer(256)
  const encoder = new Encoder(writer)
  encoder.markBytes = true
  encoder.stringKeys = terms.keys === 'strings'
  writer.u8(VERSION)
  try {
    encoder.write(value)
  } catch (error) {
    throw located(value, error)
  }
  return writer.bytes.subarray(0, writer.position)
}

function readValue(given: unknown): RecordValue | undefined {
  if (!Array.isArray(given) || given.length !== 4) return undefined
  const [bytes, staleAt, expiresAt, revision] = given as unknown[]
  if (!(bytes instanceof Uint8Array) || ![staleAt, expiresAt, revision].every(isCount)) return undefined
  return { bytes, staleAt, expiresAt, revision } as RecordValue
}

function readLease(given: unknown): RecordLease | undefined {
  if (!Array.isArray(given) || given.length !== 2) return undefined
  const [id, node] = given.map(text)
  return id === undefined || node === undefined ? undefined : { id, node }
}

function readFailure(given: unknown): BucketRecord['failure'] {
  if (!Array.isArray(given) || given.length !== 3) return undefined
  const [id, node, message] = given.map(text)
  return id === undefined || node === undefined || message === undefined ? undefined : { id, node, message }
}

function text(given: unknown): string | undefined {
  return given instanceof Uint8Array ? Buffer.from(given).toString() : undefined
}

function isCount(given: unknown): boolean {
  return given === undefined || (typeof given === 'number' && given >= 0)
}
