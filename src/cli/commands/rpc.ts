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

/** `tsunagi rpc`: what a function returns. */
export function rpcCommand(): Command {
  const command = new Command('rpc')
    .description('Call a function and print what it returns. Of a Tsunagi node, one it exposes.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<m:f>', 'module and function, such as lists:sum or Elixir.String:upcase')
    .argument('[args]', 'list of the arguments in Erlang syntax', '[]')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print the result as a line of JSON; what was returned is in it as Erlang text'))
    .action(lazily(async () => (await import('../rpc.ts')).rpc))
  return withExample(
    command,
    `tsunagi rpc app@127.0.0.1 lists:sum '[[1, 2, 3]]' --cookie secret`,
    `tsunagi rpc app@127.0.0.1 Elixir.String:upcase '[<<"hi">>]' --cookie secret`,
  )
}
