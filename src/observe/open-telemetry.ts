import type { Attributes, Span, TextMapPropagator, Tracer, TracerProvider } from '@opentelemetry/api'
import { TsunagiError } from '../base/errors.ts'
import { loadOptional } from '../base/optional-package.ts'
import { knownOnly } from '../base/options.ts'
import { whenOver } from '../base/promise-like.ts'
import type { CallSpan, CallTracer, TracedCall } from '../process/call-trace.ts'
import type { TraceCarrier } from '../process/trace-token.ts'

type Api = typeof import('@opentelemetry/api')

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /** Whose tracers make the spans. Default: the global one. */
  readonly tracerProvider?: TracerProvider
  /** What writes a context into a call and reads it there. Default: the global one, usually W3C Trace Context. */
  readonly propagator?: TextMapPropagator
}

/** What the option `tracing` of `startNode` takes: something that follows the calls of a node. */
export interface Tracing {
  /** Called once when a node starts. What it rejects with is what `startNode` rejects with. */
  open(): Promise<CallTracer>
}

/**
 * Traces calls by OpenTelemetry: `startNode({ tracing: openTelemetry() })`. Each `call` and `rpc` is a span of kind
 * CLIENT on the node that makes it and one of kind SERVER on the node that answers it, within whose context the
 * handler runs. Between nodes of this package the context travels along, in the place that the distribution protocol
 * has for the tokens of sequential tracing; a BEAM node sees an ordinary call.
 *
 * Spans follow the semantic conventions for RPC: `rpc.system` is `erlang`, `rpc.service` the server's name or the module,
 * `rpc.method` the function with its arity, `server.address` the node. Arguments and results are never recorded.
 *
 * `open` rejects with TsunagiError `ERR_PACKAGE_MISSING` without the optional peer `@opentelemetry/api`.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracing {
  knownOnly(options, ['tracerProvider', 'propagator'])
  return {
    async open() {
      const load = () => import('@opentelemetry/api')
      const api = await loadOptional('@opentelemetry/api', 'tracing by OpenTelemetry', load)
      return new OpenTelemetryTracer(api, options)
    },
  }
}

class OpenTelemetryTracer implements CallTracer {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #propagator: Pick<TextMapPropagator, 'inject' | 'extract'>

  constructor(api: Api, { tracerProvider, propagator }: OpenTelemetryOptions) {
    this.#api = api
    this.#tracer = (tracerProvider ?? api.trace).getTracer('tsunagi')
    this.#propagator = propagator ?? api.propagation
  }

  call(call: TracedCall): CallSpan {
    const { context, defaultTextMapSetter, SpanKind, trace } = this.#api
    const active = context.active()
    const options = { kind: SpanKind.CLIENT, attributes: attributesOf(call) }
    const span = this.#tracer.startSpan(nameOf(call), options, active)
    const carrier: Record<string, string> = {}
    this.#propagator.inject(trace.setSpan(active, span), carrier, defaultTextMapSetter)
    return { carrier, end: (failure) => this.#end(span, failure) }
  }

  serve<T>(call: TracedCall, carrier: TraceCarrier | undefined, run: () => T): T {
    const { context, defaultTextMapGetter, ROOT_CONTEXT, SpanKind, trace } = this.#api
    const parent =
      carrier === undefined ? ROOT_CONTEXT : this.#propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
    const options = { kind: SpanKind.SERVER, attributes: attributesOf(call) }
    const span = this.#tracer.startSpan(nameOf(call), options, parent)
    return whenOver(
      () => context.with(trace.setSpan(parent, span), run),
      (failure) => this.#end(span, failure),
    )
  }

  #end(span: Span, failure?: { readonly error: unknown }): void {
    if (failure !== undefined) {
      const { error } = failure
      const exception = error instanceof Error ? error : String(error)
      span.recordException(exception)
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: messageOf(error) })
      if (error instanceof TsunagiError) span.setAttribute('error.type', error.code)
    }
    span.end()
  }
}

/** `lists:sum/1`, `call counter`. */
function nameOf({ kind, target }: TracedCall): string {
  return kind === 'rpc' ? target : `call ${target}`
}

function attributesOf({ kind, self, node, target }: TracedCall): Attributes {
  const common = { 'rpc.system': 'erlang', 'server.address': node, 'tsunagi.node': self }
  if (kind === 'call') return { ...common, 'rpc.service': target, 'rpc.method': 'call' }
  const colon = target.indexOf(':')
  return { ...common, 'rpc.service': target.slice(0, colon), 'rpc.method': target.slice(colon + 1) }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
