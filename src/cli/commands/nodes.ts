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

/** `tsunagi nodes`: whom a node is connected to. */
export function nodesCommand(): Command {
  const command = new Command('nodes')
    .description('List the nodes a node is connected to, visible and hidden ones.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../nodes.ts')).nodes))
  return withExample(command, 'tsunagi nodes app@127.0.0.1 --cookie secret')
}
