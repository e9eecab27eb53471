import type { Pid, Term } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import type { ReplicaKey } from './replica.ts'

/** What is tracked: a process is on a topic under a key. */
export interface Tracked {
  readonly pid: Pid
  /** A string, but for what a BEAM's own code puts there. */
  readonly topic: Term
  readonly key: Term
  readonly meta: Term
}

/**
 * Something tracked, with its tag: the replica that tracks it and that replica's clock when it did. An update makes a new
 * entry with a new tag. Immutable.
 */
export class Entry implements Tracked {
  readonly replica: ReplicaKey
  readonly clock: number
  readonly pid: Pid
  readonly topic: Term
  readonly key: Term
  readonly meta: Term
  /** Equal exactly when the keys are. */
  readonly keyId: unknown

  /** @throws TsunagiError `ERR_LIMIT` for a key that nests too deep. */
  constructor(replica: ReplicaKey, clock: number, { pid, topic, key, meta }: Tracked) {
    this.replica = replica
    this.clock = clock
    this.pid = pid
    this.topic = topic
    this.key = key
    this.meta = meta
    this.keyId = termKey(key)
  }
}

/** Entries that came to be seen, and ones that ceased to. An update is both. */
export interface Diff {
  readonly joins: readonly Entry[]
  readonly leaves: readonly Entry[]
}

export const noDiff: Diff = Object.freeze({ joins: Object.freeze([]), leaves: Object.freeze([]) })
