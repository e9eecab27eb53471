import { channel } from 'node:diagnostics_channel'
import { whenOver } from '../base/promise-like.ts'
import type { Term } from '../term/term.ts'
import { type TraceCarrier, traceToken } from './trace-token.ts'

/** A call, as the one who makes it or the one who answers it sees it. */
export interface TracedCall {
  /** A GenServer's call, or a function by `rpc`. */
  readonly kind: 'call' | 'rpc'
  /** The node on whose side this is. */
  readonly self: string
  /** The node on the other side; the node itself for calls within it. */
  readonly node: string
  /** What is called: a server's name or pid, or `module:function/arity`. */
  readonly target: string
}

/** A call that is under way. */
export interface CallSpan {
  /** What goes with it to the other side, if that is a node of this package. */
  readonly carrier: TraceCarrier | undefined
  /** It is over. With an error it failed. */
  end(failure?: { readonly error: unknown }): void
}

/** Follows calls from node to node. None of its methods may throw. */
export interface CallTracer {
  /** A call begins on this node. */
  call(call: TracedCall): CallSpan
  /** Runs what answers one, within the context that came with it. */
  serve<T>(call: TracedCall, carrier: TraceCarrier | undefined, run: () => T): T
}

/** What a message on the channels of calls says. */
export interface CallMessage extends TracedCall {
  /** Milliseconds it took; on the channels `ok` and `error`. */
  readonly duration?: number
  /** What it failed with; on the channel `error`. */
  readonly error?: unknown
}

const channelsOf = (what: string) => ({
  start: channel(`tsunagi:${what}:start`),
  ok: channel(`tsunagi:${what}:ok`),
  error: channel(`tsunagi:${what}:error`),
})
type Channels = ReturnType<typeof channelsOf>
const made = channelsOf('call')
const served = channelsOf('serve')

/** A call as it is followed: by a tracer, by those who listen to the channels, or both. */
export class FollowedCall {
  readonly #call: TracedCall
  readonly #span: CallSpan | undefined
  readonly #began = performance.now()

  private constructor(call: TracedCall, span: CallSpan | undefined) {
    this.#call = call
    this.#span = span
  }

  /** Undefined when nobody wants to know, which costs next to nothing. */
  static begin(tracer: CallTracer | undefined, describe: () => TracedCall): FollowedCall | undefined {
    if (tracer === undefined && !isHeard(made)) return undefined
    const call = describe()
    made.start.publish(call)
    return new FollowedCall(call, tracer?.call(call))
  }

  /** What is sent with it to the other side. */
  get token(): Term {
    return traceToken(this.#span?.carrier)
  }

  /** For a server of this node, which gets the message as it is. */
  get carrier(): TraceCarrier | undefined {
    return this.#span?.carrier
  }

  end(failure?: { readonly error: unknown }): void {
    this.#span?.end(failure)
    publishEnd(made, this.#call, this.#began, failure)
  }
}

/** Whether somebody follows the calls that are answered here: only then {@link serveCall} is worth its cost. */
export function followsServing(tracer: CallTracer | undefined): boolean {
  return tracer !== undefined || isHeard(served)
}

/** Runs what answers a call. `carrier` is what came with it. */
export function serveCall<T>(
  tracer: CallTracer | undefined,
  call: TracedCall,
  carrier: TraceCarrier | undefined,
  run: () => T,
): T {
  const began = performance.now()
  served.start.publish(call)
  return whenOver(
    () => (tracer === undefined ? run() : tracer.serve(call, carrier, run)),
    (failure) => publishEnd(served, call, began, failure),
  )
}

function publishEnd(
  { ok, error }: Channels,
  call: TracedCall,
  began: number,
  failure: { readonly error: unknown } | undefined,
): void {
  const duration = performance.now() - began
  if (failure === undefined) ok.publish({ ...call, duration })
  else error.publish({ ...call, duration, error: failure.error })
}

function isHeard({ start, ok, error }: Channels): boolean {
  return start.hasSubscribers || ok.hasSubscribers || error.hasSubscribers
}
