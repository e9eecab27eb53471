import type { LocalNode } from '../node/local-node.ts'

/** What pub/sub needs of the node it lives on. */
export type PubSubHost = Pick<
  LocalNode,
  'name' | 'creation' | 'serviceHost' | 'pg' | 'rpc' | 'call' | 'drained' | 'whereis'
>
