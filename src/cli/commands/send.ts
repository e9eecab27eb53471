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

/** `tsunagi send`: a message to a registered process. */
export function sendCommand(): Command {
  const command = new Command('send')
    .description('Send a message to a registered process. Fails when nobody has the name.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<name>', 'registered name of the process')
    .argument('<term>', 'the message in Erlang syntax')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../send.ts')).send))
  return withExample(command, `tsunagi send app@127.0.0.1 inbox '{temperature, 42}' --cookie secret`)
}
