import { Argument, Command } from 'commander'
import { jsonOption, lazily, withExample } from './options.ts'

/** The demos there are. */
export const DEMOS = ['cluster', 'store'] as const

/** `tsunagi demo`: a cluster that heals itself, or one that shares values, with each step explained. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Show a cluster of three processes at work, one of which is killed and heals, until Ctrl-C.')
    .addArgument(new Argument('[what]', 'which demo').choices(DEMOS).default('cluster'))
    .option('--once', 'tell the story and end, the dashboard with it')
    .option('--no-open', 'do not open the dashboard in a browser')
    .addOption(jsonOption('print the steps as lines of JSON'))
    .action(lazily(async () => (await import('../demo.ts')).demo))
  return withExample(command, 'tsunagi demo', 'tsunagi demo store')
}
