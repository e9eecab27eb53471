import { type ErrorCode, TsunagiError } from '../base/errors.ts'
import { printable } from '../base/terminal-text.ts'
import type { Process } from '../process/process.ts'
import { atom, isAtom, isTuple, parse, print, type Term, tuple } from '../term/index.ts'
import { isList } from '../term/tuple.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { inProcess } from './in-process.ts'
import { onInterrupt } from './interrupt.ts'
import { report } from './output.ts'
import { UsageError } from './usage-error.ts'

/** Options of all that visit a store. */
export interface StoreOptions extends GuestOptions {
  /** The store's name. */
  readonly store: string
}

/** Options of `tsunagi store put`. */
export interface PutOptions extends StoreOptions {
  readonly ttl?: number
  readonly expected?: string
}

/** Options of `tsunagi store watch`. */
export interface WatchOptions extends StoreOptions {
  readonly prefix?: string
  readonly once?: boolean
}

const OK = atom('ok')
const ERROR = atom('error')
const SYNCED = atom('synced')

/** Prints a value. */
export function get(target: string, key: string, options: StoreOptions): Promise<void> {
  return visit(target, options, async (ask, node) => {
    const answer = await ask(tuple(atom('entry'), key))
    if (answer === ERROR) throw new TsunagiError('ERR_NO_VALUE', `${key} has no value in ${options.store} on ${node}`)
    const value = okOf(answer)
    const [, , version] = answer as readonly Term[]
    report(options, { node, key, value: print(value), version }, pretty(value))
  })
}

/** Writes a value and prints its version. */
export async function put(target: string, key: string, term: string, options: PutOptions): Promise<void> {
  const { expected, ttl } = options
  const pairs = [
    ...(ttl === undefined ? [] : [tuple(atom('ttl'), ttl)]),
    ...(expected === undefined ? [] : [tuple(atom('expected'), expected === 'absent' ? atom('absent') : expected)]),
  ]
  const request = tuple(atom('put'), key, parse(term), pairs)
  await visit(target, options, async (ask, node) => {
    const version = okOf(await ask(request))
    report(options, { node, key, version }, String(version))
  })
}

/** Takes a value away. */
export function remove(target: string, key: string, options: StoreOptions): Promise<void> {
  return visit(target, options, async (ask, node) => {
    const there = okOf(await ask(tuple(atom('delete'), key)))
    if (there !== true) throw new TsunagiError('ERR_NO_VALUE', `${key} has no value in ${options.store} on ${node}`)
    report(options, { node, key, deleted: true }, `deleted ${key}`)
  })
}

/** Prints the keys. */
export function keys(target: string, prefix: string, options: StoreOptions): Promise<void> {
  return visit(target, options, async (ask, node) => {
    const all = (okOf(await ask(tuple(atom('keys'), prefix))) as readonly string[]).toSorted()
    if (options.json === true) report(options, { node, keys: all }, '')
    else for (const key of all) report(options, {}, printable(key))
  })
}

/** Runs a function and prints what it returns. */
export async function call(target: string, name: string, list: string, options: StoreOptions): Promise<void> {
  const args = parse(list)
  if (!isList(args)) throw new TsunagiError('ERR_PARSE', `args: expected a list of arguments, such as '[1, two]'`)
  await visit(target, options, async (ask, node) => {
    const result = okOf(await ask(tuple(atom('call'), name, args)))
    report(options, { node, function: name, result: print(result) }, pretty(result))
  })
}

/** Prints what is there and then each change. */
export async function watch(target: string, key: string | undefined, options: WatchOptions): Promise<void> {
  if (key !== undefined && options.prefix !== undefined) {
    throw new UsageError('a key and --prefix: expected one of the two', 'See: tsunagi store watch --help')
  }
  const scope = key ?? (options.prefix === undefined ? undefined : tuple(atom('prefix'), options.prefix))
  const request = scope === undefined ? atom('watch') : tuple(atom('watch'), scope)
  await withGuest(target, options, (guest, node) => inProcess(guest, (self) => follow(self, node, request, options)))
}

async function follow(self: Process, node: string, request: Term, options: WatchOptions): Promise<void> {
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
    report(options, { type: 'delete', key, version: rest[0] }, `${printable(String(key))} deleted`)
    return
  }
  const [value, version] = rest
  report(options, { type: 'put', key, value: print(value), version }, `${printable(String(key))} = ${print(value)}`)
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
