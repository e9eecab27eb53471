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

/** `tsunagi ping`: whether a node can be reached and accepts us, as `net_adm:ping/1`; and if not, why. */
export function pingCommand(): Command {
  const command = new Command('ping')
    .description('Ask a node whether it accepts us. Prints pong, or pang and why, with exit code 1.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(lazily(async () => (await import('../ping.ts')).ping))
  return withExample(command, 'tsunagi ping app@127.0.0.1 --cookie secret')
}
