import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename } from 'node:path/posix'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Action, Observatory, PageQuery } from '../observatory.ts'
import { SECTIONS } from '../sections.ts'
import type { SectionName } from '../view.ts'
import { errorAnswer, jsonAnswer, type Refusal, refusal, secure } from './answers.ts'
import type { ResolvedMountOptions } from './dashboard-options.ts'
import { STREAM_HEADERS } from './event-stream.ts'
import type { Feed } from './feed.ts'
import type { Gate, Visit } from './gate.ts'
import { alive, type ProbedNode, ready } from './health.ts'
import { type Asset, answerWith } from './page.ts'
import type { Refusals } from './refusals.ts'
import { isOfType, textOf } from './request-body.ts'
import { pathOf, queryOf } from './request-path.ts'
import { openTail } from './tails.ts'
import type { Connection, Viewers } from './viewers.ts'

/** What `@hono/node-server` knows of a request besides. */
export interface NodeBindings {
  readonly incoming?: IncomingMessage & { readonly originalUrl?: string }
  readonly outgoing?: ServerResponse
}

/** What a dashboard is made of. */
export interface DashboardParts {
  readonly node: ProbedNode
  readonly observatory: Observatory
  readonly options: ResolvedMountOptions
  readonly gate: Gate
  readonly refusals: Refusals
  readonly viewers: Viewers
  readonly feed: Feed
  readonly logger: Logger
  readonly page: () => Promise<ReadonlyMap<string, Asset> | undefined>
  readonly metrics: () => Promise<Response>
}

interface Env {
  readonly Bindings: { readonly visit: Visit; readonly connection: Connection }
}

const METHODS = ['GET', 'HEAD', 'POST']

/** Answers requests, in terms of `fetch`: the same within any server. */
export class DashboardApp {
  readonly #parts: DashboardParts
  readonly #routes: Hono<Env>

  constructor(parts: DashboardParts) {
    this.#parts = parts
    this.#routes = this.#makeRoutes()
  }

  /** Never rejects. `bindings` say where the request came from, and what its address was before anybody changed it. */
  async fetch(request: Request, bindings: NodeBindings = {}): Promise<Response> {
    try {
      return secure(await this.#answer(request, bindings))
    } catch (error) {
      const { logger } = this.#parts
      logger.error({ err: error }, `dashboard: a request failed: ${(error as Error).message}`)
      return secure(errorAnswer(500, 'internal', 'something went wrong; the log says what'))
    }
  }

  async #answer(request: Request, bindings: NodeBindings): Promise<Response> {
    const { gate, options } = this.#parts
    const { incoming, outgoing } = bindings
    const url = new URL(request.url)
    const target = incoming?.originalUrl ?? incoming?.url ?? url.pathname + url.search
    const address = incoming?.socket.remoteAddress ?? 'unknown'
    const connection = { address, cut: outgoing === undefined ? undefined : () => void outgoing.destroy() }
    if (!METHODS.includes(request.method)) {
      return this.#refuse('method_not_allowed', 'only GET, HEAD and POST are', { allow: METHODS.join(', ') })
    }
    const path = pathOf(target, options.path)
    if (path === undefined) return this.#refuse('bad_request', 'there is no such path')
    const open = this.#openEndpoint(path, request.method)
    if (open !== undefined) return await open
    const visit: Visit = {
      method: request.method,
      path: path === '' ? '/' : path,
      query: queryOf(target),
      header: (name) => request.headers.get(name),
      host: request.headers.get('host') ?? url.host,
      secure: url.protocol === 'https:',
      address,
      localAddress: incoming?.socket.localAddress,
    }
    // Relative, since a proxy may have put us anywhere; so are the addresses in the page.
    if (path === '' && options.path !== '') return redirect(`${basename(options.path)}/${url.search}`)
    // Where the form leads, when its page is loaded again.
    if (path === '/login' && request.method !== 'POST') return redirect('./')
    const barred = isLogin(visit) ? gate.checkOrigin(visit) : gate.check(visit)
    if (barred !== undefined) return barred
    return await this.#routes.fetch(request, { visit, connection })
  }

  #openEndpoint(path: string, method: string): Response | Promise<Response> | undefined {
    const name = (['alive', 'ready', 'metrics'] as const).find((it) => path === `/${it}`)
    if (name === undefined || method === 'POST' || !this.#parts.options.open.has(name)) return undefined
    return this.#probe(name)
  }

