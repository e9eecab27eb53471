import { EncodeError } from '../term/errors.ts'
import { type Atom, atom, Float, isAtom, type Term } from '../term/index.ts'
import { isMapLike, isPlainObject } from '../term/map-like.ts'
import { isList } from '../term/tuple.ts'

const STRUCT = '__struct__'
/** How deep a payload may nest. */
const MAX_DEPTH = 500
const BROADCAST: Atom = atom('Elixir.Phoenix.Socket.Broadcast')

/** What Phoenix channels and `Endpoint.broadcast` send: `%Phoenix.Socket.Broadcast{}`. */
export interface Broadcast {
  readonly topic: string
  readonly event: string
  /** Maps whose keys are text or atoms are plain objects in it, however the subscription decodes and whoever broadcast it. */
  readonly payload: Term
}

/**
 * Recognises a `Phoenix.Socket.Broadcast` among messages; undefined for any other message.
 *
 * @example
 * for await (const message of pubsub.subscribe('room:1')) console.log(readBroadcast(message)?.payload)
 */
export function readBroadcast(message: Term): Broadcast | undefined {
  const [topic, event, payload] = fieldsOf(message) ?? []
  return typeof topic === 'string' && typeof event === 'string' ? { topic, event, payload: plain(payload) } : undefined
}

/** With objects in place of maps, where objects can stand for them. */
function plain(value: Term): Term {
  if (isList(value)) return value.map(plain)
  if (value instanceof Map) {
    const entries = Array.from(value, ([key, item]) => [isAtom(key) ? key.name : key, plain(item)] as const)
    if (!entries.every(([key]) => typeof key === 'string')) return new Map(entries)
    return Object.fromEntries(entries as [string, Term][])
  }
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item as Term)]))
}

/**
 * Makes a `Phoenix.Socket.Broadcast` whose payload any Phoenix socket can turn into JSON: keys become strings, as
 * `JSON.stringify` has them. {@link PubSub.channelBroadcast} does this for you.
 *
 * @throws EncodeError with the path to what JSON does not have, such as bytes.
 */
export function makeBroadcast({ topic, event, payload }: { topic: string; event: string; payload: unknown }): Term {
  const json = jsonTerm(payload, 'payload')
  if (!(json instanceof Map)) throw new EncodeError('the payload of a channel is an object', 'payload')
  return { [STRUCT]: BROADCAST, topic, event, payload: json }
}

/**
 * Refuses a broadcast that would end the process of a Phoenix node that dispatches it: it turns the payload into JSON
 * there. Messages that are no broadcasts are none of Phoenix.Channel.Server's business, which passes them on.
 *
 * @throws EncodeError
 */
export function checkBroadcast(message: Term): void {
  const fields = fieldsOf(message)
  if (fields === undefined) return
  const [topic, event, payload] = fields
  if (typeof topic !== 'string') throw new EncodeError('the topic of a Phoenix.Socket.Broadcast is text', 'topic')
  if (typeof event !== 'string') throw new EncodeError('the event of a Phoenix.Socket.Broadcast is text', 'event')
  if (!isMapLike(payload)) {
    throw new EncodeError('the payload of a channel is an object', 'payload')
  }
  checkJson(payload, 'payload')
}

/** Undefined for what is no such struct. */
function fieldsOf(message: Term): readonly [topic: Term, event: Term, payload: Term] | undefined {
  if (message instanceof Map) {
    if (message.get(atom(STRUCT)) !== BROADCAST) return undefined
    return [message.get(atom('topic')), message.get(atom('event')), message.get(atom('payload'))]
  }
  if (typeof message !== 'object' || message === null) return undefined
  const struct = message as { readonly [STRUCT]?: Term; readonly topic?: Term; event?: Term; payload?: Term }
  return struct[STRUCT] === BROADCAST ? [struct.topic, struct.event, struct.payload] : undefined
}

/** Whether a BEAM node can make JSON of this very term. What `jsonTerm` makes of others is not what is sent. */
function checkJson(value: Term, path: string, depth = 0): void {
  if (depth > MAX_DEPTH) throw tooDeep()
  if (typeof value !== 'object' || value === null || isAtom(value) || value instanceof Float) return
  if (isList(value)) {
    for (const [i, item] of value.entries()) checkJson(item, `${path}[${i}]`, depth + 1)
  } else if (isMapLike(value)) {
    const entries = value instanceof Map ? (value as ReadonlyMap<Term, Term>) : Object.entries(value)
    for (const [key, item] of entries) {
      const name = jsonKey(key, path)
      // Whether a struct has JSON only the node knows that gets it.
      if (name === STRUCT) throw noJson(path)
      checkJson(item, `${path}.${name}`, depth + 1)
    }
  } else throw noJson(path)
}

/** The term that a BEAM node turns into the JSON that `JSON.stringify` makes here. */
function jsonTerm(value: unknown, path: string, depth = 0): Term {
  if (depth > MAX_DEPTH) throw tooDeep()
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return value
  if (typeof value === 'string' || isAtom(value) || value instanceof Float) return value
  if (typeof value === 'object' && !(value instanceof Uint8Array)) {
    if (Array.isArray(value)) return Array.from(value, (item, i) => jsonTerm(item ?? null, `${path}[${i}]`, depth + 1))
    if (value instanceof Map) return jsonMap(value, path, depth)
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return jsonTerm(toJSON.call(value), path, depth + 1)
    if (isPlainObject(value)) return jsonMap(Object.entries(value), path, depth)
  }
  throw noJson(path)
}

function jsonMap(entries: Iterable<readonly [unknown, unknown]>, path: string, depth: number): Term {
  const map = new Map<string, Term>()
  for (const [key, value] of entries) {
    const name = jsonKey(key, path)
    if (value !== undefined) map.set(name, jsonTerm(value, `${path}.${name}`, depth + 1))
  }
  return map
}

function jsonKey(key: unknown, path: string): string {
  if (isAtom(key)) return key.name
  if (typeof key === 'string' || typeof key === 'number') return String(key)
  throw new EncodeError('a Phoenix channel sends JSON, whose keys are text', path)
}

function noJson(path: string): EncodeError {
  return new EncodeError('a Phoenix channel sends JSON, which has no such value', path)
}

function tooDeep(): EncodeError {
  return new EncodeError('a payload that nests too deep, or contains itself', 'payload')
}
