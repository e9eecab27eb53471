import { Command, Option } from 'commander'
import { type ErrorCode, TsunagiError } from '../base/errors.ts'
import type { Process } from '../process/process.ts'
import { atom, isAtom, isTuple, parse, print, type Term, tuple } from '../term/index.ts'
import { isList } from '../term/tuple.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { inProcess } from './in-process.ts'
import { onInterrupt } from './interrupt.ts'
import { cookieOption, epmdPortOption, integerArgument, jsonOption, timeoutOption, withExample } from './options.ts'
import { report } from './output.ts'

interface StoreOptions extends GuestOptions {
  /** The store's name. */
  readonly store: string
}

const OK = atom('ok')
const ERROR = atom('error')
const SYNCED = atom('synced')
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
  const command = subcommand('get', 'Print a value. Fails when there is none.', 'hello').argument('<key>', 'the key')
  return command.action((target: string, key: string, options: StoreOptions) =>
    visit(target, options, async (ask, node) => {
      const answer = await ask(tuple(atom('entry'), key))
      if (answer === ERROR) throw new TsunagiError('ERR_NO_VALUE', `${key} has no value in ${options.store} on ${node}`)
      const [, value, version] = answer as readonly Term[]
      report(options, { node, key, value: print(value), version }, pretty(value))
    }),
  )
}

function put(): Command {
  const command = subcommand('put', 'Write a value. Prints its version.', `hello '<<"world">>' --ttl 60000`)
    .argument('<key>', 'the key')
    .argument('<term>', 'the value in Erlang syntax')
    .addOption(new Option('--ttl <ms>', 'how long it is fresh (default: as the store says)').argParser(lifetime))
    .option('--expected <version>', "only if the key has this version, or 'absent': only if it has no value")
  type PutOptions = StoreOptions & { readonly ttl?: number; readonly expected?: string }
  return command.action((target: string, key: string, term: string, options: PutOptions) => {
    const { expected, ttl } = options
    const pairs = [
      ...(ttl === undefined ? [] : [tuple(atom('ttl'), ttl)]),
      ...(expected === undefined ? [] : [tuple(atom('expected'), expected === 'absent' ? atom('absent') : expected)]),
    ]
    const request = tuple(atom('put'), key, parse(term), pairs)
    return visit(target, options, async (ask, node) => {
      const version = okOf(await ask(request))
      report(options, { node, key, version }, String(version))
    })
  })
}

function remove(): Command {
  const command = subcommand('delete', 'Take a value away. Fails when there is none.', 'hello').argument(
    '<key>',
    'the key',
  )
  return command.action((target: string, key: string, options: StoreOptions) =>
    visit(target, options, async (ask, node) => {
      const there = okOf(await ask(tuple(atom('delete'), key)))
      if (there !== true) throw new TsunagiError('ERR_NO_VALUE', `${key} has no value in ${options.store} on ${node}`)
      report(options, { node, key, deleted: true }, `deleted ${key}`)
    }),
  )
}

function keys(): Command {
  const command = subcommand('keys', 'Print the keys, a line each.', 'user.').argument(
    '[prefix]',
    'only those that begin so',
    '',
  )
  return command.action((target: string, prefix: string, options: StoreOptions) =>
    visit(target, options, async (ask, node) => {
      const all = (okOf(await ask(tuple(atom('keys'), prefix))) as readonly string[]).toSorted()
      if (options.json === true) report(options, { node, keys: all }, '')
      else for (const key of all) report(options, {}, key)
    }),
  )
}

function call(): Command {
  const command = subcommand('call', 'Run a function that is defined in the store, on the node.', `sum '[1, 4]'`)
    .argument('<name>', 'name of the function')
    .argument('[args]', 'list of the arguments in Erlang syntax', '[]')
  return command.action((target: string, name: string, list: string, options: StoreOptions) => {
    const args = parse(list)
    if (!isList(args)) throw new TsunagiError('ERR_PARSE', `args: expected a list of arguments, such as '[1, two]'`)
    return visit(target, options, async (ask, node) => {
      const result = okOf(await ask(tuple(atom('call'), name, args)))
      report(options, { node, function: name, result: print(result) }, pretty(result))
    })
  })
}

function watch(): Command {
  const command = subcommand('watch', 'Print what is there and then each change, until Ctrl-C.', '--prefix user.')
    .argument('[key]', 'the key; without it, all keys')
    .addOption(new Option('--prefix <prefix>', 'all keys that begin so'))
    .option('--once', 'end when everything that is there was printed')
  type WatchOptions = StoreOptions & { readonly prefix?: string; readonly once?: boolean }
  return command.action((target: string, key: string | undefined, options: WatchOptions) => {
    const scope = key ?? (options.prefix === undefined ? undefined : tuple(atom('prefix'), options.prefix))
    const request = scope === undefined ? atom('watch') : tuple(atom('watch'), scope)
    return withGuest(target, options, (guest, node) => inProcess(guest, (self) => follow(self, node, request, options)))
  })
}

async function follow(
  self: Process,
  node: string,
  request: Term,
  options: StoreOptions & { readonly once?: boolean },
): Promise<void> {
  const interrupt = onInterrupt()
  try {
    const { timeout } = options
    const watcher = okOf(await self.call({ name: options.store, node }, request, { timeout }))
    self.monitor(watcher as never)
    for (;;) {
      const message = (await self.receive(undefined, { signal: interrupt.signal })) as readonly Term[]
      if (message[0] === atom('DOWN')) {
        throw new TsunagiError('ERR_CLOSED', `the store ${options.store} on ${node} is closed, or out of reach`)
      }
      const event = message[2]
      if (event !== SYNCED) printEvent(event as readonly Term[], options)
      else if (options.once === true) return
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
  } finally {
    interrupt.release()
  }
}

function printEvent([type, key, ...rest]: readonly Term[], options: StoreOptions): void {
  if (type === atom('delete')) {
    report(options, { type: 'delete', key, version: rest[0] }, `${key} deleted`)
    return
  }
  const [value, version] = rest
  report(options, { type: 'put', key, value: print(value), version }, `${key} = ${print(value)}`)
}

/** What all of them have. */
function subcommand(name: string, description: string, example: string): Command {
  const command = new Command(name)
    .description(description)
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .addOption(new Option('--store <name>', 'name of the store').default('tsunagi_store'))
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption('print lines of JSON; values are in them as Erlang text'))
  return withExample(command, `tsunagi store ${name} app@127.0.0.1 ${example} --cookie secret`)
}

function visit(
  target: string,
  options: StoreOptions,
  talk: (ask: (request: Term) => Promise<Term>, node: string) => Promise<void>,
): Promise<void> {
  return withGuest(target, options, (guest, node) => {
    const { store: name, timeout } = options
    return talk((request) => guest.call({ name, node }, request, { timeout }), node)
  })
}

/** What came with `ok`. @throws TsunagiError with the code and the message that came with `error` */
function okOf(answer: Term): Term {
  const [tag, value] = isTuple(answer) ? answer : []
  if (tag === OK) return value
  if (tag === ERROR && isTuple(value) && isAtom(value[0])) {
    throw new TsunagiError(value[0].name as ErrorCode, String(value[1]))
  }
  throw new TsunagiError('ERR_PROTOCOL', `an answer that no store gives: ${print(answer)}`)
}

function pretty(value: Term): string {
  return print(value, { indent: 2, width: process.stdout.columns ?? 80 })
}
