import { describe, TsunagiError } from '../base/errors.ts'
import { splitNodeName } from '../base/node-name.ts'
import { parsePeer } from '../node/peer-address.ts'
import { textOf } from './discovery-error.ts'
import type { FoundNode } from './strategy.ts'
import type { RejectedName } from './topology-events.ts'
import type { ResolvedTopologyOptions } from './topology-options.ts'

/** What counts of an answer. */
export interface Reading {
  /** The nodes to connect, by name. */
  readonly nodes: ReadonlyMap<string, FoundNode>
  /** Entries that are no node names; the first 100. */
  readonly rejected: readonly RejectedName[]
  /** Why the answer is not whole. */
  readonly errors: readonly unknown[]
}

/** What an answer is read against. */
export interface ReadingPolicy extends Pick<ResolvedTopologyOptions, 'filter' | 'mapName' | 'hidden'> {
  /** The node's own name, which is left out. */
  readonly self: string
  readonly maxNames: number
}

const MAX_REJECTED = 100

/**
 * Reads what a strategy answered, whatever it is. Of two entries with the same name the first counts.
 *
 * @throws TypeError when it is no answer at all, TsunagiError `ERR_DISCOVERY` when nothing in it can be used, and whatever
 * iterating over it throws
 */
export function readAnswer(answer: unknown, policy: ReadingPolicy): Reading {
  const { items, errors } = open(answer)
  const nodes = new Map<string, FoundNode>()
  const rejected: RejectedName[] = []
  const incomplete = [...errors]
  let count = 0
  let usable = 0
  for (const item of items) {
    if (++count > policy.maxNames) {
      incomplete.push(
        new TsunagiError('ERR_LIMIT', `an answer of more than ${policy.maxNames} nodes; the rest is left out`),
      )
      break
    }
    try {
      const node = readNode(item, policy)
      usable++
      if (node !== undefined && !nodes.has(node.name)) nodes.set(node.name, node)
    } catch (error) {
      if (rejected.length < MAX_REJECTED) rejected.push({ value: describe(item), reason: textOf(error) })
    }
  }
  if (usable === 0 && rejected.length > 0) {
    const [first] = rejected as [RejectedName]
    throw new TsunagiError('ERR_DISCOVERY', `none of ${count} names can be used: ${first.value}: ${first.reason}`)
  }
  return { nodes, rejected, errors: incomplete }
}

function open(answer: unknown): { items: Iterable<unknown>; errors: readonly unknown[] } {
  if (isIterable(answer)) return { items: answer, errors: [] }
  if (typeof answer === 'object' && answer !== null && 'nodes' in answer && isIterable(answer.nodes)) {
    const errors = 'errors' in answer && Array.isArray(answer.errors) ? answer.errors : []
    return { items: answer.nodes, errors }
  }
  throw new TypeError(`expected a list of node names, got ${describe(answer)}`)
}

/** A text is a list of characters, but never meant as one. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** The node that an entry stands for; undefined when it is not to be connected. */
function readNode(item: unknown, { self, hidden, filter, mapName }: ReadingPolicy): FoundNode | undefined {
  const found = typeof item === 'string' ? fromText(item) : fromObject(item)
  const name = mapName === undefined ? found.name : checkName(mapName(found.name, found), 'mapName answered')
  const node = name === found.name ? found : { ...found, name }
  if (name === self || (node.hidden === true && !hidden)) return undefined
  if (filter === undefined) return node
  const verdict: unknown = filter(name, node)
  // A promise is as good as true, and surely not meant so.
  if (typeof verdict !== 'boolean') throw new TypeError(`filter answered ${describe(verdict)}, not true or false`)
  return verdict ? node : undefined
}

function fromText(text: string): FoundNode {
  const { name, port } = parsePeer(text, 'name')
  return port === undefined ? { name } : { name, port }
}

function fromObject(item: unknown): FoundNode {
  if (typeof item !== 'object' || item === null) throw new TypeError('expected a node name')
  const { name, port, hidden } = item as { [key in keyof FoundNode]: unknown }
  const node = { name: checkName(name, 'name is'), ...(hidden === true ? { hidden } : {}) }
  if (port === undefined) return node
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    throw new TypeError(`port is ${describe(port)}, not a number from 1 to 65535`)
  }
  return { ...node, port: port as number }
}

function checkName(value: unknown, what: string): string {
  if (typeof value !== 'string' || splitNodeName(value) === undefined) {
    throw new TypeError(`${what} ${describe(value)}, not a node name such as "app@127.0.0.1"`)
  }
  return value
}
