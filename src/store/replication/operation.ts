import type { Version } from '../version.ts'
import type { Reach } from './epoch.ts'

/** One key's part in an operation. Values are in the External Term Format and never looked at here. */
export interface Write {
  readonly key: string
  /** Undefined: the key is deleted. */
  readonly bytes: Uint8Array | undefined
  /** Milliseconds from the order on; undefined: for ever. */
  readonly ttl: number | undefined
  /** Milliseconds more that the stale value may be served. */
  readonly stale: number
  /** The condition under which all of the operation's writes are made. */
  readonly expected: Version | 'absent' | undefined
}

/** A value that a merge lost. */
export interface Discarded {
  readonly key: string
  readonly version: Version
  readonly bytes: Uint8Array
}

/** One value as it stands at the end of a merge, with its lifetime as it was. */
export interface MergedWrite {
  readonly key: string
  readonly bytes: Uint8Array | undefined
  readonly staleAt: number | undefined
  readonly expiresAt: number | undefined
}

/** What the loader orders. Applied by every replica, in order, with the same outcome: nothing in it depends on who applies it, or when. */
export type Operation =
  /** The first of an epoch: it commits what earlier ones left. */
  | { readonly kind: 'none' }
  | { readonly kind: 'write'; readonly writes: readonly Write[] }
  /** Their time is over by the loader's clock, if they still have these versions. */
  | { readonly kind: 'expire'; readonly expired: readonly { readonly key: string; readonly version: Version }[] }
  /** What the other side of a partition had, or a part of it; the last part covers what that side knew. */
  | {
      readonly kind: 'merge'
      readonly writes: readonly MergedWrite[]
      readonly discarded: readonly Discarded[]
      readonly reaches: readonly Reach[]
      readonly sessions: readonly SessionState[]
    }

/** Whose request it was; so that one which is sent again, to the same loader or the next one, counts once. */
export interface Origin {
  /** The node and its incarnation. Empty for the loader's own operations. */
  readonly client: string
  readonly request: number
  /** Requests of the client below this one are over and will not be sent again. */
  readonly floor: number
}

/** An operation in its place. */
export interface LogEntry extends Origin {
  readonly version: Version
  /** Milliseconds since 1970 by the loader's clock. */
  readonly at: number
  readonly operation: Operation
}

/** What became of an operation. */
export interface Outcome {
  readonly version: Version
  /** For each write whether it did something. Empty when refused. */
  readonly changed: readonly boolean[]
  /** A condition did not hold, for this key. */
  readonly refused: { readonly key: string; readonly current: Version | undefined } | undefined
}

/** What is remembered of a client's requests. */
export interface SessionState {
  readonly client: string
  readonly floor: number
  readonly outcomes: readonly (readonly [request: number, outcome: Outcome])[]
}

/** Rough size of an entry in bytes, for bounds on what is in flight or kept. */
export function weigh(entry: { readonly operation: Operation }): number {
  const { operation } = entry
  switch (operation.kind) {
    case 'write': {
      let bytes = 64
      for (const write of operation.writes) bytes += 32 + write.key.length + (write.bytes?.length ?? 0)
      return bytes
    }
    case 'merge': {
      let bytes = 64
      for (const write of operation.writes) bytes += 32 + write.key.length + (write.bytes?.length ?? 0)
      for (const lost of operation.discarded) bytes += 32 + lost.key.length + lost.bytes.length
      return bytes + 40 * operation.reaches.length + 100 * operation.sessions.length
    }
    case 'expire':
      return 64 + 64 * operation.expired.length
    case 'none':
      return 64
  }
}
