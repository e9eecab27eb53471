import type { OfferPart, SnapshotPart } from '../../replication/messages.ts'
import type { LogEntry } from '../../replication/operation.ts'
import { type MessageCodecs, packEpoch, unpackEpoch } from './message-codec.ts'
import {
  packEntry,
  packReaches,
  packSessions,
  packStored,
  unpackEntries,
  unpackReaches,
  unpackSessions,
  unpackStored,
} from './pack-log.ts'
import { Packer, Unpacker } from './packer.ts'

/** What goes from loader to followers, and from those that join to the loader. */
export const flowCodecs: MessageCodecs<
  | 'append'
  | 'appended'
  | 'snapshot'
  | 'snapshot-received'
  | 'join'
  | 'leave'
  | 'offer-wanted'
  | 'offer'
  | 'offer-received'
  | 'merged'
> = {
  append: {
    pack: (to, message) => {
      packEpoch(to, message.epoch)
      to.version(message.previous)
      to.bytes(packEntries(message.entries))
      to.integer(message.commit)
      to.integer(message.all)
      to.float(message.sentAt)
      to.flag(message.accepts)
      to.integer(message.start)
      to.flag(message.unanimous)
    },
    unpack: (from) => {
      const epoch = unpackEpoch(from)
      const previous = from.version()
      const inner = new Unpacker(from.view())
      const entries = unpackEntries(inner, previous.sequence)
      inner.finish()
      return {
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
    },
  },
  appended: {
    pack: (to, message) => {
      packEpoch(to, message.epoch)
      to.optional(message.match)
      to.integer(message.hint)
      packEpoch(to, message.promised)
      to.float(message.sentAt)
      to.flag(message.restored)
      to.integer(message.incarnation)
    },
    unpack: (from) => ({
      epoch: unpackEpoch(from),
      match: from.optional(),
      hint: from.integer(),
      promised: unpackEpoch(from),
      sentAt: from.float(),
      restored: from.flag(),
      incarnation: from.integer(),
    }),
  },
  snapshot: {
    pack: (to, message) => {
      packEpoch(to, message.epoch)
      to.integer(message.session)
      to.integer(message.id)
      to.integer(message.index)
      to.version(message.position)
      to.list(message.entries, (entry) => packStored(to, entry))
      packLast(to, message.last)
    },
    unpack: (from, reader) => ({
      epoch: unpackEpoch(from),
      session: from.integer(),
      id: from.integer(),
      index: from.integer(),
      position: from.version(),
      entries: from.list(() => unpackStored(from, reader)),
      last: unpackLast(from),
    }),
  },
  'snapshot-received': {
    pack: (to, { id, index }) => {
      to.integer(id)
      to.integer(index)
    },
    unpack: (from) => ({ id: from.integer(), index: from.integer() }),
  },
  join: {
    pack: (to, { session, position, reaches }) => {
      to.integer(session)
      to.version(position)
      packReaches(to, reaches)
    },
    unpack: (from) => ({ session: from.integer(), position: from.version(), reaches: unpackReaches(from) }),
  },
  leave: { pack: () => {}, unpack: () => ({}) },
  'offer-wanted': {
    pack: (to, { session, reaches }) => {
      to.integer(session)
      packReaches(to, reaches)
    },
    unpack: (from) => ({ session: from.integer(), reaches: unpackReaches(from) }),
  },
  offer: {
    pack: (to, message) => {
      to.integer(message.session)
      to.integer(message.index)
      to.list(message.entries, ({ key, version, bytes, staleAt, expiresAt }) => {
        to.text(key)
        to.version(version)
        to.maybe(bytes, (value) => to.bytes(value))
        to.optional(staleAt)
        to.optional(expiresAt)
      })
      packLast(to, message.last)
    },
    unpack: (from) => ({
      session: from.integer(),
      index: from.integer(),
      entries: from.list(() => ({
        key: from.key(),
        version: from.version(),
        bytes: from.maybe(() => from.bytes()),
        staleAt: from.optional(),
        expiresAt: from.optional(),
      })),
      last: unpackLast(from),
    }),
  },
  'offer-received': {
    pack: (to, { session, index }) => {
      to.integer(session)
      to.integer(index)
    },
    unpack: (from) => ({ session: from.integer(), index: from.integer() }),
  },
  merged: {
    pack: (to, { session, discarded }) => {
      to.integer(session)
      to.list(discarded, ({ key, version }) => {
        to.text(key)
        to.version(version)
      })
    },
    unpack: (from) => ({
      session: from.integer(),
      discarded: from.list(() => ({ key: from.key(), version: from.version() })),
    }),
  },
}

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

function packLast(to: Packer, last: (SnapshotPart | OfferPart)['last']): void {
  to.maybe(last, ({ reaches, sessions }) => {
    packReaches(to, reaches)
    packSessions(to, sessions)
  })
}

function unpackLast(from: Unpacker): (SnapshotPart | OfferPart)['last'] {
  return from.maybe(() => ({ reaches: unpackReaches(from), sessions: unpackSessions(from) }))
}
