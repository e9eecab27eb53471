import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import {
  type Dashboard,
  type DashboardInternals,
  type MountedDashboard,
  mountDashboard,
  openDashboard,
} from '../../../src/observe/http/dashboard.ts'
import type { DashboardOptions, MountOptions } from '../../../src/observe/http/dashboard-options.ts'
import type { DashboardNode } from '../../../src/observe/http/measured-node.ts'
import type { Asset } from '../../../src/observe/http/page.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { LogBook } from '../../process/network.ts'
import { FakeObservatory } from './fake-observatory.ts'

export const TOKEN = 'correct-horse-battery'

const text = new TextEncoder()

/** As small as a page can be. */
export const PAGE: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  [
    '/index.html',
    {
      type: 'text/html; charset=utf-8',
      etag: '"index"',
      hashed: false,
      plain: text.encode('<!doctype html><title>page</title>'),
      br: undefined,
      gzip: undefined,
    },
  ],
  [
    '/assets/index-abc123.js',
    {
      type: 'text/javascript; charset=utf-8',
      etag: '"script"',
      hashed: true,
      plain: text.encode('console.log(1)'),
      br: text.encode('br'),
      gzip: text.encode('gz'),
    },
  ],
])

/** A node of which a test says how it stands. */
export class StandIn extends EventEmitter {
  readonly name = 'a@127.0.0.1'
  readonly clock = new FakeClock()
  readonly log = new LogBook()
  readonly observatory = new FakeObservatory()
  peerNames: string[] = []
  leaving = false
  closed = false
  readonly closers = new Set<() => Promise<void> | void>()
  readonly serviceHost = {
    clock: this.clock,
    logger: this.log,
    closeFirst: (closer: () => Promise<void> | void) => {
      this.closers.add(closer)
      return () => this.closers.delete(closer)
    },
  }

  nodes = (kind = 'connected'): string[] => (kind === 'visible' ? [] : this.peerNames)
  isReady = ({ nodes = 1 }): boolean => !this.leaving && !this.closed && this.peerNames.length >= nodes
  links = () => []
  certificates = () => []
  peers = () => []
  survey = () => ({ messages: 0, whole: true, top: [] })
  topologies = () => []
  pubsubs = () => []
  stores = () => []
  acceptCounts = { established: 0, failed: {}, refused: 0 }
  counts = { processes: 0, names: 0, references: 0, peers: 0 }

  get asNode(): DashboardNode {
    return this as unknown as DashboardNode
  }

  open(options: DashboardOptions = {}, internals: DashboardInternals = {}): Promise<Dashboard> {
    return openDashboard(this.asNode, this.observatory, options, { page: async () => PAGE, ...internals })
  }

  mount(options: MountOptions, internals: DashboardInternals = {}): MountedDashboard {
    return mountDashboard(
      this.asNode,
      this.observatory,
      { token: false, ...options },
      { page: async () => PAGE, ...internals },
    )
  }
}

/** A server of a host application. */
export async function serve(listener: RequestListener, host = '127.0.0.1') {
  const server = createServer(listener)
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends a request exactly as written here, over a socket of its own, and reads to the end. */
export async function ask(port: number, head: string, body = ''): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const lines = head
    .trim()
    .split('\n')
    .map((line) => line.trim())
  if (!lines.some((line) => /^host:/i.test(line))) lines.push(`Host: 127.0.0.1:${port}`)
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  // Latin-1, so that a test can send any byte.
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1'))
  if (body !== '') socket.write(body)
  return parse(await readAll(socket))
}

export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return Buffer.concat(chunks).toString('utf8')
}

export function parse(raw: string): Answer {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = fields.map((field): [string, string] => {
    const at = field.indexOf(':')
    return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()]
  })
  return { status: Number(line.split(' ')[1]), headers: new Map(headers), body: rest.join('\r\n\r\n') }
}

/** One event of a stream. */
export interface ServerEvent {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was sent.
  readonly data: any
}

/** Reads a stream of events, as `EventSource` does. */
export class EventReader implements AsyncDisposable {
  readonly events: ServerEvent[] = []
  comments = 0
  retry: number | undefined
  ended = false
  readonly #aborting = new AbortController()
  readonly #done: Promise<void>
  #woken: (() => void) | undefined

  private constructor(response: Response, aborting: AbortController) {
    this.#aborting = aborting
    this.#done = this.#read(response).catch(() => {})
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const aborting = new AbortController()
    const response = await fetch(url, { headers, signal: aborting.signal })
    if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`)
    return new EventReader(response, aborting)
  }

  /** Resolves when `found` answers something. */
  async until<T>(found: (reader: EventReader) => T | undefined | false): Promise<T> {
    for (;;) {
      const it = found(this)
      if (it !== undefined && it !== false) return it
      if (this.ended) throw new Error(`the stream ended after ${JSON.stringify(this.events).slice(0, 500)}`)
      await new Promise<void>((resolve) => {
        this.#woken = resolve
      })
    }
  }

  /** The data of the last event of a name. */
  last(event: string): ServerEvent['data'] {
    return this.events.findLast((it) => it.event === event)?.data
  }

  async closed(): Promise<void> {
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#aborting.abort()
    await this.#done
  }

  async #read(response: Response): Promise<void> {
    let rest = ''
    try {
      const decoder = new TextDecoder()
      for await (const chunk of response.body as ReadableStream<Uint8Array>) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
        rest = blocks.pop() as string
        for (const block of blocks) this.#take(block)
        this.#woken?.()
      }
    } finally {
      this.ended = true
      this.#woken?.()
    }
  }

  #take(block: string): void {
    const fields = new Map<string, string>()
    for (const line of block.split('\n')) {
      const at = line.indexOf(':')
      if (at === 0) this.comments++
      else fields.set(line.slice(0, at), line.slice(at + 1).replace(/^ /, ''))
    }
    if (fields.has('retry')) this.retry = Number(fields.get('retry'))
    const data = fields.get('data')
    if (data === undefined) return
    this.events.push({ event: fields.get('event') ?? 'message', id: fields.get('id'), data: JSON.parse(data) })
  }
}
