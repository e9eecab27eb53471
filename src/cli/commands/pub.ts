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

/** `tsunagi pub`: a message for the subscribers of a topic. */
export function pubCommand(): Command {
  const command = new Command('pub')
    .description('Broadcast a message to the subscribers of a topic, on a node and on those it is connected to.')
    .argument('<node>', 'name of a node, with :port to do without EPMD')
    .argument('<pubsub>', 'name of the pub/sub, as Phoenix has it: MyApp.PubSub')
    .argument('<topic>', 'the topic')
    .argument('<term>', 'the message in Erlang syntax')
    .option('--only', 'to the subscribers of this node, not to those of others')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../pub.ts')).pub))
  return withExample(command, `tsunagi pub app@127.0.0.1 MyApp.PubSub sensors '{temperature, 21.5}' --cookie secret`)
}
