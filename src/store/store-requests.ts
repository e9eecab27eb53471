import { describe, type ErrorCode, TsunagiError } from '../base/errors.ts'
import { atomName } from '../term/atom.ts'
import { atom, isAtom, isTuple, type Term, tuple } from '../term/index.ts'
import { entries, isMapLike } from '../term/map-like.ts'
import { isList } from '../term/tuple.ts'
import type { Durability } from './engine.ts'
import type { Key } from './keys.ts'
import type { Store } from './store.ts'
import type { PutOptions } from './values.ts'
import { Version } from './version.ts'

const OK = atom('ok')
const ERROR = atom('error')

/** A request that changes something, or runs code. */
const WRITES = new Set(['put', 'delete', 'call'])

/**
 * What Elixir and Erlang can ask of a store, by `GenServer.call` or `:erpc`. Every request has an answer.
 *
 * | request | answer |
 * |---|---|
 * | `{get, Key}` | `{ok, Value}`, or `error` when there is none |
 * | `{entry, Key}` | `{ok, Value, Version}`, or `error` |
 * | `{has, Key}` | a boolean |
 * | `keys`, `{keys, Prefix}` | `{ok, [Key]}` |
 * | `{put, Key, Value}`, `{put, Key, Value, Options}` | `{ok, Version}`; options `ttl`, `stale`, `expected`, `durability`, `timeout`, as a map or a list of pairs |
 * | `{delete, Key}` | `{ok, Boolean}`: whether there was a value |
 * | `{call, Name, Args}` | `{ok, Result}` of a function that is defined |
 *
 * What fails is answered `{error, {Code, Message}}`, where the code is an atom such as `'ERR_NO_LOADER'`. What a function
 * throws is `'ERR_RPC_EXCEPTION'`.
 */
export class StoreRequests {
  readonly #store: Store
  readonly #readOnly: boolean

  constructor(store: Store, readOnly: boolean) {
    this.#store = store
    this.#readOnly = readOnly
  }

  /** Never rejects; undefined for what is no request. */
  answer(request: Term): Promise<Term> | Term | undefined {
    const [name, ...args] = isTuple(request) ? request : [request]
    if (!isAtom(name)) return undefined
    try {
      if (this.#readOnly && WRITES.has(name.name)) {
        throw new TsunagiError('ERR_UNSUPPORTED', `the store ${this.#store.name} can only be read from here`)
      }
      const answer = this.#answer(name.name, args)
      return answer instanceof Promise ? answer.catch(failed) : answer
    } catch (error) {
      return failed(error)
    }
  }

  #answer(name: string, args: readonly Term[]): Promise<Term> | Term | undefined {
    const store = this.#store
    const [key, second, third] = args as [Key, Term, Term]
    switch (`${name}/${args.length}`) {
      case 'get/1': {
        const entry = store.entry(key)
        return entry === undefined ? ERROR : tuple(OK, entry.value)
      }
      case 'entry/1': {
        const entry = store.entry(key)
        return entry === undefined ? ERROR : tuple(OK, entry.value, entry.version.toString())
      }
      case 'has/1':
        return store.has(key)
      case 'keys/0':
      case 'keys/1': {
        const [prefix = ''] = args
        if (typeof prefix !== 'string') return undefined
        return tuple(
          OK,
          Array.from(store.keys()).filter((key) => key.startsWith(prefix)),
        )
      }
      case 'put/2':
        return written(store.put(key, second))
      case 'put/3':
        return written(store.put(key, second, putOptions(third)))
      case 'delete/1':
        return store.delete(key).then((there) => tuple(OK, there))
      case 'call/2':
        return store.run(functionName(args[0]), argumentsOf(second)).then((result) => tuple(OK, result as Term))
      default:
        return undefined
    }
  }
}

/** What a failure is answered with. What is no error of this package, a function of the store has thrown. */
export function failed(error: unknown): Term {
  const code: ErrorCode = error instanceof TsunagiError ? error.code : 'ERR_RPC_EXCEPTION'
  const message = error instanceof TsunagiError ? error.message : describeThrown(error)
  return tuple(ERROR, tuple(atom(code), message.toWellFormed()))
}

function describeThrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : describe(error)
}

async function written(version: Promise<Version>): Promise<Term> {
  return tuple(OK, (await version).toString())
}

function functionName(name: Term): string {
  return isAtom(name) ? name.name : (name as string)
}

function argumentsOf(args: Term): readonly Term[] {
  if (isList(args)) return args
  throw new TsunagiError('ERR_INVALID_OPTION', 'args: expected a list of arguments')
}

/** `#{ttl => 1000}` or `[{ttl, 1000}]`; what is none of the options is refused by `put` itself. */
function putOptions(given: Term): PutOptions {
  const { durability, expected, ...rest } = Object.fromEntries(pairsOf(given))
  return {
    ...rest,
    ...(durability === undefined ? {} : { durability: (atomName(durability) ?? durability) as Durability }),
    ...(expected === undefined ? {} : { expected: expectedOf(expected) }),
  } as PutOptions
}

function pairsOf(given: Term): [string, Term][] {
  const pairs: Iterable<unknown> = isList(given) ? given : isMapLike(given) ? entries(given) : [undefined]
  return Array.from(pairs, (pair) => {
    const [name, value] = isTuple(pair) || Array.isArray(pair) ? (pair as readonly Term[]) : []
    if (!isAtom(name)) throw badOptions()
    return [name.name, value]
  })
}

function expectedOf(given: Term): Version | 'absent' {
  if (given === atom('absent')) return 'absent'
  const version = typeof given === 'string' ? Version.parse(given) : undefined
  if (version === undefined)
    throw new TsunagiError('ERR_INVALID_OPTION', 'expected: a version as it was answered, or absent')
  return version
}

function badOptions(): TsunagiError {
  return new TsunagiError('ERR_INVALID_OPTION', 'options: expected a map or a list of pairs, such as [{ttl, 1000}]')
}
