import { Command, InvalidArgumentError, Option } from 'commander'
import { parseListenAddress } from '../../config/listen-address.ts'
import type { ListenOptions } from '../../node/node-options.ts'
import {
  cookieOption,
  epmdPortOption,
  integerArgument,
  jsonOption,
  lazily,
  sslDistOptfileOption,
  withExample,
} from './options.ts'

/** From the most to the least. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** `tsunagi start`: a node in the foreground. */
export function startCommand(): Command {
  const command = new Command('start')
    .description('Start a node in the foreground, until Ctrl-C.')
    .option(
      '--config <file>',
      'options of the node (default: TSUNAGI_CONFIG, else ./tsunagi.config.js, .mjs, .ts or .json)',
    )
    .option('--name <name>', 'whole name of the node, such as app@127.0.0.1')
    .addOption(new Option('--sname <name>', 'short name, such as app (default: a random one)').conflicts('name'))
    .addOption(cookieOption())
    .option('--connect <node...>', 'nodes to stay connected to, with :port to do without EPMD')
    .option('--visible', 'take part in the cluster as a visible node')
    .addOption(new Option('--hidden', 'be connected without taking part (the default)').conflicts('visible'))
    .option('--listen <host:port>', 'where to listen (default: a free port at the host of the name)', listenArgument)
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(new Option('--no-epmd', 'use no EPMD: peers need the port, --connect app@host:port'))
    .option(
      '--dashboard [port]',
      'show the cluster in a browser: at a port of loopback (default: a free one), or at host:port with a token',
      dashboardArgument,
    )
    .option(
      '--dashboard-token <token>',
      'what viewers of the dashboard have to know (default: TSUNAGI_DASHBOARD_TOKEN, else none)',
    )
    .addOption(
      new Option('--deadline <ms>', 'how long calls under way may take at the end')
        .argParser(integerArgument(0, 86_400_000))
        .default(5000),
    )
    .option('--repl', 'read JavaScript from the terminal or from a pipe, with `node` and all exports in scope')
    .addOption(
      new Option('--log-level <level>', 'log on stderr: sentences on a terminal, else lines of JSON').choices(
        LOG_LEVELS,
      ),
    )
    .addOption(jsonOption('print events as lines of JSON'))
    .action(lazily(async () => (await import('../start.ts')).start))
  return withExample(
    command,
    'tsunagi start --name a@127.0.0.1 --cookie secret --connect b@127.0.0.1 --dashboard',
    `echo 'node.name' | tsunagi start --name a@127.0.0.1 --cookie secret --repl`,
  )
}

/** For commander. */
function listenArgument(text: string): ListenOptions {
  const address = parseListenAddress(text)
  if (address === undefined) throw new InvalidArgumentError('It must be host:port, host or :port.')
  return address
}

/** Where a dashboard is to be. */
export interface DashboardAddress {
  readonly host?: string
  readonly port: number
}

function dashboardArgument(text: string): DashboardAddress {
  const { host, port } = parseListenAddress(/^\d+$/.test(text) ? `:${text}` : text) ?? {}
  if (typeof port !== 'number') throw new InvalidArgumentError('It must be a port or host:port.')
  return { ...(host === undefined ? {} : { host }), port }
}
