import { printable } from '../base/terminal-text.ts'
import { print } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { onInterrupt } from './interrupt.ts'
import { report } from './output.ts'

interface SubOptions extends GuestOptions {
  readonly pattern?: boolean
  readonly count?: number
}

/** Prints messages until there were enough. */
export async function sub(target: string, name: string, topic: string, options: SubOptions): Promise<void> {
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
        const text = pattern ? `${printable(delivery.topic)} ${message}` : message
        report(options, { topic: delivery.topic, node: delivery.node, message }, text)
        if (++heard === count) break
      }
      if (messages.dropped > 0) process.stderr.write(`${messages.dropped} messages were lost: the output is too slow\n`)
    },
    { mesh: true },
  ).finally(interrupt.release)
}
