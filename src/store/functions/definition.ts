import { createHash } from 'node:crypto'
import type { Term } from '../../term/index.ts'
import { FunctionError, quoted } from './function-error.ts'

/** A function as it travels: what the store replicates under the function's name. */
export interface FunctionDefinition {
  readonly name: string
  /** SHA-256 of the source in hexadecimal: two definitions with one hash are the same function. */
  readonly hash: string
  /** A single function expression, in the form that {@link SourceChecker.check} gives. */
  readonly source: string
  /** Given by who defined it: a lower one does not replace a higher one. Without: the last one written stands. */
  readonly version: number | undefined
  /** The node that defined it. */
  readonly submitter: string
}

const LONGEST_NAME = 1024

/** Hash of a checked source. The prefix changes if ever the same text comes to mean something else. */
export function hashOf(source: string): string {
  return createHash('sha256').update('tsunagi function 1\0').update(source).digest('hex')
}

/** Whether a function may have this name. */
export function isFunctionName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME && name.isWellFormed()
}

/** A definition as the value of an entry: a list, which means the same under all options for terms. */
export function definitionTerm({ name, hash, source, version, submitter }: FunctionDefinition): Term {
  return [name, hash, source, version, submitter]
}

/** Reads what {@link definitionTerm} made; undefined for anything else. Nothing it says is believed beyond its shape. */
export function readDefinition(term: unknown): FunctionDefinition | undefined {
  if (!Array.isArray(term) || term.length !== 5) return undefined
  const [name, hash, source, version, submitter] = [...term.slice(0, 3).map(text), term[3], text(term[4])]
  if (!isFunctionName(name) || typeof hash !== 'string' || typeof source !== 'string') return undefined
  if (typeof submitter !== 'string' || !(version === undefined || isVersion(version))) return undefined
  return { name, hash, source, version, submitter }
}

/** With `binaries: 'bytes'` all text comes as bytes. */
function text(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value
}

/** Whether it can be the version of a definition. */
export function isVersion(version: unknown): version is number {
  return Number.isSafeInteger(version) && (version as number) >= 0
}

/**
 * Why a definition may not follow the one that is there, or undefined. Versions are compared when both have one; the
 * same version twice must be the same source. Who orders the writes asks this, so that all nodes agree.
 */
export function staleness(
  current: FunctionDefinition | undefined,
  next: FunctionDefinition,
): FunctionError | undefined {
  if (current?.version === undefined || next.version === undefined || next.version > current.version) return undefined
  if (next.version === current.version && next.hash === current.hash) return undefined
  const why =
    next.version < current.version
      ? `version ${next.version} comes after version ${current.version}, which is there`
      : `version ${next.version} is there with another source`
  return new FunctionError('ERR_FUNCTION_REFUSED', `${quoted(next.name)}: ${why}`, { function: next.name })
}
