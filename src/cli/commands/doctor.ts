import { Command } from 'commander'
import {
  cookieOption,
  epmdPortOption,
  jsonOption,
  lazily,
  sslDistOptfileOption,
  timeoutOption,
  withExample,
} from './options.ts'

/** `tsunagi doctor`: why a node cannot be connected to, and what to do. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Find out why a node cannot be connected to, and what to do. Exits with 1 when something is wrong.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .option('--as <name>', 'dial under this name, which no running node has (default: a random one)')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(30_000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../doctor.ts')).doctor))
  return withExample(command, 'tsunagi doctor app@127.0.0.1 --cookie secret')
}
