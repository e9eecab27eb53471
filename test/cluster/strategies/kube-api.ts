import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type Certificates, makeCertificates } from '../../support/certificates.ts'

type Json = Record<string, unknown>

/** A request as the server saw it. */
export interface Asked {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly token: string | undefined
}

/** A pod of the shape that Kubernetes gives it, as far as it counts. */
export function pod(
  name: string,
  ip: string | undefined,
  more: { metadata?: Json; spec?: Json; status?: Json } = {},
): Json {
  return {
    metadata: { name, namespace: 'apps', ...more.metadata },
    spec: { ...more.spec },
    status: { phase: 'Running', ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }), ...more.status },
  }
}

/** An endpoint slice of the service `nodes`. */
export function slice(name: string, endpoints: readonly Json[], addressType = 'IPv4'): Json {
  const metadata = { name, namespace: 'apps', labels: { 'kubernetes.io/service-name': 'nodes' } }
  return { metadata, addressType, endpoints, ports: [] }
}

let certificates: Certificates | undefined

/**
 * An API server: HTTPS, bearer tokens, lists with pages, watches with bookmarks, all of one kind of objects. It keeps the changes since `forget`,
 * and answers 410 Gone to who asks for older ones.
 */
export class KubeApi implements AsyncDisposable {
  /** What a pod has of its service account. */
  readonly directory = mkdtempSync(join(tmpdir(), 'tsunagi-account-'))
  readonly asked: Asked[] = []
  /** Objects on a page. */
  page = 500
  token = 'token-1'
  /** What is done instead of an answer. */
  instead: ((response: ServerResponse, asked: Asked) => void) | undefined
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()
  readonly #objects = new Map<string, Json>()
  readonly #watches = new Set<ServerResponse>()
  #events: { version: number; event: Json }[] = []
  #version = 100
  #oldest = 100
  readonly #address: string
  #port = 0

  private constructor(address: string) {
    this.#address = address
    certificates ??= makeCertificates()
    this.#server = createServer({ cert: certificates.cert, key: certificates.key }, (request, response) =>
      this.#answer(request, response),
    )
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.write({ token: this.token, 'ca.crt': certificates.ca, namespace: 'apps' })
  }

  /** Its certificate is for 127.0.0.1. */
  static async open(objects: readonly Json[] = [], address = '127.0.0.1'): Promise<KubeApi> {
    const api = new KubeApi(address)
    for (const object of objects) api.put(object)
    await api.serve()
    return api
  }

  get url(): string {
    return `https://${this.#address}:${this.#port}`
  }

  get ca(): string {
    return certificates?.ca ?? ''
  }

  /** How many watches are open. */
  get watches(): number {
    return this.#watches.size
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Files of the service account. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text)
  }

  async serve(): Promise<void> {
    this.#server.listen(this.#port, this.#address)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  /** Ends all connections at once, whatever was under way. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#watches.clear()
  }

  /** Ends all watches in good order, as the server does when their time is over. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end()
    this.#watches.clear()
  }

  put(object: Json): void {
    const name = nameOf(object)
    this.#change(this.#objects.has(name) ? 'MODIFIED' : 'ADDED', object)
  }

  delete(name: string): void {
    const object = this.#objects.get(name)
    if (object !== undefined) this.#change('DELETED', object)
  }

  /** Tells watches how far the world has come without them. */
  bookmark(): void {
    this.#version += 10
    const object = { metadata: { resourceVersion: `${this.#version}` } }
    this.say(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  }

  /** Who asks for what was before gets 410 Gone. */
  forget(): void {
    this.#oldest = this.#version
    this.#events = []
  }

  /** Writes on all watches. */
  say(text: string): void {
    for (const watch of this.#watches) watch.write(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #change(type: string, object: Json): void {
    const version = ++this.#version
    const current = { ...object, metadata: { ...(object.metadata as Json), resourceVersion: `${version}` } }
    if (type === 'DELETED') this.#objects.delete(nameOf(object))
    else this.#objects.set(nameOf(object), current)
    const event = { type, object: current }
    this.#events.push({ version, event })
    this.say(`${JSON.stringify(event)}\n`)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'https://api')
    const query = Object.fromEntries(url.searchParams)
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    const asked = { path: url.pathname, query, token }
    this.asked.push(asked)
    if (this.instead !== undefined) return this.instead(response, asked)
    if (token !== this.token) return refuse(response, 401, 'Unauthorized')
    if (query.watch === 'true') this.#watch(response, Number(query.resourceVersion))
    else this.#list(response, query)
  }

  #list(response: ServerResponse, query: Readonly<Record<string, string>>): void {
    const all = [...this.#objects.values()]
    const from = Number(query.continue ?? 0)
    const to = query.limit === undefined ? all.length : from + Math.min(Number(query.limit), this.page)
    const metadata = { resourceVersion: `${this.#version}`, ...(to < all.length ? { continue: `${to}` } : {}) }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ kind: 'List', metadata, items: all.slice(from, to) }))
  }

  #watch(response: ServerResponse, from: number): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (from < this.#oldest) {
      // In the stream, as the server does mostly.
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: `too old resource version: ${from}` }
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    response.flushHeaders()
    for (const { version, event } of this.#events) if (version > from) response.write(`${JSON.stringify(event)}\n`)
    this.#watches.add(response)
    response.once('close', () => this.#watches.delete(response))
  }
}

/** A refusal as Kubernetes writes it. */
export function refuse(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code }))
}

function nameOf(object: Json): string {
  return (object.metadata as { name: string }).name
}
