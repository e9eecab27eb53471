import { context, type propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTelemetry } from '../../src/observe/open-telemetry.ts'
import { GenServer, noReply } from '../../src/process/gen-server.ts'
import type { Term } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster, event } from '../node/cluster.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = provider.getTracer('the test')

/** What W3C Trace Context says, in as many words as the test needs. */
const propagator = {
  inject(from: Parameters<typeof propagation.inject>[0], carrier: Record<string, string>): void {
    const span = trace.getSpanContext(from)
    if (span !== undefined) carrier.traceparent = `00-${span.traceId}-${span.spanId}-01`
  },
  extract(from: Parameters<typeof propagation.extract>[0], carrier: Readonly<Record<string, string>>) {
    const [, traceId, spanId] = carrier.traceparent?.split('-') ?? []
    if (traceId === undefined || spanId === undefined) return from
    return trace.setSpanContext(from, { traceId, spanId, traceFlags: 1, isRemote: true })
  },
  fields: () => ['traceparent'],
} as Parameters<typeof propagation.setGlobalPropagator>[0]

class Shop extends GenServer {
  override async handleCall(request: Term) {
    if (request === 'crash') throw new TypeError('out of stock')
    if (request === 'later') return noReply
    // The context holds over an await, and over the next hop.
    await Promise.resolve()
    return request === 'next' ? this.self.call('stock', 'apples') : traceIdHere()
  }
}

const traceIdHere = (): string => trace.getSpanContext(context.active())?.traceId ?? 'none'

let cluster: Cluster
let a: TsunagiNode
let b: TsunagiNode

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})

afterAll(() => {
  context.disable()
})

beforeEach(async () => {
  exporter.reset()
  cluster = await Cluster.create()
  const tracing = openTelemetry({ tracerProvider: provider, propagator })
  b = await cluster.start('b', { tracing })
  a = await cluster.start('a', { tracing, connectTo: b.name })
  await event(a, 'nodeup', b.name)
  await b.start(Shop, { name: 'shop' })
  await b.start({ handleCall: () => traceIdHere() }, { name: 'stock' })
})

afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
})

/** Runs within a span, and answers what came of it and the spans there were, ended ones only, in the order of their start. */
async function traced(
  run: () => Promise<unknown>,
): Promise<{ result: unknown; traceId: string; spans: ReadableSpan[] }> {
  return await tracer.startActiveSpan('the user', async (span) => {
    const result = await run().catch((error: unknown) => error)
    span.end()
    const { traceId } = span.spanContext()
    const spans = exporter.getFinishedSpans().filter((it) => it.spanContext().traceId === traceId)
    return {
      result,
      traceId,
      spans: [...spans].sort((x, y) => x.startTime[0] - y.startTime[0] || x.startTime[1] - y.startTime[1]),
    }
  })
}

const parentOf = (spans: readonly ReadableSpan[], span: ReadableSpan | undefined) =>
  spans.find((it) => it.spanContext().spanId === span?.parentSpanContext?.spanId)
const find = (spans: readonly ReadableSpan[], name: string, kind: SpanKind, node?: string) =>
  spans.find(
    (it) => it.name === name && it.kind === kind && (node === undefined || it.attributes['tsunagi.node'] === node),
  )

describe('traces by OpenTelemetry', () => {
  it('follow a call to another node, and its handler on to the next server', async () => {
    const { result, traceId, spans } = await traced(() => a.call({ name: 'shop', node: b.name }, 'next'))
    expect(result).toBe(traceId)
    const client = find(spans, 'call shop', SpanKind.CLIENT, a.name)
    const server = find(spans, 'call shop', SpanKind.SERVER, b.name)
    const inner = find(spans, 'call stock', SpanKind.CLIENT, b.name)
    const stock = find(spans, 'call stock', SpanKind.SERVER, b.name)
    expect(parentOf(spans, client)?.name).toBe('the user')
    expect(parentOf(spans, server)).toBe(client)
    expect(parentOf(spans, inner)).toBe(server)
    expect(parentOf(spans, stock)).toBe(inner)
    expect(client?.attributes).toEqual({
      'rpc.system': 'erlang',
      'rpc.service': 'shop',
      'rpc.method': 'call',
      'server.address': b.name,
      'tsunagi.node': a.name,
    })
  })

  it('follow a call of a server by its pid', async () => {
    const server = await b.start({ handleCall: () => traceIdHere() })
    const { result, traceId } = await traced(() => a.call(server.pid, 'x'))
    expect(result).toBe(traceId)
  })

  it('follow a remote procedure call, also on the node itself', async () => {
    b.expose('math', { double: (n: number) => [n * 2, traceIdHere()] })
    const { result, traceId, spans } = await traced(() => a.rpc(b.name, 'math', 'double', [21]))
    expect(result).toEqual([42, traceId])
    const client = find(spans, 'math:double/1', SpanKind.CLIENT, a.name)
    const server = find(spans, 'math:double/1', SpanKind.SERVER, b.name)
    expect(parentOf(spans, server)).toBe(client)
    expect(server?.attributes).toMatchObject({ 'rpc.service': 'math', 'rpc.method': 'double/1' })
    const own = await traced(() => b.rpc(b.name, 'math', 'double', [1]))
    expect(own.result).toEqual([2, own.traceId])
  })

  it('say what a call failed with, on both sides', async () => {
    const { spans, result } = await traced(() => a.call({ name: 'shop', node: b.name }, 'crash'))
    expect(result).toMatchObject({ code: 'ERR_CALL_EXIT' })
    const client = find(spans, 'call shop', SpanKind.CLIENT)
    const server = find(spans, 'call shop', SpanKind.SERVER)
    expect(client?.status.code).toBe(SpanStatusCode.ERROR)
    expect(client?.attributes['error.type']).toBe('ERR_CALL_EXIT')
    expect(server?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'out of stock' })
    expect(server?.events[0]?.attributes).toMatchObject({ 'exception.message': 'out of stock' })
  })

  it('end a call that nobody answers with its timeout', async () => {
    const { spans, result } = await traced(() => a.call({ name: 'shop', node: b.name }, 'later', { timeout: 1 }))
    expect(result).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(find(spans, 'call shop', SpanKind.CLIENT)?.attributes['error.type']).toBe('ERR_TIMEOUT')
  })

  it('begin anew on a node whose caller traces nothing', async () => {
    const plain = await cluster.start('plain', { connectTo: b.name })
    await event(plain, 'nodeup', b.name)
    const { result, traceId } = await traced(() => plain.call({ name: 'shop', node: b.name }, 'here'))
    expect(result).not.toBe(traceId)
    expect(result).toMatch(/^[0-9a-f]{32}$/)
  })

  it('refuse an unknown option', () => {
    expect(() => openTelemetry({ tracer } as never)).toThrow(/tracer/)
  })
})
