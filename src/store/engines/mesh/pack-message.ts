import type { Epoch } from '../../replication/epoch.ts'
import type { LeaseVerdict, Message, RefusalCode, Request, Vote } from '../../replication/messages.ts'
import type { LogEntry } from '../../replication/operation.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'
import { Version } from '../../version.ts'
import {
  packEntry,
  packOperation,
  packReaches,
  packSessions,
  packStored,
  unpackEntries,
  unpackOperation,
  unpackReaches,
  unpackSessions,
  unpackStored,
} from './pack-log.ts'
import { PackError, Packer, Unpacker } from './packer.ts'

/** The number that each kind of message begins with. */
const kinds = [
  'hello',
  'append',
  'appended',
  'vote-request',
  'vote',
  'recover',
  'recovered',
  'hand-over',
  'snapshot',
  'snapshot-received',
  'join',
  'leave',
  'offer-wanted',
  'offer',
  'merged',
  'submit',
  'refused',
  'lease-request',
  'lease-answer',
  'lease-end',
  'lease-cancel',
  'lease-lost',
  'bye',
] as const satisfies readonly Message['kind'][]

const codes: readonly RefusalCode[] = [
  'ERR_NO_QUORUM',
  'ERR_STORE_REFUSED',
  'ERR_COMPUTE_TIMEOUT',
  'ERR_LIMIT',
  'ERR_STORE_DISK',
]

/** Entries that went to one follower go to the others as they are. */
const packed = new WeakMap<readonly LogEntry[], Buffer>()

function packEntries(entries: readonly LogEntry[]): Buffer {
  const known = packed.get(entries)
  if (known !== undefined) return known
  const to = new Packer(entries.length > 16 ? 16_384 : 1024)
  to.list(entries, (entry) => packEntry(to, entry))
  const bytes = to.finish()
  packed.set(entries, bytes)
  return bytes
}

/** A message as bytes. */
export function packMessage(message: Message): Buffer {
  const to = new Packer(message.kind === 'snapshot' || message.kind === 'offer' ? 65_536 : 512)
  to.u8(kinds.indexOf(message.kind))
  switch (message.kind) {
    case 'hello':
      to.text(message.setup)
      to.name(message.client)
      to.integer(message.born)
      to.flag(message.established)
      to.flag(message.leads)
      to.integer(message.highest)
      to.flag(message.answer)
      break
    case 'append':
      packEpoch(to, message.epoch)
      to.version(message.previous)
      to.bytes(packEntries(message.entries))
      to.integer(message.commit)
      to.integer(message.all)
      to.float(message.sentAt)
      to.flag(message.accepts)
      to.integer(message.start)
      to.flag(message.unanimous)
      break
    case 'appended':
      packEpoch(to, message.epoch)
      to.optional(message.match)
      to.integer(message.hint)
      packEpoch(to, message.promised)
      to.float(message.sentAt)
      to.flag(message.restored)
      to.integer(message.incarnation)
      break
    case 'vote-request':
      packEpoch(to, message.epoch)
      to.version(message.last)
      to.flag(message.trial)
      to.maybe(message.handedOver, (epoch) => packEpoch(to, epoch))
      break
    case 'vote':
      packEpoch(to, message.epoch)
      to.flag(message.trial)
      to.flag(message.granted)
      packEpoch(to, message.promised)
      to.flag(message.restored)
      to.integer(message.incarnation)
      packIncarnations(to, message.incarnations)
      break
    case 'recover':
      to.integer(message.incarnation)
      break
    case 'recovered':
      to.integer(message.incarnation)
      to.integer(message.known)
      packEpoch(to, message.promised)
      to.flag(message.restored)
      packIncarnations(to, message.incarnations)
      to.maybe(message.leads, (version) => to.version(version))
      break
    case 'hand-over':
      packEpoch(to, message.epoch)
      break
    case 'snapshot':
      packEpoch(to, message.epoch)
      to.integer(message.session)
      to.integer(message.id)
      to.integer(message.index)
      to.version(message.position)
      to.list(message.entries, (entry) => packStored(to, entry))
      to.maybe(message.last, ({ reaches, sessions }) => {
        packReaches(to, reaches)
        packSessions(to, sessions)
      })
      break
    case 'snapshot-received':
      to.integer(message.id)
      to.integer(message.index)
      break
    case 'join':
      to.integer(message.session)
      to.version(message.position)
      packReaches(to, message.reaches)
      break
    case 'offer-wanted':
      to.integer(message.session)
      packReaches(to, message.reaches)
      break
    case 'offer':
      to.integer(message.index)
      to.list(message.entries, ({ key, version, bytes, staleAt, expiresAt }) => {
        to.text(key)
        to.version(version)
        to.maybe(bytes, (value) => to.bytes(value))
        to.optional(staleAt)
        to.optional(expiresAt)
      })
      to.maybe(message.last, ({ reaches, sessions }) => {
        packReaches(to, reaches)
        packSessions(to, sessions)
      })
      break
    case 'merged':
      to.integer(message.session)
      to.list(message.discarded, ({ key, version }) => {
        to.text(key)
        to.version(version)
      })
      break
    case 'submit':
      to.list(message.requests, (request) => {
        to.name(request.client)
        to.integer(request.request)
        to.integer(request.floor)
        to.optional(request.lease)
        to.flag(request.all)
        packOperation(to, request.operation)
      })
      break
    case 'refused':
      to.integer(message.request)
      to.u8(codes.indexOf(message.code))
      to.text(message.message)
      break
    case 'lease-request':
      to.integer(message.request)
      to.text(message.key)
      to.integer(message.hold)
      to.maybe(message.newerThan, (version) => to.version(version))
      to.flag(message.wait)
      break
    case 'lease-answer':
      to.integer(message.request)
      packVerdict(to, message.answer)
      break
    case 'lease-end':
      to.integer(message.lease)
      to.maybe(message.failure, (failure) => to.text(failure))
      break
    case 'lease-cancel':
      to.integer(message.request)
      break
    case 'lease-lost':
      to.integer(message.lease)
      break
    case 'leave':
    case 'bye':
      break
  }
  return to.finish()
}

