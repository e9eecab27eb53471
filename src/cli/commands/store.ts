import { Command, Option } from 'commander'
import {
  cookieOption,
  epmdPortOption,
  integerArgument,
  jsonOption,
  lazily,
  sslDistOptfileOption,
  timeoutOption,
  withExample,
} from './options.ts'

const lifetime = integerArgument(0, Number.MAX_SAFE_INTEGER)

/** `tsunagi store`: the values and functions of a node's store. */
export function storeCommand(): Command {
  const store = new Command('store')
    .description('Read, write and watch the store of a Tsunagi node.')
    .helpCommand(false)
  for (const command of [get(), put(), remove(), keys(), watch(), call()]) store.addCommand(command)
  return withExample(
    store,
    `tsunagi store put app@127.0.0.1 hello '<<"world">>' --cookie secret`,
    'tsunagi store watch app@127.0.0.1 --cookie secret',
  )
}

function get(): Command {
  return subcommand('get', 'Print a value. Fails when there is none.', 'hello')
    .argument('<key>', 'the key')
    .action(lazily(async () => (await import('../store.ts')).get))
}

function put(): Command {
  return subcommand('put', 'Write a value. Prints its version.', `hello '<<"world">>' --ttl 60000`)
    .argument('<key>', 'the key')
    .argument('<term>', 'the value in Erlang syntax')
    .addOption(new Option('--ttl <ms>', 'how long it is fresh (default: as the store says)').argParser(lifetime))
    .option('--expected <version>', "only if the key has this version, or 'absent': only if it has no value")
    .action(lazily(async () => (await import('../store.ts')).put))
}

function remove(): Command {
  return subcommand('delete', 'Take a value away. Fails when there is none.', 'hello')
    .argument('<key>', 'the key')
    .action(lazily(async () => (await import('../store.ts')).remove))
}

function keys(): Command {
  return subcommand('keys', 'Print the keys, a line each.', 'user.')
    .argument('[prefix]', 'only those that begin so', '')
    .action(lazily(async () => (await import('../store.ts')).keys))
}

function watch(): Command {
  return subcommand('watch', 'Print what is there and then each change, until Ctrl-C.', '--prefix user.')
    .argument('[key]', 'the key; without it, all keys')
    .addOption(new Option('--prefix <prefix>', 'all keys that begin so'))
    .option('--once', 'end when everything that is there was printed')
    .action(lazily(async () => (await import('../store.ts')).watch))
}

function call(): Command {
  return subcommand('call', 'Run a function that is defined in the store, on the node.', `sum '[1, 4]'`)
    .argument('<name>', 'name of the function')
    .argument('[args]', 'list of the arguments in Erlang syntax', '[]')
    .action(lazily(async () => (await import('../store.ts')).call))
}

/** What all of them have. */
function subcommand(name: string, description: string, example: string): Command {
  const command = new Command(name)
    .description(description)
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .addOption(new Option('--store <name>', 'name of the store').default('tsunagi_store'))
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(sslDistOptfileOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print lines of JSON; values are in them as Erlang text'))
  return withExample(command, `tsunagi store ${name} app@127.0.0.1 ${example} --cookie secret`)
}
