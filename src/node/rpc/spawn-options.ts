import { type Atom, atom, isAtom, isTuple, type Term } from '../../term/index.ts'
import { entries, isMapLike } from '../../term/map-like.ts'

/** What a spawn request asks for beside the function. */
export interface SpawnRequestOptions {
  readonly link: boolean
  readonly monitor: boolean
}

const LINK = atom('link')
const MONITOR = atom('monitor')
const SIZE = 'size'
const HEAP_FLAGS = ['kill', 'error_logger', 'include_shared_binaries']

/** Options that tune how the BEAM runs a process, and mean nothing here, with what OTP takes as their value. */
const TUNING: ReadonlyMap<Atom, (value: Term) => boolean> = new Map<Atom, (value: Term) => boolean>([
  [atom('priority'), oneOf('low', 'normal', 'high', 'max')],
  [atom('fullsweep_after'), isSize],
  [atom('min_heap_size'), isSize],
  [atom('min_bin_vheap_size'), isSize],
  [atom('max_heap_size'), (value) => isSize(value) || isHeapLimit(value)],
  [atom('message_queue_data'), oneOf('off_heap', 'on_heap')],
  [atom('async_dist'), (value) => typeof value === 'boolean'],
  [atom('scheduler'), isSize],
])

/**
 * Reads the options of a spawn request; undefined when OTP would answer `badopt`. What matters only to who asks (`reply`,
 * `reply_tag`, options of the monitor) stays there and never comes along.
 */
export function readSpawnOptions(given: Term): SpawnRequestOptions | undefined {
  if (!Array.isArray(given) || isTuple(given)) return undefined
  let [link, monitor] = [false, false]
  for (const option of given as readonly Term[]) {
    if (option === LINK) link = true
    else if (option === MONITOR) monitor = true
    else if (!isTuple(option) || option.length !== 2 || !isAtom(option[0])) return undefined
    else if (TUNING.get(option[0])?.(option[1]) !== true) return undefined
  }
  return { link, monitor }
}

function oneOf(...names: readonly string[]): (value: Term) => boolean {
  return (value) => isAtom(value) && names.includes(value.name)
}

function isSize(value: Term): boolean {
  return typeof value === 'bigint' ? value >= 0n : Number.isInteger(value) && (value as number) >= 0
}

/** `#{size := Size, kill => boolean(), …}`. */
function isHeapLimit(value: Term): boolean {
  if (!isMapLike(value)) return false
  const pairs = [...entries(value)]
  const isEntry = ([key, of]: [Term, Term]): boolean => {
    const name = isAtom(key) ? key.name : key
    return name === SIZE ? isSize(of) : HEAP_FLAGS.includes(name as string) && typeof of === 'boolean'
  }
  return pairs.every(isEntry) && pairs.some(([key]) => (isAtom(key) ? key.name : key) === SIZE)
}