/** @throws PackError for what is no message */
export function unpackMessage(bytes: Uint8Array, reader: ValueReader): Message {
  const from = new Unpacker(bytes)
  const message = read(from, reader)
  from.finish()
  return message
}

function read(from: Unpacker, reader: ValueReader): Message {
  const kind = kinds[from.u8()]
  switch (kind) {
    case 'hello':
      return {
        kind,
        setup: from.text(),
        client: from.name(),
        born: from.integer(),
        established: from.flag(),
        leads: from.flag(),
        highest: unpackHighest(from),
        answer: from.flag(),
      }
    case 'append': {
      const epoch = unpackEpoch(from)
      const previous = from.version()
      const inner = new Unpacker(from.view())
      const entries = unpackEntries(inner, previous.sequence)
      inner.finish()
      return {
        kind,
        epoch,
        previous,
        entries,
        commit: from.integer(),
        all: from.integer(),
        sentAt: from.float(),
        accepts: from.flag(),
        start: from.integer(),
        unanimous: from.flag(),
      }
    }
    case 'appended':
      return {
        kind,
        epoch: unpackEpoch(from),
        match: from.optional(),
        hint: from.integer(),
        promised: unpackEpoch(from),
        sentAt: from.float(),
        restored: from.flag(),
        incarnation: from.integer(),
      }
    case 'vote-request':
      return {
        kind,
        epoch: unpackEpoch(from),
        last: from.version(),
        trial: from.flag(),
        handedOver: from.maybe(() => unpackEpoch(from)),
      }
    case 'vote':
      return {
        kind,
        epoch: unpackEpoch(from),
        trial: from.flag(),
        granted: from.flag(),
        promised: unpackEpoch(from),
        restored: from.flag(),
        incarnation: from.integer(),
        incarnations: unpackIncarnations(from),
      }
    case 'recover':
      return { kind, incarnation: from.integer() }
    case 'recovered':
      return {
        kind,
        incarnation: from.integer(),
        known: from.integer(),
        promised: unpackEpoch(from),
        restored: from.flag(),
        incarnations: unpackIncarnations(from),
        leads: from.maybe(() => from.version()),
      }
    case 'hand-over':
      return { kind, epoch: unpackEpoch(from) }
    case 'snapshot':
      return {
        kind,
        epoch: unpackEpoch(from),
        session: from.integer(),
        id: from.integer(),
        index: from.integer(),
        position: from.version(),
        entries: from.list(() => unpackStored(from, reader)),
        last: from.maybe(() => ({ reaches: unpackReaches(from), sessions: unpackSessions(from) })),
      }
    case 'snapshot-received':
      return { kind, id: from.integer(), index: from.integer() }
    case 'join':
      return { kind, session: from.integer(), position: from.version(), reaches: unpackReaches(from) }
    case 'offer-wanted':
      return { kind, session: from.integer(), reaches: unpackReaches(from) }
    case 'offer':
      return {
        kind,
        index: from.integer(),
        entries: from.list(() => ({
          key: from.key(),
          version: from.version(),
          bytes: from.maybe(() => from.bytes()),
          staleAt: from.optional(),
          expiresAt: from.optional(),
        })),
        last: from.maybe(() => ({ reaches: unpackReaches(from), sessions: unpackSessions(from) })),
      }
    case 'merged':
      return {
        kind,
        session: from.integer(),
        discarded: from.list(() => ({ key: from.key(), version: from.version() })),
      }
    case 'submit':
      return { kind, requests: from.list(() => unpackRequest(from)) }
    case 'refused': {
      const request = from.integer()
      const code = codes[from.u8()]
      if (code === undefined) throw new PackError('an unknown code')
      return { kind, request, code, message: from.text() }
    }
    case 'lease-request':
      return {
        kind,
        request: from.integer(),
        key: from.key(),
        hold: from.integer(),
        newerThan: from.maybe(() => from.version()),
        wait: from.flag(),
      }
    case 'lease-answer':
      return { kind, request: from.integer(), answer: unpackVerdict(from) }
    case 'lease-end':
      return { kind, lease: from.integer(), failure: from.maybe(() => from.text()) }
    case 'lease-cancel':
      return { kind, request: from.integer() }
    case 'lease-lost':
      return { kind, lease: from.integer() }
    case 'leave':
    case 'bye':
      return { kind }
    default:
      throw new PackError('an unknown message')
  }
}

