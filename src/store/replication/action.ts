import type { Durability } from '../engine.ts'
import type { Epoch } from './epoch.ts'
import type { LogBounds } from './log.ts'
import type { LeaseVerdict, Message, RefusalCode } from './messages.ts'
import type { LogEntry, Outcome } from './operation.ts'
import type { ValueReader } from './stored-entry.ts'
import type { TableChange, TableConflict, TableState } from './table.ts'
import type { TableImage } from './table-image.ts'

/** What a replica keeps on the disk besides its log. */
export interface Meta {
  readonly promised: Epoch
  /** How often the voter has lost its state. */
  readonly incarnation: number
  /** The latest incarnation it has heard of, of each voter. */
  readonly incarnations: readonly (readonly [voter: string, incarnation: number])[]
  /** What is here may be counted on: see {@link VoterReplica}. */
  readonly restored: boolean
}

/** What a replica finds on the disk when it begins. */
export interface Saved {
  readonly meta: Meta
  readonly state: TableState | undefined
  /** What follows on the state. */
  readonly entries: readonly LogEntry[]
}

/** What a replica wants done. In order: what is sent to one node arrives in the order of the actions, and saves are made in it. */
export type Action =
  | { readonly kind: 'send'; readonly to: string; readonly message: Message }
  /** To be answered by `saved(id)` when it is on the disk. Entries replace whatever has the same or a higher sequence, a state everything. */
  | {
      readonly kind: 'save'
      readonly id: number
      readonly meta: Meta | undefined
      readonly state: TableImage | undefined
      readonly entries: readonly LogEntry[]
    }
  | { readonly kind: 'settled'; readonly request: number; readonly outcome: Outcome }
  | {
      readonly kind: 'refused'
      readonly request: number
      readonly code: RefusalCode | 'ERR_NO_LOADER'
      readonly message: string
    }
  | { readonly kind: 'lease'; readonly request: number; readonly verdict: LeaseVerdict }
  | { readonly kind: 'lease-lost'; readonly request: number }
  | { readonly kind: 'change'; readonly change: TableChange; readonly source: string }
  /** The table was replaced. For {@link ChangeQueue}, like changes and conflicts. */
  | { readonly kind: 'replaced'; readonly changes: Iterator<TableChange | undefined>; readonly source: string }
  | { readonly kind: 'conflict'; readonly conflict: TableConflict }
  | { readonly kind: 'loader'; readonly name: string | undefined }
  /** What the peer says it wants cannot be: its options are others, or what it sent makes no sense. */
  | { readonly kind: 'estranged'; readonly peer: string; readonly why: string }

/** What does not change while a replica lives. Times are milliseconds. */
export interface ReplicaOptions {
  /** The node's name. */
  readonly self: string
  /** This incarnation of the store on this node: no other ever had the name. */
  readonly client: string
  /** Who may be loader, in this order; undefined: anybody. */
  readonly loader: readonly string[] | undefined
  readonly heartbeat: number
  readonly lease: number
  /** Milliseconds since 1970 at which the monotonic clock was 0. */
  readonly wallOffset: number
  /** What is acknowledged is on the disk. */
  readonly durable: boolean
  readonly bounds: LogBounds
  readonly limits: PeerLimits
  readonly reader: ValueReader
  /** Whether another node's word on a key is taken when its state is merged. */
  readonly heeds: (key: string, peer: string) => boolean
  /** Distinguishes incarnations of voters without a disk where the others do not remember any. */
  readonly incarnation: number
}

/** What one node can have of a loader at once. */
export interface PeerLimits {
  /** Writes that are ordered and not applied. A node asks for half of that itself, and keeps the rest back. */
  readonly requests: number
  /** The bytes of their keys and values. */
  readonly requestBytes: number
  /** Leases it holds or waits for. */
  readonly leases: number
}

/** A request of this node. */
export interface LocalRequest {
  readonly durability: Durability
  /** The request for the lease that it completes. */
  readonly lease?: number | undefined
}
