import { isIPv6 } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Logger, stderrLogger } from '../base/logger.ts'
import { epmdEnvironment } from '../epmd/environment.ts'
import type { LocalNode } from '../node/local-node.ts'
import type { ListenOptions, NodeOptions } from '../node/node-options.ts'
import { startNode } from '../tsunagi.ts'
import { type CommandCookie, commandCookie } from './cookie.ts'
import { aborted, onInterrupt } from './interrupt.ts'
import { cookieOption, epmdPortOption, integerArgument, jsonOption, withExample } from './options.ts'
import { columns, type OutputOptions, report } from './output.ts'

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

interface StartOptions extends OutputOptions {
  readonly name?: string
  readonly sname?: string
  readonly cookie?: string
  readonly connect?: string[]
  readonly visible?: boolean
  readonly listen?: ListenOptions
  readonly epmdPort?: number
  readonly epmd: boolean
  readonly deadline: number
  readonly repl?: boolean
  readonly logLevel?: (typeof LEVELS)[number]
}

/** `tsunagi start`: a node in the foreground. */
export function startCommand(): Command {
  const command = new Command('start')
    .description('Start a node in the foreground, until Ctrl-C.')
    .option('--name <name>', 'whole name of the node, such as app@127.0.0.1')
    .addOption(new Option('--sname <name>', 'short name, such as app (default: a random one)').conflicts('name'))
    .addOption(cookieOption())
    .option('--connect <node...>', 'nodes to stay connected to, with :port to do without EPMD')
    .option('--visible', 'take part in the cluster as a visible node')
    .addOption(new Option('--hidden', 'be connected without taking part (the default)').conflicts('visible'))
    .option('--listen <host:port>', 'where to listen (default: a free port at the host of the name)', listenArgument)
    .addOption(epmdPortOption())
    .addOption(new Option('--no-epmd', 'use no EPMD: peers need the port, --connect app@host:port'))
    .addOption(
      new Option('--deadline <ms>', 'how long calls under way may take at the end')
        .argParser(integerArgument(0, 86_400_000))
        .default(5000),
    )
    .option('--repl', 'read JavaScript from the terminal or from a pipe, with `node` and all exports in scope')
    .addOption(new Option('--log-level <level>', 'log on stderr as lines of JSON').choices(LEVELS))
    .addOption(jsonOption('print events as lines of JSON'))
    .action(start)
  return withExample(
    command,
    'tsunagi start --name a@127.0.0.1 --cookie secret --connect b@127.0.0.1',
    `echo 'node.name' | tsunagi start --name a@127.0.0.1 --cookie secret --repl`,
  )
}

async function start(options: StartOptions): Promise<void> {
  const interrupt = onInterrupt()
  const cookie = await commandCookie(options.cookie)
  const { logger } = await loggerFor(options)
  const node = await startNode({ ...nodeOptions(options), cookie: cookie.value, logger })
  try {
    // What a pipe evaluates is read by a program, which has no use for the banner.
    const quiet = options.repl === true && process.stdin.isTTY !== true
    if (!quiet) announce(node, options, cookie)
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

function nodeOptions({ name, sname, connect, visible, listen, epmd, epmdPort }: StartOptions): NodeOptions {
  return {
    ...(name === undefined ? {} : { name }),
    ...(sname === undefined ? {} : { sname }),
    ...(connect === undefined ? {} : { connectTo: connect }),
    ...(visible === undefined ? {} : { visible }),
    ...(listen === undefined ? {} : { listen }),
    ...(epmd ? { epmd: epmdPort === undefined ? {} : { port: epmdPort } } : { epmd: false as const }),
  }
}

/** A lost connection is told on stdout, with everybody's coming and going. */
const sentences: Logger = {
  ...stderrLogger,
  warn(data, message) {
    if (!('reason' in data)) stderrLogger.warn(data, message)
  },
}

/** Sentences for people, unless a level asks for lines of JSON. */
async function loggerFor({ logLevel }: StartOptions): Promise<{ readonly logger: Logger }> {
  if (logLevel === undefined) return { logger: sentences }
  const { destination, pino } = await import('pino')
  return { logger: pino({ level: logLevel, base: null }, destination({ dest: 2, sync: true })) }
}

/** Says what listens where, and from then on who comes and goes. */
function announce(node: LocalNode, options: StartOptions, cookie: CommandCookie): void {
  const nodeType = options.visible === true ? 'visible' : 'hidden'
  const epmdPort = options.epmd ? (options.epmdPort ?? epmdEnvironment().port) : undefined
  const { listening, name } = node
  const serves = node.servesEpmd ? 'served by this process on' : 'the one on'
  const rows = [
    ['node', `${name} (${nodeType})`],
    ['listens', listening === undefined ? 'no' : `${listening.host} port ${listening.port}`],
    ['EPMD', epmdPort === undefined ? 'none' : `${serves} port ${epmdPort}`],
    ['cookie', `from ${cookie.from}`],
  ]
  const epmd = epmdPort === undefined ? null : { port: epmdPort, served: node.servesEpmd }
  const data = { event: 'started', name, nodeType, listening: listening ?? null, epmd, cookie: cookie.source }
  report(options, data, columns(rows))
  node.on('nodeup', (peer, info) => {
    report(options, { event: 'nodeup', node: peer, nodeType: info.nodeType }, `+ ${peer} (${info.nodeType})`)
  })
  node.on('nodedown', (peer, { reason }) => {
    if (!node.closed) report(options, { event: 'nodedown', node: peer, reason }, `- ${peer} (${reason})`)
  })
}

/** `host`, `host:port` or `:port`; an IPv6 address with a port has brackets. */
function listenArgument(text: string): ListenOptions {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)|([^:]*:[^:]*:.*))(?::(\d{1,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[3] ?? parts?.[2]
  const port = parts?.[4] === undefined ? undefined : Number(parts[4])
  const address = parts?.[3] ?? parts?.[1]
  const wrong = parts === null || text === '' || (address !== undefined && !isIPv6(address))
  if (wrong || (port !== undefined && port > 65535)) {
    throw new InvalidArgumentError('It must be host:port, host or :port.')
  }
  return { ...(host ? { host } : {}), ...(port === undefined ? {} : { port }) }
}
