import { Command } from 'commander'
import { parse, print } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { cookieOption, epmdPortOption, jsonOption, timeoutOption, withExample } from './options.ts'
import { report } from './output.ts'

/** `tsunagi call`: what a GenServer replies. */
export function callCommand(): Command {
  const command = new Command('call')
    .description('Call a GenServer and print its reply.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<name>', 'registered name of the server, such as Elixir.PingPong')
    .argument('<term>', 'the request in Erlang syntax')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print the result as a line of JSON; the reply is in it as Erlang text'))
    .action(call)
  return withExample(command, `tsunagi call app@127.0.0.1 counter '{add, 2}' --cookie secret`)
}

async function call(target: string, name: string, term: string, options: GuestOptions): Promise<void> {
  const request = parse(term)
  await withGuest(target, options, async (guest, node) => {
    const reply = await guest.call({ name, node }, request, { timeout: options.timeout })
    const width = process.stdout.columns ?? 80
    report(options, { node, name, reply: print(reply) }, print(reply, { indent: 2, width }))
  })
}
