import { decode, encode, type Term } from '../../../term/index.ts'

/** A value in a record. */
export interface RecordValue {
  /** In the External Term Format. */
  readonly bytes: Uint8Array
  /** Milliseconds since 1970, by the clock of who wrote it. */
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

/** A lease that came to nothing, and how. */
export interface RecordFailure extends RecordLease {
  readonly message: string
}

/** What one revision of a key in the bucket holds: value and lease share it, so that one compare and set decides both. */
export interface BucketRecord {
  readonly value: RecordValue | undefined
  readonly lease: RecordLease | undefined
  /** The last lease that failed: it stays until there is a value, for those who waited and read later than others. */
  readonly failure: RecordFailure | undefined
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
  const given = [key, value, lease, failure]
  const read = [record.key, record.value, record.lease, record.failure]
  return given.every((part, i) => part === undefined || read[i] !== undefined) ? record : undefined
}

function readValue(given: unknown): RecordValue | undefined {
  if (!Array.isArray(given) || given.length !== 4) return undefined
  const [bytes, staleAt, expiresAt, revision] = given as unknown[]
  if (!(bytes instanceof Uint8Array) || !isTime(staleAt) || !isTime(expiresAt)) return undefined
  if (revision !== undefined && !(Number.isSafeInteger(revision) && (revision as number) > 0)) return undefined
  return { bytes, staleAt, expiresAt, revision: revision as number | undefined }
}

function readLease(given: unknown): RecordLease | undefined {
  if (!Array.isArray(given) || given.length !== 2) return undefined
  const [id, node] = given.map(text)
  return id === undefined || node === undefined ? undefined : { id, node }
}

function readFailure(given: unknown): RecordFailure | undefined {
  if (!Array.isArray(given) || given.length !== 3) return undefined
  const [id, node, message] = given.map(text)
  return id === undefined || node === undefined || message === undefined ? undefined : { id, node, message }
}

function text(given: unknown): string | undefined {
  return given instanceof Uint8Array ? Buffer.from(given).toString() : undefined
}

function isTime(given: unknown): given is number | undefined {
  return given === undefined || (typeof given === 'number' && given >= 0)
}
