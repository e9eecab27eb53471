import type { Version } from '../version.ts'
import type { Epoch, Reach } from './epoch.ts'
import type { Discarded, LogEntry, Operation, Origin, SessionState } from './operation.ts'
import type { StoredEntry } from './stored-entry.ts'

/** A request for an operation, as its client sends it. */
export interface Request extends Origin {
  readonly operation: Operation
  /** The client's request for the lease that the operation completes. */
  readonly lease?: number | undefined
  /** Anything less is known to be of no use to the client: `all` is refused at once when it cannot be had. */
  readonly all: boolean
}

/** Who one is, and how one stands; the first message each way, and again when it changes. */
export interface Hello {
  readonly kind: 'hello'
  /** The options that must be the same everywhere. */
  readonly setup: string
  /** The incarnation of the store on that node. */
  readonly client: string
  /** Milliseconds since 1970 when it was opened. */
  readonly born: number
  /** It has taken part before: what it has is worth something. Open stores only. */
  readonly established: boolean
  /** It orders writes. Open stores only. */
  readonly leads: boolean
  /** The highest number of an epoch it knows of. */
  readonly highest: number
  /** The receiver has not said hello yet, as far as the sender knows. */
  readonly answer: boolean
}

/** Entries, and how far everybody is; also the loader's sign of life. */
export interface Append {
  readonly kind: 'append'
  readonly epoch: Epoch
  /** The operation before the first entry. */
  readonly previous: Version
  readonly entries: readonly LogEntry[]
  /** A majority has all up to here. */
  readonly commit: number
  /** All have all up to here. */
  readonly all: number
  /** The loader's clock, sent back. */
  readonly sentAt: number
  /** It takes writes: it is not just the stand-in of a loader that has to catch up. */
  readonly accepts: boolean
  /** The sequence that this epoch began with. */
  readonly start: number
  /** Every voter has elected it, so that those which had lost their state need no other word. */
  readonly unanimous: boolean
}

/** What came of an {@link Append}. */
export interface Appended {
  readonly kind: 'appended'
  readonly epoch: Epoch
  /** Undefined: it does not follow on what is here. */
  readonly match: number | undefined
  /** Where to go on from instead. */
  readonly hint: number
  /** The highest epoch the follower has promised to. */
  readonly promised: Epoch
  readonly sentAt: number
  readonly restored: boolean
  readonly incarnation: number
}

/** Asks for a vote, or whether one would be given. */
export interface VoteRequest {
  readonly kind: 'vote-request'
  readonly epoch: Epoch
  readonly last: Version
  readonly trial: boolean
  /** The loader of this epoch has handed over. */
  readonly handedOver: Epoch | undefined
}

/** Gives or refuses a vote. */
export interface Vote {
  readonly kind: 'vote'
  readonly epoch: Epoch
  readonly trial: boolean
  readonly granted: boolean
  readonly promised: Epoch
  readonly restored: boolean
  readonly incarnation: number
  /** Of all voters, the latest incarnation that the sender has heard of. */
  readonly incarnations: readonly (readonly [voter: string, incarnation: number])[]
}

/** A voter that lost its state asks what it must not fall behind. */
export interface Recover {
  readonly kind: 'recover'
  readonly incarnation: number
}

/** The answer. */
export interface Recovered {
  readonly kind: 'recovered'
  /** The asker's, as it asked. */
  readonly incarnation: number
  /** The asker's highest that is known; above the one it asked with, it has to take a higher one. */
  readonly known: number
  readonly promised: Epoch
  readonly restored: boolean
  /** As in {@link Vote}. */
  readonly incarnations: readonly (readonly [voter: string, incarnation: number])[]
  /** If the sender is the loader: its epoch, and the last operation it has. */
  readonly leads: Version | undefined
}

/** The loader asks a voter to take over. */
export interface HandOver {
  readonly kind: 'hand-over'
  readonly epoch: Epoch
}

