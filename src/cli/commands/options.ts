import { type Command, InvalidArgumentError, Option } from 'commander'

/** A whole number in a range, for commander. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

export const portArgument = integerArgument(1, 65535)

export function epmdPortOption(): Option {
  return new Option('--epmd-port <port>', 'port of EPMDs (default: ERL_EPMD_PORT, else 4369)').argParser(portArgument)
}

export function cookieOption(): Option {
  return new Option('--cookie <cookie>', 'the shared secret (default: TSUNAGI_COOKIE, else ~/.erlang.cookie)')
}

export function sslDistOptfileOption(): Option {
  const what = 'options for TLS, as of erl -ssl_dist_optfile (default: TSUNAGI_SSL_DIST_OPTFILE, else none)'
  return new Option('--ssl-dist-optfile <file>', what)
}

export function timeoutOption(ms: number): Option {
  return new Option('--timeout <ms>', 'how long to wait').argParser(integerArgument(1, 86_400_000)).default(ms)
}

export function jsonOption(what = 'print the result as a line of JSON'): Option {
  return new Option('--json', what)
}

/** Adds an example to a command's help. */
export function withExample(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** What a command does, from a module that is loaded when it is to be done: the help of all commands needs none of them. */
export function lazily<Args extends unknown[]>(
  load: () => Promise<(...args: Args) => Promise<void>>,
): (...args: Args) => Promise<void> {
  return async (...args) => await (await load())(...args)
}
