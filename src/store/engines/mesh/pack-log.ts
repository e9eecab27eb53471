import type { Reach } from '../../replication/epoch.ts'
import type { LogEntry, Operation, Outcome, SessionState, Write } from '../../replication/operation.ts'
import { StoredEntry, type ValueReader } from '../../replication/stored-entry.ts'
import type { Version } from '../../version.ts'
import { PackError, type Packer, type Unpacker } from './packer.ts'

/** How the parts of a log and of a table are written, to peers and to the disk alike. */

const NONE = 0
const WRITE = 1
const EXPIRE = 2
const MERGE = 3

const ANY = 0
const ABSENT = 1
const EXACT = 2

export function packEntry(to: Packer, entry: LogEntry): void {
  to.version(entry.version)
  to.integer(entry.at)
  to.name(entry.client)
  to.integer(entry.request)
  to.integer(entry.floor)
  packOperation(to, entry.operation)
}

export function unpackEntry(from: Unpacker): LogEntry {
  return {
    version: from.version(),
    at: from.integer(),
    client: from.name(),
    request: from.integer(),
    floor: from.integer(),
    operation: unpackOperation(from),
  }
}

/** Entries that follow on each other. */
export function unpackEntries(from: Unpacker, previous: number): LogEntry[] {
  let last = previous
  return from.list(() => {
    const entry = unpackEntry(from)
    if (entry.version.sequence !== ++last) throw new PackError('entries that do not follow on each other')
    return entry
  })
}

export function packOperation(to: Packer, operation: Operation): void {
  switch (operation.kind) {
    case 'none':
      return to.u8(NONE)
    case 'write':
      to.u8(WRITE)
      return to.list(operation.writes, (write) => packWrite(to, write))
    case 'expire':
      to.u8(EXPIRE)
      return to.list(operation.expired, ({ key, version }) => {
        to.text(key)
        to.version(version)
      })
    case 'merge':
      to.u8(MERGE)
      to.list(operation.writes, ({ key, bytes, staleAt, expiresAt }) => {
        to.text(key)
        to.maybe(bytes, (value) => to.bytes(value))
        to.optional(staleAt)
        to.optional(expiresAt)
      })
      to.list(operation.discarded, ({ key, version, bytes }) => {
        to.text(key)
        to.version(version)
        to.bytes(bytes)
      })
      packReaches(to, operation.reaches)
      packSessions(to, operation.sessions)
  }
}

export function unpackOperation(from: Unpacker): Operation {
  switch (from.u8()) {
    case NONE:
      return { kind: 'none' }
    case WRITE:
      return { kind: 'write', writes: from.list(() => unpackWrite(from)) }
    case EXPIRE:
      return { kind: 'expire', expired: from.list(() => ({ key: from.key(), version: from.version() })) }
    case MERGE:
      return {
        kind: 'merge',
        writes: from.list(() => ({
          key: from.key(),
          bytes: from.maybe(() => from.bytes()),
          staleAt: from.optional(),
          expiresAt: from.optional(),
        })),
        discarded: from.list(() => ({ key: from.key(), version: from.version(), bytes: from.bytes() })),
        reaches: unpackReaches(from),
        sessions: unpackSessions(from),
      }
    default:
      throw new PackError('an unknown operation')
  }
}

export function packStored(to: Packer, { key, version, bytes, staleAt, expiresAt }: StoredEntry): void {
  to.text(key)
  to.version(version)
  to.bytes(bytes)
  to.optional(staleAt)
  to.optional(expiresAt)
}

export function unpackStored(from: Unpacker, reader: ValueReader): StoredEntry {
  return new StoredEntry(reader, from.key(), from.version(), from.bytes(), from.optional(), from.optional())
}

export function packReaches(to: Packer, reaches: readonly Reach[]): void {
  to.list(reaches, (reach) => to.version(reach as Version))
}

export function unpackReaches(from: Unpacker): Reach[] {
  return from.list(() => {
    const { epoch, loader, sequence } = from.version()
    return { epoch, loader, sequence }
  })
}

export function packSessions(to: Packer, sessions: readonly SessionState[]): void {
  to.list(sessions, ({ client, floor, outcomes }) => {
    to.name(client)
    to.integer(floor)
    to.list(outcomes, ([request, outcome]) => {
      to.integer(request)
      packOutcome(to, outcome)
    })
  })
}

export function unpackSessions(from: Unpacker): SessionState[] {
  return from.list(() => ({
    client: from.name(),
    floor: from.integer(),
    outcomes: from.list((): [number, Outcome] => [from.integer(), unpackOutcome(from)]),
  }))
}

function packOutcome(to: Packer, { version, changed, refused }: Outcome): void {
  to.version(version)
  to.list(changed, (each) => to.flag(each))
  to.maybe(refused, ({ key, current }) => {
    to.text(key)
    to.maybe(current, (version) => to.version(version))
  })
}

function unpackOutcome(from: Unpacker): Outcome {
  return {
    version: from.version(),
    changed: from.list(() => from.flag()),
    refused: from.maybe(() => ({ key: from.key(), current: from.maybe(() => from.version()) })),
  }
}

function packWrite(to: Packer, { key, bytes, ttl, stale, expected }: Write): void {
  to.text(key)
  to.maybe(bytes, (value) => to.bytes(value))
  to.optional(ttl)
  to.integer(stale)
  to.u8(expected === undefined ? ANY : expected === 'absent' ? ABSENT : EXACT)
  if (expected !== undefined && expected !== 'absent') to.version(expected)
}

function unpackWrite(from: Unpacker): Write {
  const key = from.key()
  const bytes = from.maybe(() => from.bytes())
  const ttl = from.optional()
  const stale = from.integer()
  const condition = from.u8()
  if (condition > EXACT) throw new PackError('an unknown condition')
  const expected = condition === ANY ? undefined : condition === ABSENT ? ('absent' as const) : from.version()
  return { key, bytes, ttl, stale, expected }
}
