import { AsyncQueue, type QueueOptions } from '../../base/queue.ts'
import type { PresenceDiff } from './presence-diff.ts'
import type { Present } from './present.ts'

/**
 * Who comes to a topic and leaves it from now on, as an async iterator; made by `presence.watch`. It holds up to `capacity`
 * diffs for a slow reader. When `dropped` is not 0, `presence.list` says what the lost ones would have come to.
 */
export class PresenceWatch extends AsyncQueue<PresenceDiff> {
  /** Who is on the topic when it begins. */
  readonly present: readonly Present[]

  constructor(present: readonly Present[], options: QueueOptions) {
    super(options)
    this.present = present
  }
}
