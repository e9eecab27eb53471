import { OptionError } from '../base/errors.ts'
import { type Logger, stderrLogger } from '../base/logger.ts'
import { isLoopbackHost } from '../base/node-name.ts'
import { type Config, loadConfig } from '../config/index.ts'
import { epmdEnvironment } from '../epmd/environment.ts'
import type { ListenOptions } from '../node/node-options.ts'
import { type StartOptions as NodeStartOptions, startNode, type TsunagiNode } from '../tsunagi.ts'
import type { DashboardAddress, LOG_LEVELS } from './commands/start.ts'
import { type CommandCookie, commandCookie } from './cookie.ts'
import { aborted, onInterrupt } from './interrupt.ts'
import { columns, type OutputOptions, report } from './output.ts'

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130

interface StartOptions extends OutputOptions {
  readonly config?: string
  readonly name?: string
  readonly sname?: string
  readonly cookie?: string
  readonly connect?: string[]
  readonly visible?: boolean
  readonly hidden?: boolean
  readonly listen?: ListenOptions
  readonly epmdPort?: number
  readonly sslDistOptfile?: string
  readonly epmd: boolean
  readonly deadline: number
  readonly repl?: boolean
  readonly dashboard?: DashboardAddress | true
  readonly dashboardToken?: string
  readonly logLevel?: (typeof LOG_LEVELS)[number]
}

/** Where settings came from, to be told. */
interface Sources {
  readonly rows: readonly (readonly string[])[]
  readonly data: object
}

export /** Starts a node and runs it until it is asked to end. */
async function start(options: StartOptions): Promise<void> {
  const interrupt = onInterrupt()
  const { config: file, sslDistOptfile } = options
  const config = await loadConfig({
    ...(file === undefined ? {} : { file }),
    ...(sslDistOptfile === undefined ? {} : { sslDistOptfile }),
  })
  const cookie = await cookieFor(options, config)
  const logger = await loggerFor(options)
  for (const parameter of config.ignored) {
    // Those of an option file for TLS come with its path.
    const where = parameter.includes(': ') ? '' : `${config.file}: `
    logger.warn({ parameter }, `${where}${parameter} has no effect here`)
  }
  const nodeOptions = { logger, ...withArguments(config.options, options), cookie: cookie.value }
  const starting = startNode(options.logLevel === undefined ? nodeOptions : { ...nodeOptions, logger })
  const node = await Promise.race([starting, aborted(interrupt.signal)])
  // It may wait for others (syncNodes) for ever, and nothing of it is up that could be left in good order.
  if (node === undefined) process.exit(INTERRUPTED)
  try {
    // What a pipe evaluates is read by a program, which has no use for the banner.
    const quiet = options.repl === true && process.stdin.isTTY !== true
    if (!quiet) announce(node, options, nodeOptions, rowsOf(config, cookie))
    if (options.repl === true) {
      const { runRepl } = await import('./repl.ts')
      if (await runRepl(node, interrupt.signal)) process.exitCode = 1
    } else {
      await aborted(interrupt.signal)
    }
  } finally {
    interrupt.release()
    await node.leave({ deadline: options.deadline })
  }
}

/** What `--config` and the environment say, and arguments say otherwise. */
function withArguments(config: NodeStartOptions, given: StartOptions): NodeStartOptions {
  const { name, sname, connect, visible, hidden, listen, epmd, epmdPort } = given
  const { name: _, sname: __, ...unnamed } = config
  const epmdOptions = typeof config.epmd === 'object' ? config.epmd : {}
  return {
    ...(name === undefined && sname === undefined ? config : unnamed),
    ...(name === undefined ? {} : { name }),
    ...(sname === undefined ? {} : { sname }),
    ...(connect === undefined ? {} : { connectTo: connect }),
    ...(visible === undefined ? {} : { visible }),
    ...(hidden === undefined ? {} : { visible: false }),
    ...(listen === undefined ? {} : { listen }),
    ...(epmdPort === undefined ? {} : { epmd: { ...epmdOptions, port: epmdPort } }),
    ...(epmd ? {} : { epmd: false as const }),
    ...dashboardFrom(config, given),
  }
}

