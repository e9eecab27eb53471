import { Command } from 'commander'
import { OptionError } from '../base/errors.ts'
import { isTuple, parse, print, type Term } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { cookieOption, epmdPortOption, jsonOption, timeoutOption, withExample } from './options.ts'
import { report } from './output.ts'

/** `tsunagi rpc`: what a function returns. */
export function rpcCommand(): Command {
  const command = new Command('rpc')
    .description('Call a function and print what it returns. Of a Tsunagi node, one it exposes.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<m:f>', 'module and function, such as lists:sum or Elixir.String:upcase')
    .argument('[args]', 'list of the arguments in Erlang syntax', '[]')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print the result as a line of JSON; what was returned is in it as Erlang text'))
    .action(rpc)
  return withExample(
    command,
    `tsunagi rpc app@127.0.0.1 lists:sum '[[1, 2, 3]]' --cookie secret`,
    `tsunagi rpc app@127.0.0.1 Elixir.String:upcase '[<<"hi">>]' --cookie secret`,
  )
}

async function rpc(target: string, name: string, list: string, options: GuestOptions): Promise<void> {
  const { module, fn } = functionOf(name)
  const args = argumentsOf(list)
  await withGuest(target, options, async (guest, node) => {
    const result = await guest.rpc(node, module, fn, args, { timeout: options.timeout })
    const width = process.stdout.columns ?? 80
    report(options, { node, module, function: fn, result: print(result) }, print(result, { indent: 2, width }))
  })
}

function functionOf(name: string): { readonly module: string; readonly fn: string } {
  const [, module, fn] = /^([^:]+):(.+)$/s.exec(name) ?? []
  if (module === undefined || fn === undefined) {
    throw new OptionError('m:f', name, 'module and function, such as lists:sum')
  }
  return { module, fn }
}

function argumentsOf(text: string): readonly Term[] {
  const args = parse(text)
  if (Array.isArray(args) && !isTuple(args)) return args
  throw new OptionError('args', text, `a list of arguments, such as '[1, two]'`)
}
