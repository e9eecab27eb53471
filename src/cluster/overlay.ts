import type { FoundNode } from './strategy.ts'
import type { FailedNode } from './topology-events.ts'

/** What a refresh changes. */
export interface Change {
  /** All nodes to be kept connected. */
  readonly nodes: ReadonlyMap<string, FoundNode>
  /** Those of them that the last answer did not have, or had at another port. */
  readonly anew: ReadonlySet<string>
  /** Those of before that are not meant any more. */
  readonly gone: Iterable<string>
  /** Somebody asked for this refresh: try again now, whatever is due. */
  readonly hurry: boolean
}

/** Where each node of a topology stands. */
export interface Standings {
  readonly connected: readonly string[]
  readonly connecting: readonly string[]
  readonly failed: readonly FailedNode[]
}

/**
 * What connects the nodes that were found: the links of this node, or functions that take their place. Names that it was
 * given stay wanted until they are gone, or it is closed; closing cuts nothing.
 */
export interface Overlay {
  /** Brings a change into effect. Rejects when it cannot be known who is connected. */
  apply(change: Change, signal: AbortSignal): Promise<void>
  /** Resolves when the dials that `apply` began have ended, or when the signal aborts. */
  settled(signal: AbortSignal): Promise<void>
  /** Rejects when it cannot be known. */
  standings(names: Iterable<string>, signal: AbortSignal): Promise<Standings>
  /** Ends a connection that nobody else wants; rejects with the reason when that fails. */
  cut(name: string, signal: AbortSignal): Promise<'cut' | 'wanted' | 'absent'>
  close(): void
}
