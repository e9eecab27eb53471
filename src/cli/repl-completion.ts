import type { CompleterResult } from 'node:readline'
import { systemClock } from '../base/clock.ts'
import { type Observatory, openObservatory } from '../observe/index.ts'
import { isAtom } from '../term/index.ts'
import type { TsunagiNode } from '../tsunagi.ts'

/** How long the names of another node are remembered, ms: the REPL asks with each key. */
const FRESH = 3000
/** Longer than this nobody waits for a completion, ms. */
const PATIENCE = 1000
/** Most names that are asked of another node. */
const MOST = 500

/** Completes text within quotes: names of nodes, of processes here, and of processes on the nodes the line names. */
export class StringCompletion {
  readonly #node: TsunagiNode
  #observatory: Observatory | undefined
  readonly #names = new Map<string, { readonly at: number; readonly names: Promise<readonly string[]> }>()

  constructor(node: TsunagiNode) {
    this.#node = node
  }

  /** What fits at the end of a line; undefined where that is not within quotes. */
  async complete(line: string): Promise<CompleterResult | undefined> {
    const typed = openString(line)
    if (typed === undefined) return undefined
    const nodes = [this.#node.name, ...this.#node.nodes('known'), ...this.#node.nodes()]
    const named = nodes.filter((node) => line.includes(node) && node !== typed && node !== this.#node.name)
    const remote = await Promise.all(named.map((node) => this.#namesOn(node)))
    const all = new Set([...nodes, ...this.#node.registered(), ...remote.flat()])
    return [[...all].filter((name) => name.startsWith(typed)).sort(), typed]
  }

  /** Names that are registered on a node; none where it does not tell. */
  #namesOn(node: string): Promise<readonly string[]> {
    const known = this.#names.get(node)
    const now = systemClock.now()
    if (known !== undefined && now - known.at < FRESH) return known.names
    this.#observatory ??= openObservatory(this.#node)
    const names = this.#observatory.page({ list: 'names', node, limit: MOST }).then(
      ({ items }) => items,
      () => this.#askErlang(node),
    )
    this.#names.set(node, { at: now, names })
    return names
  }

  /** What every BEAM node answers, also before it is known to be one. */
  async #askErlang(node: string): Promise<readonly string[]> {
    try {
      const answer = await this.#node.rpc(node, 'erlang', 'registered', [], { timeout: PATIENCE })
      return Array.isArray(answer) ? answer.flatMap((name) => (isAtom(name) ? [name.name] : [])) : []
    } catch {
      return []
    }
  }
}

/** The text of the string that is open at the end of a line of JavaScript; undefined where none is. */
export function openString(line: string): string | undefined {
  let quote: string | undefined
  let text = ''
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] as string
    if (quote === undefined) {
      if (sign === "'" || sign === '"' || sign === '`') [quote, text] = [sign, '']
    } else if (sign === '\\') {
      text += line[++at] ?? ''
    } else if (sign === quote) {
      quote = undefined
    } else {
      text += sign
    }
  }
  return quote === undefined ? undefined : text
}
