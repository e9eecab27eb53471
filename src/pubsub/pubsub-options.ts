import { OptionError } from '../base/errors.ts'
import { boolean, fn, instance, integer, knownOnly, oneOf } from '../base/options.ts'
import type { TermOptions } from '../term/index.ts'
import { resolveTermOptions, TERM_OPTIONS } from '../term/term-options.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { EngineFactory } from './engine.ts'
import { mesh } from './engines/mesh.ts'

/** What happens to a message for an iterator whose buffer is full. */
export type Overflow = 'drop-newest' | 'drop-oldest' | 'close'

/** How much of the retained values a node keeps. */
export interface RetainOptions {
  /** Topics with a retained value; the one whose value is oldest goes first. Default 1000. */
  readonly topics?: number
  /** Bytes of all retained values, as they are encoded. Default 16 MiB. */
  readonly bytes?: number
}

/** Options of `node.pubsub`. */
export interface PubSubOptions extends TermOptions {
  /** What carries messages between nodes. Default `mesh()`: the links of the node, as Phoenix.PubSub's PG2 adapter. */
  readonly engine?: EngineFactory
  /**
   * Only broadcast: other nodes send nothing here, and `subscribe` throws `ERR_UNSUPPORTED`. Default false.
   */
  readonly publishOnly?: boolean
  /** Messages an iterator holds for a slow reader. Default 1024. */
  readonly capacity?: number
  /**
   * What happens above that: the message that comes is lost (`'drop-newest'`, default), the one that waits longest
   * (`'drop-oldest'`), or the subscription ends (`'close'`).
   */
  readonly overflow?: Overflow
  /** Bounds of the retained values kept here; `false` keeps none. */
  readonly retain?: RetainOptions | false
  /**
   * Dispatchers this node has, by their module's name: `{ 'Elixir.MyApp.Dispatcher': (subscriptions, delivery) => … }`.
   * Phoenix.PubSub's own and Phoenix.Channel.Server are always there.
   */
  readonly dispatchers?: Readonly<Record<string, Dispatcher>>
}

/** {@link PubSubOptions}, checked and completed. */
export interface ResolvedPubSubOptions {
  readonly engine: EngineFactory
  readonly publishOnly: boolean
  readonly capacity: number
  readonly overflow: Overflow
  readonly retain: Required<RetainOptions> | undefined
  readonly dispatchers: ReadonlyMap<string, Dispatcher>
  /** How messages are translated: the node's choices with those given here. */
  readonly terms: Required<TermOptions>
}

const KNOWN: readonly (keyof PubSubOptions)[] = [
  'engine',
  'publishOnly',
  'capacity',
  'overflow',
  'retain',
  'dispatchers',
  ...TERM_OPTIONS,
]

export const checkCapacity = integer(1, 2 ** 24)
export const checkOverflow = oneOf('drop-newest', 'drop-oldest', 'close')

/** `terms`: the node's. @throws OptionError */
export function resolvePubSubOptions(options: PubSubOptions, terms: TermOptions): ResolvedPubSubOptions {
  instance(options, 'options', 'an object of pub/sub options', (it) => !Array.isArray(it))
  knownOnly(options, KNOWN)
  const {
    engine,
    publishOnly = false,
    capacity = 1024,
    overflow = 'drop-newest',
    retain = {},
    dispatchers = {},
  } = options
  return {
    engine: engine === undefined ? mesh() : checkEngine(engine),
    publishOnly: boolean(publishOnly, 'publishOnly'),
    capacity: checkCapacity(capacity, 'capacity'),
    overflow: checkOverflow(overflow, 'overflow'),
    retain: resolveRetain(retain),
    dispatchers: checkDispatchers(dispatchers),
    terms: resolveTermOptions(options, terms),
  }
}

/** The first option that two sets do not agree on. Functions are the same only when they are the same object. */
export function differingOption(a: ResolvedPubSubOptions, b: ResolvedPubSubOptions): string | undefined {
  if (a.engine !== b.engine && a.engine.same?.(b.engine) !== true) return 'engine'
  for (const name of ['publishOnly', 'capacity', 'overflow'] as const) if (a[name] !== b[name]) return name
  if (a.retain?.topics !== b.retain?.topics || a.retain?.bytes !== b.retain?.bytes) return 'retain'
  for (const name of TERM_OPTIONS) if (a.terms[name] !== b.terms[name]) return name
  const sameDispatchers = [...a.dispatchers].every(([name, dispatcher]) => b.dispatchers.get(name) === dispatcher)
  return a.dispatchers.size === b.dispatchers.size && sameDispatchers ? undefined : 'dispatchers'
}

function checkEngine(engine: EngineFactory): EngineFactory {
  instance(engine, 'engine', 'an engine, such as mesh()', (it) => 'open' in it && 'capabilities' in it)
  fn(engine.open, 'engine.open')
  return engine
}

function resolveRetain(retain: RetainOptions | false): Required<RetainOptions> | undefined {
  if (retain === false) return undefined
  instance(retain, 'retain', 'false or { topics, bytes }', (it) => !Array.isArray(it))
  knownOnly(retain, ['topics', 'bytes'], 'retain.')
  const { topics = 1000, bytes = 16 * 1024 * 1024 } = retain
  return { topics: integer(1, 2 ** 31)(topics, 'retain.topics'), bytes: integer(1, 2 ** 40)(bytes, 'retain.bytes') }
}

function checkDispatchers(given: Readonly<Record<string, Dispatcher>>): ReadonlyMap<string, Dispatcher> {
  instance(given, 'dispatchers', 'an object of functions by module names', (it) => !Array.isArray(it))
  const dispatchers = new Map<string, Dispatcher>()
  for (const [name, dispatcher] of Object.entries(given)) {
    if (name === '') throw new OptionError('dispatchers', name, 'names of modules')
    dispatchers.set(name, fn(dispatcher, `dispatchers.${name}`))
  }
  return dispatchers
}
