import { Command } from 'commander'
import { print } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { onInterrupt } from './interrupt.ts'
import { cookieOption, epmdPortOption, integerArgument, jsonOption, timeoutOption, withExample } from './options.ts'
import { report } from './output.ts'

interface SubOptions extends GuestOptions {
  readonly pattern?: boolean
  readonly count?: number
}

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
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print each message as a line of JSON; the message is in it as Erlang text'))
    .action(sub)
  return withExample(
    command,
    'tsunagi sub app@127.0.0.1 MyApp.PubSub sensors --cookie secret',
    `tsunagi sub app@127.0.0.1 MyApp.PubSub 'sensor:*' --pattern --json`,
  )
}

async function sub(target: string, name: string, topic: string, options: SubOptions): Promise<void> {
  const { pattern = false, count = Number.POSITIVE_INFINITY } = options
  const interrupt = onInterrupt()
  await withGuest(
    target,
    options,
    async (guest) => {
      const pubsub = guest.pubsub(name)
      // Beside the messages, so that those can go on through a pipe.
      pubsub.on('nodeup', (node) => process.stderr.write(`+ ${node}\n`))
      pubsub.on('nodedown', (node) => process.stderr.write(`- ${node}\n`))
      for (const node of pubsub.nodes()) process.stderr.write(`+ ${node}\n`)
      const messages = pubsub.subscribe(topic, { pattern, signal: interrupt.signal, capacity: 100_000 })
      let heard = 0
      for await (const delivery of messages.deliveries()) {
        const message = print(delivery.message)
        const text = pattern ? `${delivery.topic} ${message}` : message
        report(options, { topic: delivery.topic, node: delivery.node, message }, text)
        if (++heard === count) break
      }
      if (messages.dropped > 0) process.stderr.write(`${messages.dropped} messages were lost: the output is too slow\n`)
    },
    { mesh: true },
  ).finally(interrupt.release)
}