/** `--dashboard` and its token, else what is configured; a token may also be in the environment, where others cannot read it. */
function dashboardFrom(
  { dashboard: configured }: NodeStartOptions,
  { dashboard, dashboardToken }: StartOptions,
): Pick<NodeStartOptions, 'dashboard'> {
  const token = dashboardToken ?? (process.env.TSUNAGI_DASHBOARD_TOKEN || undefined)
  if (dashboard === undefined && configured === undefined) {
    if (dashboardToken === undefined) return {}
    throw new OptionError('--dashboard-token', undefined, '', '--dashboard-token: expected with --dashboard')
  }
  return {
    dashboard: {
      ...configured,
      ...(dashboard === undefined || dashboard === true ? {} : dashboard),
      ...(token === undefined ? {} : { token }),
    },
  }
}

async function cookieFor(given: StartOptions, { file, options }: Config): Promise<CommandCookie> {
  const configured = given.cookie === undefined && !process.env.TSUNAGI_COOKIE && options.cookie !== undefined
  if (configured) return { value: options.cookie as string, source: 'option', from: file as string }
  return await commandCookie(given.cookie)
}

function rowsOf({ file }: Config, { from, source }: CommandCookie): Sources {
  const rows = [['cookie', `from ${from}`], ...(file === undefined ? [] : [['config', file]])]
  return { rows, data: { cookie: source, ...(file === undefined ? {} : { config: file }) } }
}

/** A lost connection is told on stdout, with everybody's coming and going. */
const sentences: Logger = {
  ...stderrLogger,
  warn(data, message) {
    if (!('reason' in data)) stderrLogger.warn(data, message)
  },
}

/** Sentences for people, unless a level asks for a log. */
async function loggerFor({ logLevel }: StartOptions): Promise<Logger> {
  if (logLevel === undefined) return sentences
  const { loggerFrom } = await import('./log.ts')
  return loggerFrom(logLevel)
}

/** Its address, and the socket where others reach it. */
function dashboardOf({ url, address: { host, port } }: NonNullable<TsunagiNode['dashboard']>): string {
  return isLoopbackHost(host) ? url : `${url} (${host} port ${port}, no TLS)`
}

/** Says what listens where, and from then on who comes and goes. */
function announce(
  node: TsunagiNode,
  options: StartOptions,
  { epmd: used, visible }: NodeStartOptions,
  from: Sources,
): void {
  const nodeType = visible === true ? 'visible' : 'hidden'
  const epmdPort = used === false ? undefined : (used?.port ?? epmdEnvironment().port)
  const { listening, name } = node
  const serves = node.servesEpmd ? 'served by this process on' : 'the one on'
  const topologies = node.topologies().map((it) => ({ name: it.name, strategy: it.schedule.strategy }))
  const rows = [
    ['node', `${name} (${nodeType})`],
    [
      'listens',
      listening === undefined ? 'no' : `${listening.host} port ${listening.port}${node.secure ? ', TLS' : ''}`,
    ],
    ['EPMD', epmdPort === undefined ? 'none' : `${serves} port ${epmdPort}`],
    ...(node.dashboard === undefined ? [] : [['dashboard', dashboardOf(node.dashboard)]]),
    ...(topologies.length === 0
      ? []
      : [['topologies', topologies.map(({ name, strategy }) => `${name} (${strategy})`).join(', ')]]),
    ...from.rows,
  ]
  const epmd = epmdPort === undefined ? null : { port: epmdPort, served: node.servesEpmd }
  const shows = node.dashboard === undefined ? {} : { dashboard: node.dashboard.url }
  const finds = topologies.length === 0 ? {} : { topologies }
  const where = { listening: listening ?? null, tls: node.secure, epmd, ...shows, ...finds }
  const data = { event: 'started', name, nodeType, ...where, ...from.data }
  report(options, data, columns(rows))
  node.on('nodeup', (peer, info) => {
    report(options, { event: 'nodeup', node: peer, nodeType: info.nodeType }, `+ ${peer} (${info.nodeType})`)
  })
  node.on('nodedown', (peer, { reason }) => {
    if (!node.closed) report(options, { event: 'nodedown', node: peer, reason }, `- ${peer} (${reason})`)
  })
}
