import { isDeepStrictEqual } from 'node:util'
import { OptionError } from '../../base/errors.ts'
import { integer, oneOf, string } from '../../base/options.ts'
import { type NatsConnectionOptions, splitOptions } from '../../nats/connection-options.ts'
import { sameSource } from '../../nats/session.ts'
import type { EngineFactory, StoreCapabilities } from '../engine.ts'
import type { BucketSetup } from './nats/bucket.ts'
import { NatsStoreEngine } from './nats/nats-store-engine.ts'

interface OwnOptions {
  /** The bucket: letters, digits, `-` and `_`. It is made where there is none. Default: the store's name. */
  readonly bucket?: string
  /** How many servers keep the bucket, when it is made: 1, 3 or 5. Default 1. */
  readonly replicas?: 1 | 3 | 5
  /** Where they keep it, when it is made. Default `'file'`. */
  readonly storage?: 'file' | 'memory'
}

/** Options of {@link nats}: its own, and those of the connection. */
export interface NatsStoreOptions extends NatsConnectionOptions, OwnOptions {}

const capabilities: StoreCapabilities = Object.freeze({
  // JetStream answers when a majority of the bucket's replicas has a write.
  durability: Object.freeze(['majority'] as const),
  loader: false,
  members: false,
  atomicBatch: false,
  disk: false,
  conflicts: false,
  functions: false,
})

/**
 * Keeps a store in a bucket of JetStream KV instead of the nodes' own memories and disks: every node has a copy in memory, and
 * NATS orders the writes. Links between the nodes are not needed. Only Tsunagi nodes take part.
 *
 * The connection is made anew for ever: after a failed start as well, of which `store.ready()` tells. While there is none,
 * values are read, and writes wait until their time is over: `ERR_NO_LOADER` for those that were never sent, `ERR_TIMEOUT` for
 * those that may still happen.
 *
 * Needs the packages `@nats-io/kv`, `@nats-io/jetstream` and `@nats-io/transport-node`, version 3, and a NATS server from 2.9
 * on with JetStream.
 *
 * @throws OptionError; a missing package is `ERR_PACKAGE_MISSING` of `store.ready()`
 *
 * @example
 * const store = node.store({ engine: nats({ servers: 'nats.internal:4222', replicas: 3 }) })
 * await store.ready()
 */
export function nats(options: NatsStoreOptions = {}): EngineFactory {
  const { own, source } = splitOptions<OwnOptions>(options, ['bucket', 'replicas', 'storage'])
  const { bucket, replicas = 1, storage = 'file' } = own
  if (![1, 3, 5].includes(integer(1, 5)(replicas, 'replicas'))) throw new OptionError('replicas', replicas, '1, 3 or 5')
  const setup: BucketSetup = {
    source,
    bucket: bucket === undefined ? undefined : bucketName(bucket),
    replicas,
    storage: oneOf('file', 'memory')(storage, 'storage'),
  }
  const factory: NatsFactory = {
    name: 'nats',
    capabilities,
    setup,
    open: (context) => {
      bucketName(setup.bucket ?? context.name)
      return new NatsStoreEngine(context, setup)
    },
    same: (other) => other.name === 'nats' && 'setup' in other && sameSetup(setup, (other as NatsFactory).setup),
  }
  return factory
}

interface NatsFactory extends EngineFactory {
  readonly setup: BucketSetup
}

function sameSetup({ source: a, ...restOfA }: BucketSetup, { source: b, ...restOfB }: BucketSetup): boolean {
  return sameSource(a, b) && isDeepStrictEqual(restOfA, restOfB)
}

function bucketName(name: unknown): string {
  if (/^[-\w]+$/.test(string(name, 'bucket'))) return name as string
  throw new OptionError('bucket', name, 'letters, digits, "-" and "_"; by default it is the name of the store')
}
