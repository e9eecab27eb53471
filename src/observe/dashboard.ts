import { type ObservatoryOptions, openObservatory } from './cluster-observatory.ts'
import type { Dashboard, MountedDashboard } from './http/dashboard.ts'
import {
  type DashboardAccess,
  type DashboardOptions,
  type MountOptions,
  resolveDashboardOptions,
  resolveMountOptions,
} from './http/dashboard-options.ts'
import type { Observatory } from './observatory.ts'
import type { ObservedNode } from './report/observed-node.ts'

/**
 * Opens a dashboard of the whole cluster with a server of its own, as `startNode({ dashboard })` does. It closes with the
 * node.
 *
 * @throws OptionError; TsunagiError `ERR_LISTEN` when the port is taken
 * @example
 * const dashboard = await openDashboard(node, { port: 4040 })
 * console.log(dashboard.url)
 */
export async function openDashboard(node: ObservedNode, options: DashboardOptions = {}): Promise<Dashboard> {
  resolveDashboardOptions(options, '')
  const server = await import('./http/dashboard.ts')
  const observatory = openObservatory(node, shown(options))
  try {
    const dashboard = await server.openDashboard(node, observatory, options)
    return { ...dashboard, ...closing(dashboard, observatory) }
  } catch (error) {
    await observatory.close()
    throw error
  }
}

/**
 * A dashboard to be mounted in a server that is there: `node:http`, Express, Fastify, Hono. It closes with the node. `token`
 * has to be said: a token, or `false` where the application lets nobody through whom it does not know.
 *
 * @throws OptionError
 * @example
 * const dashboard = await mountDashboard(node, { path: '/cluster', token: process.env.DASHBOARD_TOKEN })
 * app.use(dashboard.handler)
 */
export async function mountDashboard(node: ObservedNode, options: MountOptions): Promise<MountedDashboard> {
  resolveMountOptions(options)
  const server = await import('./http/dashboard.ts')
  const observatory = openObservatory(node, shown(options))
  try {
    const mounted = server.mountDashboard(node, observatory, options)
    return { ...mounted, ...closing(mounted, observatory) }
  } catch (error) {
    await observatory.close()
    throw error
  }
}

function shown({ actions, tail }: Pick<DashboardAccess, 'actions' | 'tail'>): ObservatoryOptions {
  return { ...(actions === undefined ? {} : { actions }), ...(tail === undefined ? {} : { tail }) }
}

/** What looks for a dashboard ends with it. */
function closing(dashboard: { close(): Promise<void> }, observatory: Observatory) {
  const close = async (): Promise<void> => {
    await dashboard.close()
    await observatory.close()
  }
  return { close, [Symbol.asyncDispose]: close }
}