function unpackRequest(from: Unpacker): Request {
  const client = from.name()
  const request = from.integer()
  const floor = from.integer()
  const lease = from.optional()
  const all = from.flag()
  const operation = unpackOperation(from)
  // The others are the loader's own.
  if (operation.kind !== 'write' || client === '') throw new PackError('no request')
  return { client, request, floor, lease, all, operation }
}

function packEpoch(to: Packer, { epoch, loader }: Epoch): void {
  to.version(new Version(epoch, loader, 0))
}

function unpackEpoch(from: Unpacker): Epoch {
  const { epoch, loader } = from.version()
  return { epoch, loader }
}

function unpackHighest(from: Unpacker): number {
  const highest = from.integer()
  if (highest > 2 ** 48) throw new PackError('an epoch is too high')
  return highest
}

function packIncarnations(to: Packer, incarnations: Vote['incarnations']): void {
  to.list(incarnations, ([voter, incarnation]) => {
    to.name(voter)
    to.integer(incarnation)
  })
}

function unpackIncarnations(from: Unpacker): [string, number][] {
  return from.list((): [string, number] => [from.name(), from.integer()])
}

function packVerdict(to: Packer, verdict: LeaseVerdict): void {
  switch (verdict.kind) {
    case 'granted':
      to.u8(0)
      to.integer(verdict.lease)
      return to.maybe(verdict.expected === 'absent' ? undefined : verdict.expected, (version) => to.version(version))
    case 'held':
      return to.u8(1)
    case 'value':
      to.u8(2)
      return to.version(verdict.version)
    case 'failed':
      to.u8(3)
      to.text(verdict.message)
      return to.name(verdict.node)
  }
}

function unpackVerdict(from: Unpacker): LeaseVerdict {
  switch (from.u8()) {
    case 0:
      return { kind: 'granted', lease: from.integer(), expected: from.maybe(() => from.version()) ?? 'absent' }
    case 1:
      return { kind: 'held' }
    case 2:
      return { kind: 'value', version: from.version() }
    case 3:
      return { kind: 'failed', message: from.text(), node: from.name() }
    default:
      throw new PackError('an unknown answer')
  }
}
