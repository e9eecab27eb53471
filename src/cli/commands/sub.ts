import { Command } from 'commander'
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

/** `tsunagi sub`: what is broadcast to a topic. */
export function subCommand(): Command {
  const command = new Command('sub')
    .description('Print what is broadcast to a topic, from a node and those it knows, until Ctrl-C.')
    .argument('<node>', 'name of a node, with :port to do without EPMD')
    .argument('<pubsub>', 'name of the pub/sub, as Phoenix has it: MyApp.PubSub')
    .argument('<topic>', 'the topic')
    .option('--pattern', 'the topic is a pattern: * stands for any characters')
    .option('--count <n>', 'exit after so many messages', integerArgument(1, 2 ** 31))
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print each message as a line of JSON; the message is in it as Erlang text'))
    .action(lazily(async () => (await import('../sub.ts')).sub))
  return withExample(
    command,
    'tsunagi sub app@127.0.0.1 MyApp.PubSub sensors --cookie secret',
    `tsunagi sub app@127.0.0.1 MyApp.PubSub 'sensor:*' --pattern --json`,
  )
}
