import { Command, Option } from 'commander'
import { jsonOption, lazily, portArgument, withExample } from './options.ts'

/** `tsunagi epmd`: an EPMD of its own in the foreground, as OTP's `epmd`. */
export function epmdCommand(): Command {
  const command = new Command('epmd')
    .description('Serve the port mapper in the foreground, until Ctrl-C or `epmd -kill`.')
    .option('--port <port>', 'where to listen (default: ERL_EPMD_PORT, else 4369)', portArgument)
    .addOption(
      new Option(
        '--address <address...>',
        'addresses to listen at beside loopback (default: ERL_EPMD_ADDRESS, else as the registered names need)',
      ),
    )
    .option('--relaxed', 'allow names to be stopped, and `epmd -kill` while there are names')
    .addOption(jsonOption('print events as lines of JSON'))
    .action(lazily(async () => (await import('../epmd.ts')).serve))
  return withExample(command, 'tsunagi epmd --port 4369')
}
