import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { loadOptional } from '../../../base/optional-package.ts'
import { StoreError } from '../../store-error.ts'

/** How a bucket is to be. */
export interface BucketOptions {
  readonly name: string
  /** How many servers keep it, when it is made. */
  readonly replicas: number
  readonly storage: 'file' | 'memory'
}

/** A bucket of JetStream KV on a connection. */
export interface OpenBucket {
  readonly connection: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  /** The stream that holds it. */
  readonly stream: string
  /** What the subjects of its keys begin with. */
  readonly prefix: string
  /** When it was made, and its last revision: of another bucket of the same name the copy is worth nothing. */
  readonly created: string
  readonly last: number
}

const WHAT = 'A store on NATS'
/** The first server with all that is used here; older ones create consumers another way. */
const OLDEST = [2, 9] as const

/** Opens a bucket, and makes it where there is none. @throws TsunagiError `ERR_PACKAGE_MISSING`; what nats.js throws */
export async function openBucket(connection: NatsConnection, options: BucketOptions): Promise<OpenBucket> {
  const { jetstream, jetstreamManager } = await loadOptional('@nats-io/jetstream', WHAT, () => {
    return import('@nats-io/jetstream')
  })
  const { Kvm } = await loadOptional('@nats-io/kv', WHAT, () => import('@nats-io/kv'))
  checkVersion(connection)
  const { name, replicas, storage } = options
  // The type of its storage is an enum of a package that is only loaded when it is used.
  const bucket = await new Kvm(connection).create(name, { history: 1, replicas, storage: storage as never })
  const { streamInfo } = await bucket.status()
  const { config, created, state } = streamInfo
  if (config.max_msgs_per_subject !== 1) {
    const text = `the bucket ${name} keeps a history of ${config.max_msgs_per_subject}; a store needs one of its own, with 1`
    throw new StoreError('ERR_STORE_REFUSED', text)
  }
  return {
    connection,
    js: jetstream(connection),
    jsm: await jetstreamManager(connection),
    stream: config.name,
    prefix: `$KV.${name}.`,
    created: String(created),
    last: state.last_seq,
  }
}

function checkVersion({ info }: NatsConnection): void {
  const version = info?.version ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new StoreError(
    'ERR_NO_LOADER',
    `a store needs nats-server ${OLDEST.join('.')} or newer; this one is ${version}`,
  )
}
