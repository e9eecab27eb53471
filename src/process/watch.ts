import type { DecodeOptions, Term } from '../term/term.ts'

/** One who wants to know when a process is gone: a monitor of ours or of a peer, or a call. */
export interface Watcher {
  /** Whom it watches; undefined before it does. */
  readonly target: Watchable | undefined
  /** How a remote process's exit reason is decoded for it; undefined: as its node's other terms. */
  readonly terms?: DecodeOptions | undefined
  /** The process is gone. The watcher has been taken off its target's list. */
  down(reason: Term): void
}

/** What can be watched: a local process, or everything on one peer. */
export interface Watchable {
  watch(watcher: Watcher): void
  unwatch(watcher: Watcher): void
}
