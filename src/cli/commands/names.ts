import { Command } from 'commander'
import { jsonOption, lazily, portArgument, timeoutOption, withExample } from './options.ts'

/** `tsunagi names`: what `epmd -names` tells, of any host. */
export function namesCommand(): Command {
  const command = new Command('names')
    .description('List the nodes an EPMD knows, with their ports.')
    .argument('[host]', 'host of the EPMD', '127.0.0.1')
    .option('--port <port>', 'port of the EPMD (default: ERL_EPMD_PORT, else 4369)', portArgument)
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../names.ts')).names))
  return withExample(command, 'tsunagi names 127.0.0.1 --port 4369')
}
