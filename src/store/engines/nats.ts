import { isDeepStrictEqual } from 'node:util'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { OptionError } from '../../base/errors.ts'
import { integer, oneOf, string } from '../../base/options.ts'
import type { EngineFactory, StoreCapabilities } from '../engine.ts'
import { NatsStoreEngine } from './nats/nats-store-engine.ts'

/** Options of {@link nats}: its own, and those of `connect` of `@nats-io/transport-node`. */
export interface NatsStoreOptions extends Omit<NodeConnectionOptions, 'maxReconnectAttempts'> {
  /** A connection that is there, in place of one of its own. It is not closed. */
  readonly connection?: NatsConnection
  /** The bucket: letters, digits, `-` and `_`. It is made where there is none. Default: the store's name. */
  readonly bucket?: string
  /** How many servers keep the bucket, when it is made: 1, 3 or 5. Default 1. */
  readonly replicas?: 1 | 3 | 5
  /** Where they keep it. Default `'file'`. */
  readonly storage?: 'file' | 'memory'
}

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
 * Keeps a store in a bucket of JetStream KV instead of the nodes' own memories and disks; every node has a copy in memory.
 * Needs nats-server 2.9 or newer with JetStream, and the packages `@nats-io/kv`, `@nats-io/jetstream` and
 * `@nats-io/transport-node`.
 */
export function nats(options: NatsStoreOptions = {}): EngineFactory {
  const { connection, bucket, replicas = 1, storage = 'file', ...rest } = options
  if (bucket !== undefined) checkBucket(bucket, 'bucket')
  if (![1, 3, 5].includes(integer(1, 5)(replicas, 'replicas'))) throw new OptionError('replicas', replicas, '1, 3 or 5')
  oneOf('file', 'memory')(storage, 'storage')
  const source = connection === undefined ? { options: rest } : { connection }
  const factory: EngineFactory = {
    name: 'nats',
    capabilities,
    open: (context) => {
      const name = checkBucket(bucket ?? context.name, 'bucket')
      return new NatsStoreEngine(context, { source, name, replicas, storage })
    },
    same: (other) => OPTIONS.has(other) && isDeepStrictEqual(OPTIONS.get(other), options),
  }
  OPTIONS.set(factory, options)
  return factory
}

const OPTIONS = new WeakMap<EngineFactory, NatsStoreOptions>()

function checkBucket(name: string, option: string): string {
  if (!/^[-\w]+$/.test(string(name, option))) throw new OptionError(option, name, 'letters, digits, - and _')
  return name
}