/** A part of a table. The first part begins it, the last one ends it. */
export interface SnapshotPart {
  readonly kind: 'snapshot'
  readonly epoch: Epoch
  /** That of the {@link Join} it answers; 0 for stores with members. */
  readonly session: number
  readonly id: number
  readonly index: number
  readonly position: Version
  readonly entries: readonly StoredEntry[]
  readonly last: { readonly reaches: readonly Reach[]; readonly sessions: readonly SessionState[] } | undefined
}

/** A part has arrived. */
export interface SnapshotReceived {
  readonly kind: 'snapshot-received'
  readonly id: number
  readonly index: number
}

/** A node of an open store wants to follow. */
export interface Join {
  readonly kind: 'join'
  /** Counts the joiner's joins: what answers an earlier one is not heeded. */
  readonly session: number
  readonly position: Version
  readonly reaches: readonly Reach[]
}

/** It follows another one now. */
export interface Leave {
  readonly kind: 'leave'
}

/** The loader wants to have what it does not know, before the node follows. */
export interface OfferWanted {
  readonly kind: 'offer-wanted'
  readonly session: number
  readonly reaches: readonly Reach[]
}

/** A part of all keys of a node: with their values where the loader does not know the version. */
export interface OfferPart {
  readonly kind: 'offer'
  readonly session: number
  readonly index: number
  readonly entries: readonly OfferedEntry[]
  readonly last: { readonly reaches: readonly Reach[]; readonly sessions: readonly SessionState[] } | undefined
}

/** A part has been merged. */
export interface OfferReceived {
  readonly kind: 'offer-received'
  readonly session: number
  readonly index: number
}

/** A key of an offer. */
export interface OfferedEntry {
  readonly key: string
  readonly version: Version
  readonly bytes: Uint8Array | undefined
  readonly staleAt: number | undefined
  readonly expiresAt: number | undefined
}

/** What of a part of an offer was discarded. */
export interface Merged {
  readonly kind: 'merged'
  readonly session: number
  readonly discarded: readonly Pick<Discarded, 'key' | 'version'>[]
}

/** Requests of a client, in their order. */
export interface Submit {
  readonly kind: 'submit'
  readonly requests: readonly Request[]
}

/** A request was not ordered. */
export interface Refused {
  readonly kind: 'refused'
  readonly request: number
  readonly code: RefusalCode
  readonly message: string
}

export type RefusalCode = 'ERR_NO_QUORUM' | 'ERR_STORE_REFUSED' | 'ERR_COMPUTE_TIMEOUT' | 'ERR_LIMIT' | 'ERR_STORE_DISK'

/** Wants a value or the right to make it. */
export interface LeaseRequest {
  readonly kind: 'lease-request'
  /** What comes of it is called so, too: no two requests of one client ever have the same number, whoever the loader is. */
  readonly request: number
  readonly key: string
  readonly hold: number
  readonly newerThan: Version | undefined
  readonly wait: boolean
}

/** The answer; `value` says which operation brought it. */
export interface LeaseAnswer {
  readonly kind: 'lease-answer'
  readonly request: number
  readonly answer: LeaseVerdict
}

export type LeaseVerdict =
  | { readonly kind: 'granted'; readonly expected: Version | 'absent' }
  | { readonly kind: 'held' }
  | { readonly kind: 'value'; readonly version: Version }
  | { readonly kind: 'failed'; readonly message: string; readonly node: string }

/** Who asked waits no longer. A holder gives its lease up: with a message for all who wait, or to whoever is next. */
export interface LeaseEnd {
  readonly kind: 'lease-end'
  readonly request: number
  readonly failure: string | undefined
}

/** The holder has lost the lease. */
export interface LeaseLost {
  readonly kind: 'lease-lost'
  readonly request: number
}

/** The store on that node is closed. */
export interface Bye {
  readonly kind: 'bye'
}

export type Message =
  | Hello
  | Append
  | Appended
  | VoteRequest
  | Vote
  | Recover
  | Recovered
  | HandOver
  | SnapshotPart
  | SnapshotReceived
  | Join
  | Leave
  | OfferWanted
  | OfferPart
  | OfferReceived
  | Merged
  | Submit
  | Refused
  | LeaseRequest
  | LeaseAnswer
  | LeaseEnd
  | LeaseLost
  | Bye
