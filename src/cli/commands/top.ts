import { Command, Option } from 'commander'
import { SORTS } from '../top/sorts.ts'
import {
  cookieOption,
  epmdPortOption,
  integerArgument,
  jsonOption,
  lazily,
  sslDistOptfileOption,
  timeoutOption,
  withExample,
} from './options.ts'

/** `tsunagi top`: the links of a node, as they are now. */
export function topCommand(): Command {
  const command = new Command('top')
    .description('Watch the links of a node: state, round trips, traffic, queues, reconnects, errors. Ends with q.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .option('--all', 'the links of all nodes it knows, too')
    .addOption(
      new Option('--interval <ms>', 'from one look to the next')
        .argParser(integerArgument(200, 3_600_000))
        .default(2000),
    )
    .addOption(new Option('--sort <column>', 'what comes first').choices(SORTS).default('node'))
    .option('--once', 'print one table and end')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print a line of JSON for each look'))
    .action(lazily(async () => (await import('../top.ts')).top))
  return withExample(command, 'tsunagi top app@127.0.0.1 --cookie secret', 'tsunagi top app@127.0.0.1 --once --json')
}
