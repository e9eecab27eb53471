import type { Term } from '../term/term.ts'
import type { CallOptions } from './call.ts'

/** What the server at a destination takes as a request: what its `ServerRef` says, else any term. */
export type RequestOf<To> = To extends { call(request: infer Request extends Term, options?: CallOptions): unknown }
  ? Request
  : Term

/** What it replies. */
export type ReplyOf<To> = To extends { call(request: never): Promise<infer Reply> } ? Reply : Term

/** What it takes as a cast. */
export type CastOf<To> = To extends { cast(message: infer Cast extends Term): unknown } ? Cast : Term
