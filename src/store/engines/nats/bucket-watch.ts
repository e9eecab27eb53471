import { randomUUID } from 'node:crypto'
import type { AckPolicy, DeliverPolicy, JsMsg } from '@nats-io/jetstream'
import { loadOptional } from '../../../base/optional-package.ts'
import { StoreError } from '../../store-error.ts'
import type { OpenBucket } from './open-bucket.ts'

const SECOND = 1_000_000_000
/** Seconds between two signs of life of a watch that has nothing to tell; without two of them it is begun anew. */
const HEARTBEAT = 5
/** Seconds after which the server forgets a watch that nobody listens to. */
const FORGOTTEN = 30

/** One revision of one key. */
export interface Revision {
  /** The key as the bucket has it. */
  readonly key: string
  readonly revision: number
  /** What was written; undefined: the key was deleted. */
  readonly bytes: Uint8Array | undefined
  /** Milliseconds since 1970 by the server's clock. */
  readonly time: number
}

/** What a connection has, and its type does not say. */
interface Configured {
  readonly options?: { readonly inboxPrefix?: string }
}

/** Hears what a watch tells. Must not throw. */
export interface WatchListener {
  /** The last revision of each key first, and then all there are, in order. */
  revision(revision: Revision): void
  /** All that was there when the watch began has been told. Told once. */
  complete(): void
}

/**
 * Tells what is in a bucket and what changes, until the signal aborts.
 *
 * The watch of `@nats-io/kv` does not do: when the server loses the consumer behind it, as by a restart, it is silent for a
 * minute or for ever, and it never says how far it is.
 *
 * @throws StoreError when it is broken and has to be begun anew; what nats.js throws
 */
export async function watchBucket(bucket: OpenBucket, listener: WatchListener, signal: AbortSignal): Promise<void> {
  const { connection, js, jsm, stream, prefix } = bucket
  const { createInbox } = await loadOptional('@nats-io/transport-node', 'A store on NATS', () => {
    return import('@nats-io/transport-node')
  })
  const { name, num_pending: pending } = await jsm.consumers.add(stream, {
    name: `tsunagi-${randomUUID()}`,
    deliver_subject: createInbox((connection as Configured).options?.inboxPrefix),
    // These are enums of a package that is only loaded when it is used.
    deliver_policy: 'last_per_subject' as DeliverPolicy,
    ack_policy: 'none' as AckPolicy,
    filter_subject: `${prefix}>`,
    flow_control: true,
    idle_heartbeat: HEARTBEAT * SECOND,
    inactive_threshold: FORGOTTEN * SECOND,
    mem_storage: true,
    num_replicas: 1,
  })
  signal.throwIfAborted()
  let complete = pending === 0
  if (complete) listener.complete()
  const isComplete = (): void => {
    if (complete) return
    complete = true
    listener.complete()
  }
  let told = 0
  const consumer = await js.consumers.getPushConsumer(stream, name)
  let broken: unknown
  const messages = await consumer.consume({
    callback: (message: JsMsg) => {
      if (signal.aborted || broken !== undefined) return
      const { info } = message
      if (info.deliverySequence !== ++told) {
        broken = new StoreError('ERR_NO_LOADER', `the watch of ${stream} has a gap`)
        messages.stop()
        return
      }
      listener.revision(revisionOf(message, prefix))
      if (info.pending === 0 || told >= pending) isComplete()
    },
  })
  // Asked for before anything can stop the watch: later it would wait for ever.
  const statuses = messages.status()
  const stop = (): void => messages.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    // With nothing more to tell there is nothing left of what there was: some of it may have been deleted meanwhile.
    const silent = await silence(statuses, isComplete)
    broken ??= silent
  } finally {
    signal.removeEventListener('abort', stop)
    messages.stop()
  }
  if (signal.aborted) return
  consumer.delete().catch(() => {})
  throw broken ?? new StoreError('ERR_NO_LOADER', `the watch of ${stream} has ended`)
}

/** Resolves with what broke a watch; undefined when it was stopped. */
async function silence(statuses: AsyncIterable<{ readonly type: string }>, idle: () => void): Promise<unknown> {
  for await (const status of statuses) {
    if (status.type === 'heartbeat') idle()
    else if (status.type === 'heartbeats_missed' || status.type === 'consumer_deleted') {
      return new StoreError('ERR_NO_LOADER', `the watch of the bucket has fallen silent (${status.type})`)
    }
  }
  return undefined
}

function revisionOf({ subject, headers, data, info }: JsMsg, prefix: string): Revision {
  // A marker, in place of what was deleted or has expired; any operation that is not known is none of a value.
  const isMarker = (headers?.get('KV-Operation') || headers?.get('Nats-Marker-Reason') || 'PUT') !== 'PUT'
  return {
    key: subject.slice(prefix.length),
    revision: info.streamSequence,
    bytes: isMarker ? undefined : data,
    time: info.timestampNanos / 1_000_000,
  }
}
