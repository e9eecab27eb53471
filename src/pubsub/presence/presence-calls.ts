import type { WaitOptions } from '../../node/waiting.ts'
import type { HasPid } from '../../process/address.ts'
import type { Pid } from '../../term/index.ts'

/** Options of `presence.track`. */
export interface TrackOptions {
  /** The process it belongs to, with whose end it leaves. Default: one of its own, which the handle stands for. */
  readonly pid?: Pid | HasPid
}

/** Options of `presence.watch`. */
export interface WatchOptions {
  /** Diffs held for a slow reader; the oldest goes above it. Default 1000. */
  readonly capacity?: number
  /** Ends it. */
  readonly signal?: AbortSignal | undefined
}

/** Options of `presence.ready`. */
export interface PresenceReadyOptions extends WaitOptions {
  /** How many other nodes have to be in step. Default 1. */
  readonly nodes?: number
}

/** Options of `presence.close`. */
export interface CloseOptions {
  /** Whether the others are told to let go of what was tracked here at once. Default: the presence's `permdownOnShutdown`. */
  readonly permdown?: boolean
}

/** Another node with a tracker of the same name. */
export interface PresenceNode {
  readonly name: string
  /** Whether it is heard of, so that what it tracks is seen. */
  readonly up: boolean
  /** Whether all it had when it was first heard of is here. */
  readonly synced: boolean
}