  #probe(name: 'alive' | 'ready' | 'metrics'): Response | Promise<Response> {
    const { metrics, node, options } = this.#parts
    if (name === 'metrics') return metrics()
    return name === 'alive' ? alive() : ready(node, options.readyNodes)
  }

  #makeRoutes(): Hono<Env> {
    const { observatory } = this.#parts
    // What the path is was decided before; no other reading of the address counts.
    const routes = new Hono<Env>({ getPath: (_request, options) => bindingsOf(options?.env)?.visit.path ?? '' })
    routes.get('/alive', () => this.#probe('alive'))
    routes.get('/ready', () => this.#probe('ready'))
    routes.get('/metrics', () => this.#probe('metrics'))
    routes.get('/api/events', (c) => this.#events(c))
    routes.get('/api/tail', (c) => this.#tail(c))
    routes.get('/api/page', (c) => this.#page(c))
    for (const section of SECTIONS) routes.get(`/api/${section}`, () => jsonAnswer(observatory.section(section)))
    routes.post('/api/actions', (c) => this.#act(c))
    routes.post('/login', (c) => this.#login(c))
    routes.get('*', (c) => this.#asset(c))
    routes.all('*', () => this.#refuse('not_found', 'there is nothing to post to'))
    routes.onError((error) => {
      if (error instanceof TsunagiError) return failure(error)
      throw error
    })
    return routes
  }

  #events({ env, req }: Context<Env>): Response {
    // Hono answers HEAD with the head of what GET answers, and would leave its body open.
    if (req.method === 'HEAD') return this.#refuse('method_not_allowed', 'only GET is', { allow: 'GET' })
    const { query } = env.visit
    const wanted = query.get('sections')?.split(',')
    const sections = wanted === undefined ? SECTIONS : SECTIONS.filter((section) => wanted.includes(section))
    const known = req.header('last-event-id') ?? query.get('since') ?? '0'
    if (sections.length === 0 || !/^\d{1,16}$/.test(known)) {
      return this.#refuse('bad_request', `sections are ${SECTIONS.join(', ')}; since is the id of an event`)
    }
    return this.#stream(this.#parts.feed.open(env.connection, new Set<SectionName>(sections), Number(known)))
  }

  #tail({ env, req }: Context<Env>): Response {
    if (req.method === 'HEAD') return this.#refuse('method_not_allowed', 'only GET is', { allow: 'GET' })
    const { observatory, options, viewers } = this.#parts
    const pubsub = env.visit.query.get('pubsub')
    const topic = env.visit.query.get('topic')
    if (pubsub === null || topic === null) return this.#refuse('bad_request', 'expected ?pubsub=…&topic=…')
    if (!options.tail) return this.#refuse('forbidden', 'tails are switched off (the option tail)')
    return this.#stream(openTail(observatory, viewers, env.connection, { pubsub, topic }))
  }

  #stream(stream: { readonly body: ReadableStream<Uint8Array> } | undefined): Response {
    if (stream !== undefined) return new Response(stream.body, { headers: STREAM_HEADERS })
    return this.#refuse('too_many_viewers', 'there are enough viewers; try again later', { 'retry-after': '30' })
  }

  async #page({ env }: Context<Env>): Promise<Response> {
    const query: Record<string, string | number> = Object.fromEntries(env.visit.query)
    if (query.limit !== undefined) query.limit = Number(query.limit)
    // The observatory checks it, whatever its type says here.
    return jsonAnswer(await this.#parts.observatory.page(query as unknown as PageQuery))
  }

  async #act({ env, req }: Context<Env>): Promise<Response> {
    const { logger, observatory, options } = this.#parts
    if (!options.actions) return this.#refuse('forbidden', 'viewers only look (the option actions is off)')
    if (!isOfType(req.header('content-type') ?? null, 'application/json')) {
      return errorAnswer(415, 'unsupported_type', 'expected application/json')
    }
    const text = await textOf(req.raw)
    if (text === undefined) return errorAnswer(413, 'too_long', 'expected less than 16 KiB of UTF-8')
    const action = objectOf(text)
    if (action === undefined) return this.#refuse('bad_request', 'expected an action as a JSON object')
    const { address } = env.connection
    logger.info(
      { address, action },
      `dashboard: a viewer at ${address} asks for ${JSON.stringify(action).slice(0, 200)}`,
    )
    return jsonAnswer(await observatory.act(action as unknown as Action, `a viewer at ${address}`))
  }

  /** The form of the page that asks for the token. */
  async #login({ env, req }: Context<Env>): Promise<Response> {
    const { gate } = this.#parts
    if (!gate.asks) return this.#refuse('not_found', 'there is no token to be asked for')
    if (!isOfType(req.header('content-type') ?? null, 'application/x-www-form-urlencoded')) {
      return errorAnswer(415, 'unsupported_type', 'expected application/x-www-form-urlencoded')
    }
    const text = await textOf(req.raw)
    if (text === undefined) return errorAnswer(413, 'too_long', 'expected less than 16 KiB of UTF-8')
    return gate.enter(env.visit, new URLSearchParams(text).get('token') ?? '')
  }

  async #asset({ env, req }: Context<Env>): Promise<Response> {
    const page = await this.#parts.page()
    if (page === undefined) {
      const text = 'the page was not built: run npm run build; /api, /metrics, /alive and /ready work without it'
      return errorAnswer(503, 'no_page', text)
    }
    const { path } = env.visit
    const asset = page.get(path === '/' ? '/index.html' : path)
    if (asset === undefined) return this.#refuse('not_found', 'there is no such page')
    return answerWith(asset, (name) => req.header(name))
  }

  #refuse(kind: Refusal, message: string, headers = {}): Response {
    this.#parts.refusals.count(kind)
    return refusal(kind, message, headers)
  }
}

function bindingsOf(env: unknown): Env['Bindings'] | undefined {
  return env as Env['Bindings'] | undefined
}

/** The form that brings a token cannot show one before. */
function isLogin({ method, path }: Visit): boolean {
  return method === 'POST' && path === '/login'
}

function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What the observatory says it cannot do. */
function failure(error: TsunagiError): Response {
  const statuses: Readonly<Record<string, number>> = {
    ERR_CLOSED: 503,
    ERR_LIMIT: 503,
    ERR_NOT_FOUND: 404,
    ERR_OBSERVE_REFUSED: 403,
    ERR_TIMEOUT: 504,
    ERR_UNSUPPORTED: 403,
  }
  const status = error instanceof OptionError ? 400 : (statuses[error.code] ?? 502)
  return errorAnswer(status, error.code, error.message)
}
