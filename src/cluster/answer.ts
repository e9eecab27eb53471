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
  /** Why the answer is not whole, where something is at fault. */
  readonly errors: readonly unknown[]
  /** Whether it says of all nodes that are absent that they are gone. */
  readonly whole: boolean
}

/** Which nodes of an answer are meant, and under which names. */
export interface ReadingPolicy extends Pick<ResolvedTopologyOptions, 'filter' | 'mapName' | 'hidden'> {
  /** The node's own name, which is left out. */
  readonly self: string
}

const MAX_REJECTED = 100

/** What a strategy has answered: its last good answer, with what partial ones have added to it. */
export class Answers {
  readonly #maxNames: number
  /** As the strategy named them, whether they are meant or not. */
  #found: ReadonlyMap<string, FoundNode> = new Map()

  constructor(maxNames: number) {
    this.#maxNames = maxNames
  }

  /**
   * Reads an answer, whatever it is. Of two entries with the same name the first counts.
   *
   * @throws TypeError when it is no answer at all, TsunagiError `ERR_DISCOVERY` when nothing in it can be used, and whatever
   * iterating over it throws; the answers before it count on then
   */
  take(answer: unknown, policy: ReadingPolicy): Reading {
    const { items, errors, partial } = open(answer)
    const found = new Map<string, FoundNode>()
    const rejected = new Rejected()
    const incomplete = [...errors]
    let count = 0
    for (const item of items) {
      if (++count > this.#maxNames) {
        const text = `an answer of more than ${this.#maxNames} nodes; the rest is left out`
        incomplete.push(new TsunagiError('ERR_LIMIT', text))
        break
      }
      try {
        const node = typeof item === 'string' ? fromText(item) : fromObject(item)
        if (!found.has(node.name)) found.set(node.name, node)
      } catch (error) {
        rejected.add(item, error)
      }
    }
    if (found.size === 0) rejected.throwIfAny()
    const whole = !partial && count <= this.#maxNames
    const known = whole ? found : this.#with(found)
    const nodes = select(known.values(), policy, rejected)
    this.#found = known
    return { nodes, rejected: rejected.list, errors: incomplete, whole }
  }

  /** What was answered before, read under another policy. @throws TsunagiError `ERR_DISCOVERY`, as `take` */
  again(policy: ReadingPolicy): Reading {
    const rejected = new Rejected()
    const nodes = select(this.#found.values(), policy, rejected)
    return { nodes, rejected: rejected.list, errors: [], whole: false }
  }

  /** What is absent from an answer with gaps may be in one of them. A flood of new names pushes no known one out. */
  #with(found: ReadonlyMap<string, FoundNode>): ReadonlyMap<string, FoundNode> {
    const known = new Map(this.#found)
    for (const [name, node] of found) {
      if (known.size < this.#maxNames || known.has(name)) known.set(name, node)
    }
    return known
  }
}

class Rejected {
  readonly list: RejectedName[] = []
  #count = 0

  add(value: unknown, error: unknown): void {
    this.#count++
    if (this.list.length < MAX_REJECTED) this.list.push({ value: describe(value), reason: textOf(error) })
  }

  /** @throws TsunagiError */
  throwIfAny(): void {
    const [first] = this.list
    if (first === undefined) return
    const names = this.#count === 1 ? 'the only name cannot' : `none of ${this.#count} names can`
    throw new TsunagiError('ERR_DISCOVERY', `${names} be used: ${first.value}: ${first.reason}`)
  }
}

function open(answer: unknown): { items: Iterable<unknown>; errors: readonly unknown[]; partial: boolean } {
  if (isIterable(answer)) return { items: answer, errors: [], partial: false }
  if (typeof answer === 'object' && answer !== null && 'nodes' in answer && isIterable(answer.nodes)) {
    const { errors: given, whole } = answer as { errors?: unknown; whole?: unknown }
    const errors = Array.isArray(given) ? given : []
    return { items: answer.nodes, errors, partial: typeof whole === 'boolean' ? !whole : errors.length > 0 }
  }
  throw new TypeError(`expected a list of node names, got ${isStrategy(answer) ? A_STRATEGY : describe(answer)}`)
}

const A_STRATEGY = 'a strategy: is it localEpmd where localEpmd() is meant?'

function isStrategy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('discover' in value || 'watch' in value)
}

/** A text is a list of characters, but never meant as one. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** The nodes that are meant, by the names they are meant by. @throws TsunagiError `ERR_DISCOVERY` when the policy can use none */
function select(found: Iterable<FoundNode>, policy: ReadingPolicy, rejected: Rejected): Map<string, FoundNode> {
  const nodes = new Map<string, FoundNode>()
  let usable = 0
  let refused = 0
  for (const given of found) {
    try {
      const node = meant(given, policy)
      usable++
      if (node !== undefined && !nodes.has(node.name)) nodes.set(node.name, node)
    } catch (error) {
      refused++
      rejected.add(given.name, error)
    }
  }
  if (usable === 0 && refused > 0) rejected.throwIfAny()
  return nodes
}

/** The node as it is to be connected; undefined when it is not to be. */
function meant(found: FoundNode, { self, hidden, filter, mapName }: ReadingPolicy): FoundNode | undefined {
  const name = mapName === undefined ? found.name : checkName(mapName(found.name, found), 'mapName answered')
  const node = name === found.name ? found : { ...found, name }
  if (name === self || (node.hidden === true && !hidden)) return undefined
  if (filter === undefined) return node
  const verdict: unknown = filter(name, node)
  // A promise is as good as true, and surely not meant so.
  if (typeof verdict !== 'boolean') throw new TypeError(`filter answered ${describe(verdict)}, not true or false`)
  return verdict ? node : undefined
}

/** Whether a filter would let a node pass that somebody else has found; one that fails would not. */
export function isMeant(name: string, filter: ReadingPolicy['filter']): boolean {
  try {
    return filter === undefined || filter(name, { name }) === true
  } catch {
    return false
  }
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
