import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { isLoopbackHost } from '../../base/node-name.ts'
import type { Observatory } from '../observatory.ts'
import { refusal, secure } from './answers.ts'
import { Attempts } from './attempts.ts'
import { Credentials } from './credentials.ts'
import { DashboardApp, type NodeBindings } from './dashboard-app.ts'
import {
  type DashboardOptions,
  type MountOptions,
  type ResolvedMountOptions,
  resolveDashboardOptions,
  resolveMountOptions,
} from './dashboard-options.ts'
import { DashboardServer, type ServerLimits } from './dashboard-server.ts'
import { Feed } from './feed.ts'
import { Gate } from './gate.ts'
import type { DashboardNode } from './measured-node.ts'
import { Metrics } from './metrics.ts'
import { type Asset, loadPage } from './page.ts'
import { Refusals } from './refusals.ts'
import { Viewers } from './viewers.ts'

/** A dashboard within somebody else's server. */
export interface MountedDashboard extends AsyncDisposable {
  /** For `node:http`, Express, Connect, and Fastify's raw requests. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /**
   * For Hono: `app.all('/cluster/*', (c) => dashboard.fetch(c.req.raw, c.env))`. `bindings` is what `@hono/node-server` puts
   * into `c.env`, `{ incoming, outgoing }`: where a request came from, and how to end who never reads.
   */
  readonly fetch: (request: Request, bindings?: unknown) => Promise<Response>
  /** Ends its viewers' streams, and lets nobody in any more. Idempotent; the node does it when it closes. */
  close(): Promise<void>
}

/** A dashboard with a server of its own. */
export interface Dashboard extends AsyncDisposable {
  /** Where a browser on this machine finds it, without the token: `http://127.0.0.1:4040/`. */
  readonly url: string
  readonly address: { readonly host: string; readonly port: number }
  /** Idempotent; the node does it when it closes. */
  close(): Promise<void>
}

/** What a test sees to itself. */
export interface DashboardInternals {
  readonly page?: () => Promise<ReadonlyMap<string, Asset> | undefined>
  readonly server?: Partial<ServerLimits>
}

/**
 * A dashboard to be mounted in a server that is there.
 *
 * @throws OptionError
 */
export function mountDashboard(
  node: DashboardNode,
  observatory: Observatory,
  options: MountOptions,
  internals: DashboardInternals = {},
): MountedDashboard {
  const mounted = mount(node, observatory, resolveMountOptions(options), internals)
  const close = closedWith(node, mounted.close)
  return { ...mounted, close, [Symbol.asyncDispose]: close }
}

/**
 * Opens a dashboard's own server.
 *
 * @throws OptionError; TsunagiError `ERR_LISTEN` when the port is taken
 */
export async function openDashboard(
  node: DashboardNode,
  observatory: Observatory,
  options: DashboardOptions = {},
  internals: DashboardInternals = {},
): Promise<Dashboard> {
  const resolved = resolveDashboardOptions(options)
  const { port, viewers } = resolved
  const mounted = mount(node, observatory, { ...resolved, path: '', allowedHosts: hostsOf(resolved) }, internals)
  try {
    const server = await DashboardServer.listen(
      { host: resolved.host, port, viewers },
      mounted.handler,
      internals.server,
    )
    const close = closedWith(node, async () => {
      await mounted.close()
      await server.close()
    })
    const { address, url } = server
    warnOfClearText(node, address)
    return { address, url, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await mounted.close()
    throw error
  }
}

/** Its token, and all it shows, can be read by who sees the traffic. */
function warnOfClearText({ serviceHost: { logger } }: DashboardNode, { host, port }: Dashboard['address']): void {
  if (isLoopbackHost(host)) return
  const text = `the dashboard listens on ${host} port ${port} without TLS: who can see the traffic can read its token. Put a proxy with TLS in front, or keep it to a network you trust`
  logger.warn({ host, port }, text)
}

/** Closes something once, at the latest with the node: while that leaves, probes are still told so. */
function closedWith(node: DashboardNode, close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined
  const once = (): Promise<void> => {
    forget()
    closed ??= close()
    return closed
  }
  const forget = node.serviceHost.closeFirst(once)
  return once
}

/** A name it is bound to is one of its names. */
function hostsOf({ allowedHosts, host }: { readonly allowedHosts: ReadonlySet<string>; readonly host: string }) {
  return new Set([...allowedHosts, host.toLowerCase()])
}

function mount(
  node: DashboardNode,
  observatory: Observatory,
  options: ResolvedMountOptions,
  internals: DashboardInternals,
): Omit<MountedDashboard, typeof Symbol.asyncDispose> {
  const { clock, logger } = node.serviceHost
  const { processMetrics, readyNodes, token } = options
  const refusals = new Refusals(clock, logger)
  const viewers = new Viewers(options.viewers, clock, logger)
  const metrics = new Metrics({ node, observatory, processMetrics, readyNodes, refusals, viewers })
  const credentials = token === undefined ? undefined : new Credentials(token, node.name)
  let page: ReturnType<typeof loadPage> | undefined
  const app = new DashboardApp({
    node,
    observatory,
    options,
    gate: new Gate(options, credentials, new Attempts(clock, logger), refusals),
    refusals,
    viewers,
    feed: new Feed(observatory, viewers),
    logger,
    page: internals.page ?? (() => (page ??= loadPage())),
    metrics: () => metrics.answer(),
  })
  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings as NodeBindings), {
    // A library leaves the globals of its host alone.
    overrideGlobalObjects: false,
    // What cannot be made a Request: no host, no path.
    errorHandler: () => secure(refusal('bad_request', 'that is no request')),
  })
  return {
    handler: (request, response) => void listener(request, response),
    fetch: (request, bindings) => app.fetch(request, (bindings ?? {}) as NodeBindings),
    close: async () => {
      viewers.close()
      metrics.close()
    },
  }
}
