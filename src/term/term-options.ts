import { oneOf } from '../base/options.ts'
import type { TermOptions } from './term.ts'

/** The names of {@link DecodeOptions}, for `knownOnly`. */
export const DECODE_OPTIONS = ['binaries', 'maps', 'floats'] as const

/** The names of {@link TermOptions}. */
export const TERM_OPTIONS = [...DECODE_OPTIONS, 'keys'] as const

const checkBinaries = oneOf('auto', 'string', 'bytes')
const checkMaps = oneOf('auto', 'object', 'map')
const checkFloats = oneOf('number', 'exact')
const checkKeys = oneOf('atoms', 'strings')

/** The choices given, and those of `defaults` for what is absent. @throws OptionError */
export function resolveTermOptions(given: TermOptions, defaults: TermOptions = {}): Required<TermOptions> {
  const pick = <T>(value: T | undefined, fallback: T | undefined, usual: T): T =>
    value === undefined ? (fallback ?? usual) : value
  return {
    binaries: checkBinaries(pick(given.binaries, defaults.binaries, 'auto'), 'binaries'),
    maps: checkMaps(pick(given.maps, defaults.maps, 'auto'), 'maps'),
    floats: checkFloats(pick(given.floats, defaults.floats, 'number'), 'floats'),
    keys: checkKeys(pick(given.keys, defaults.keys, 'atoms'), 'keys'),
  }
}
