import { type Atom, atom, isAtom, isTuple, type Term } from '../../term/index.ts'

/** What a spawn request asks for beside the function. */
export interface SpawnRequestOptions {
  readonly link: boolean
  readonly monitor: boolean
  /** Which answers the other side waits for. */
  readonly reply: 'yes' | 'no' | 'error_only' | 'success_only'
}

const LINK = atom('link')
const MONITOR = atom('monitor')
const REPLY = atom('reply')
const REPLIES = ['yes', 'no', 'error_only', 'success_only'] as const

/**
 * Options that tune how the BEAM runs a process and mean nothing here, with what OTP takes as their value; it answers
 * `badopt` to anything else. `monitor` options and `reply_tag` matter only to who asks, but may come along.
 */
const IGNORED: ReadonlyMap<Atom, (value: Term) => boolean> = new Map<Atom, (value: Term) => boolean>([
  [atom('priority'), oneOf('low', 'normal', 'high', 'max')],
  [atom('fullsweep_after'), isSize],
  [atom('min_heap_size'), isSize],
  [atom('min_bin_vheap_size'), isSize],
  [atom('max_heap_size'), (value) => isSize(value) || isMap(value)],
  [atom('message_queue_data'), oneOf('off_heap', 'on_heap', 'mixed')],
  [atom('async_dist'), (value) => typeof value === 'boolean'],
  [atom('scheduler'), isSize],
  [atom('reply_tag'), () => true],
])

/** Reads the options of a spawn request; undefined when OTP would answer `badopt`. */
export function readSpawnOptions(given: Term): SpawnRequestOptions | undefined {
  if (!Array.isArray(given) || isTuple(given)) return undefined
  let [link, monitor] = [false, false]
  let reply: SpawnRequestOptions['reply'] = 'yes'
  for (const option of given as readonly Term[]) {
    if (option === LINK) link = true
    else if (option === MONITOR) monitor = true
    else if (!isTuple(option) || option.length !== 2) return undefined
    else if (option[0] === MONITOR && Array.isArray(option[1])) monitor = true
    else if (option[0] === REPLY) {
      const wanted = REPLIES.find((name) => option[1] === atom(name))
      if (wanted === undefined) return undefined
      reply = wanted
    } else if (!isAtom(option[0]) || IGNORED.get(option[0])?.(option[1]) !== true) return undefined
  }
  return { link, monitor, reply }
}

function oneOf(...names: readonly string[]): (value: Term) => boolean {
  return (value) => isAtom(value) && names.includes(value.name)
}

function isSize(value: Term): boolean {
  return typeof value === 'bigint' ? value >= 0n : Number.isInteger(value) && (value as number) >= 0
}

function isMap(value: Term): boolean {
  return (
    value instanceof Map ||
    (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
  )
}
