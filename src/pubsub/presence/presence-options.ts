import { OptionError } from '../../base/errors.ts'
import { boolean, integer, knownOnly } from '../../base/options.ts'
import { type Atom, type DecodeOptions, isAtom } from '../../term/index.ts'
import { DECODE_OPTIONS } from '../../term/term-options.ts'

/**
 * Options of `pubsub.presence`. Times are milliseconds. All nodes should have the same `poolSize` and much the same times;
 * defaults are those of Phoenix.Tracker.
 */
export interface PresenceOptions extends DecodeOptions {
  /**
   * The name of the tracker, as on the other nodes: a module, with or without a leading `Elixir.` (`MyApp.Presence`), or an
   * atom that does not begin with a capital letter. An `Atom` is taken as it is.
   */
  readonly name: string | Atom
  /** Over how many trackers topics are spread. Must be the same on all nodes, or they do not see each other's. Default 1. */
  readonly poolSize?: number
  /** How often other nodes are told what has changed. Default 1500. */
  readonly broadcastPeriod?: number
  /** After how many periods without a change they are told that this node is there. Default 10. */
  readonly maxSilentPeriods?: number
  /**
   * After how long without a word from a node what is tracked there leaves, until it is heard of again. At least twice the
   * broadcast period. Default `broadcastPeriod * maxSilentPeriods * 2`: 30 s.
   */
  readonly downPeriod?: number
  /** After how long without a word it is forgotten. Longer than `downPeriod`. Default 1,200,000: 20 min. */
  readonly permdownPeriod?: number
  /** After how many periods those who have seen what this node has not are asked for it. Default 2. */
  readonly clockSamplePeriods?: number
  /** Up to how many changes are kept for those who missed them, in ever larger steps. Default `[100, 1000, 10000]`. */
  readonly maxDeltaSizes?: readonly number[]
  /**
   * Whether `close` tells the others to let go of what is tracked here. Without it they do so after their `downPeriod`, so
   * that clients which at once connect to another node do not seem to leave. Default false.
   */
  readonly permdownOnShutdown?: boolean
  /** Most entries of all nodes that are kept. What would exceed it is refused, and counted. Default 1,000,000. */
  readonly maxEntries?: number
  /**
   * Whether keys and metas may be what Phoenix.Presence cannot show to browsers, and ends by: keys other than text, numbers and
   * atoms, and metas that are no JSON. Only where all BEAM nodes have a Phoenix.Tracker of their own, or there are none.
   * Default false.
   */
  readonly anyTerms?: boolean
  /** Whether changes are broadcast on this node as `presence_diff`, as Phoenix.Presence does. Default true. */
  readonly broadcastDiffs?: boolean
}

/** {@link PresenceOptions}, checked and completed. */
export type ResolvedPresenceOptions = Readonly<
  Required<Omit<PresenceOptions, 'name' | keyof DecodeOptions>> & {
    readonly name: string
    readonly terms: DecodeOptions
  }
>

const KNOWN: readonly (keyof PresenceOptions)[] = [
  'name',
  'poolSize',
  'broadcastPeriod',
  'maxSilentPeriods',
  'downPeriod',
  'permdownPeriod',
  'clockSamplePeriods',
  'maxDeltaSizes',
  'permdownOnShutdown',
  'maxEntries',
  'anyTerms',
  'broadcastDiffs',
  ...DECODE_OPTIONS,
]

const most = Number.MAX_SAFE_INTEGER
const period = integer(1, 2 ** 31 - 1, 'milliseconds')

/** `terms`: how the pub/sub decodes, and how those options say that differ. @throws OptionError */
export function resolvePresenceOptions(options: PresenceOptions, terms: DecodeOptions): ResolvedPresenceOptions {
  knownOnly(options, KNOWN)
  const broadcastPeriod = period(options.broadcastPeriod ?? 1500, 'broadcastPeriod')
  const maxSilentPeriods = integer(1, 2 ** 20)(options.maxSilentPeriods ?? 10, 'maxSilentPeriods')
  const downPeriod = period(options.downPeriod ?? broadcastPeriod * maxSilentPeriods * 2, 'downPeriod')
  const permdownPeriod = period(options.permdownPeriod ?? 1_200_000, 'permdownPeriod')
  if (downPeriod < broadcastPeriod * 2) {
    throw new OptionError('downPeriod', downPeriod, `at least twice the broadcastPeriod of ${broadcastPeriod}`)
  }
  if (permdownPeriod <= downPeriod) {
    throw new OptionError('permdownPeriod', permdownPeriod, `more than the downPeriod of ${downPeriod}`)
  }
  return {
    name: trackerName(options.name),
    poolSize: integer(1, 1024)(options.poolSize ?? 1, 'poolSize'),
    broadcastPeriod,
    maxSilentPeriods,
    downPeriod,
    permdownPeriod,
    clockSamplePeriods: integer(1, 2 ** 20)(options.clockSamplePeriods ?? 2, 'clockSamplePeriods'),
    maxDeltaSizes: checkSizes(options.maxDeltaSizes ?? [100, 1000, 10_000]),
    permdownOnShutdown: boolean(options.permdownOnShutdown ?? false, 'permdownOnShutdown'),
    maxEntries: integer(1, most)(options.maxEntries ?? 1_000_000, 'maxEntries'),
    anyTerms: boolean(options.anyTerms ?? false, 'anyTerms'),
    broadcastDiffs: boolean(options.broadcastDiffs ?? true, 'broadcastDiffs'),
    terms,
  }
}

/** The first option that two sets do not agree on. */
export function differingPresenceOption(a: ResolvedPresenceOptions, b: ResolvedPresenceOptions): string | undefined {
  const { maxDeltaSizes, terms, ...rest } = a
  const names = Object.keys(rest) as (keyof typeof rest)[]
  const other = names.find((name) => a[name] !== b[name])
  if (other !== undefined) return other
  if (maxDeltaSizes.join() !== b.maxDeltaSizes.join()) return 'maxDeltaSizes'
  return DECODE_OPTIONS.find((name) => terms[name] !== b.terms[name])
}

/** The atom that the tracker has as its name. */
export function trackerName(given: unknown): string {
  const name = isAtom(given) ? given.name : given
  // The names of shards have to be atoms: at most 255 characters.
  if (typeof name !== 'string' || name === '' || name.length > 230 || !name.isWellFormed()) {
    throw new OptionError('name', given, 'the name of a tracker, such as MyApp.Presence')
  }
  return isAtom(given) || !/^\p{Lu}/u.test(name) || name.startsWith('Elixir.') ? name : `Elixir.${name}`
}

function checkSizes(sizes: unknown): readonly number[] {
  if (!Array.isArray(sizes) || sizes.length === 0 || sizes.length > 16) {
    throw new OptionError('maxDeltaSizes', sizes, 'one to 16 sizes')
  }
  return sizes.map((size, i) => integer(1, most)(size, `maxDeltaSizes[${i}]`))
}
