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

/** `tsunagi call`: what a GenServer replies. */
export function callCommand(): Command {
  const command = new Command('call')
    .description('Call a GenServer and print its reply.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<name>', 'registered name of the server, such as Elixir.PingPong')
    .argument('<term>', 'the request in Erlang syntax')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print the result as a line of JSON; the reply is in it as Erlang text'))
    .action(lazily(async () => (await import('../call.ts')).call))
  return withExample(command, `tsunagi call app@127.0.0.1 counter '{add, 2}' --cookie secret`)
}
