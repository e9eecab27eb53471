import type { Clock, Timer } from '../../base/clock.ts'
import { TsunagiError } from '../../base/errors.ts'
import { splitNodeName } from '../../base/node-name.ts'
import { DFLAG } from '../../dist/flags.ts'
import type { Link } from '../../dist/link.ts'
import { type Atom, atom, isAtom, isTuple, mapGet, type Term } from '../../term/index.ts'
import type { LearnedNames } from './learned-names.ts'
import type { Marks } from './marks.ts'
import { MAX_NAMES } from './mesh-message.ts'

/** How long after a nodeup the peers are asked, in milliseconds: many may come at once, and ours say who they are. */
export const SETTLE = 100

/** How long a peer that could be one of ours has to say so before it is asked, in milliseconds. */
export const DOUBT = 1_000

/** How long a peer may take to answer, in milliseconds. */
const ANSWER = 5_000

const VISIBLE = atom('visible')
const HIDDEN = atom('hidden')
const NODE_TYPE = atom('node_type')
const CONNECTION_ID = atom('connection_id')
/** Not a plain object: the option `keys` is for those. */
const INFO = new Map<Term, Term>([
  [NODE_TYPE, true],
  [CONNECTION_ID, true],
])

/** Calls a function of the module `erlang` on a connected node. */
export type AskErlang = (node: Atom, name: string, args: readonly Term[], timeout: number) => Promise<Term>

interface Seen {
  readonly hidden: boolean
  /** Another number says that the node was gone meanwhile. */
  readonly connection: number | undefined
}

interface Neighbour {
  /** When it may be asked first. */
  readonly from: number
  asking: boolean
  nodes: Map<string, Seen>
}

/**
 * Asks the BEAM nodes that are connected whom they know: when they come, when anybody comes, and every so often. Visible
 * names are learned; hidden ones only when the EPMD of their host says that they are nodes of this package, since others
 * hide for a reason: shells, C nodes. A question that fails leaves the last answer in force.
 */
export class BeamNeighbours {
  readonly #clock: Clock
  readonly #refresh: number
  readonly #ask: AskErlang
  readonly #learned: LearnedNames
  readonly #marks: Marks
  readonly #neighbours = new Map<Atom, Neighbour>()
  #timer: Timer | undefined
  #dueIn = Number.POSITIVE_INFINITY

  /** @param refresh milliseconds between questions; Infinity: only when a node comes */
  constructor(clock: Clock, refresh: number, ask: AskErlang, learned: LearnedNames, marks: Marks) {
    this.#clock = clock
    this.#refresh = refresh
    this.#ask = ask
    this.#learned = learned
    this.#marks = marks
    marks.onOurs = (name) => this.#ours(name)
  }

  /**
   * A link is up. Only those that can spawn are asked: C and Java nodes do not answer. `doubtful`: the peer could be one of
   * ours, and would soon say so.
   */
  up(link: Link, doubtful: boolean): void {
    const from = this.#clock.now() + (doubtful ? DOUBT : 0)
    if ((link.flags & DFLAG.SPAWN) !== 0n) this.#neighbours.set(link.peer, { from, asking: false, nodes: new Map() })
    if (this.#neighbours.size > 0) this.#schedule(SETTLE)
  }

  /** The link is down, or its peer is one of ours, which tell without being asked. */
  drop(peer: Atom): void {
    this.#neighbours.delete(peer)
    this.#prune()
    if (this.#neighbours.size === 0) this.#cancel()
  }

  close(): void {
    this.#cancel()
    this.#neighbours.clear()
    this.#marks.close()
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#dueIn = Number.POSITIVE_INFINITY
  }

  #schedule(ms: number): void {
    if (ms >= this.#dueIn || ms === Number.POSITIVE_INFINITY) return
    this.#timer?.cancel()
    this.#dueIn = ms
    this.#timer = this.#clock.after(ms, () => {
      this.#cancel()
      this.#schedule(this.#refresh)
      const now = this.#clock.now()
      for (const [peer, neighbour] of this.#neighbours) {
        if (now >= neighbour.from) void this.#question(peer, neighbour)
        else this.#schedule(neighbour.from - now)
      }
    })
  }

  async #question(peer: Atom, neighbour: Neighbour): Promise<void> {
    if (neighbour.asking) return
    neighbour.asking = true
    try {
      const seen = await this.#nodesOf(peer)
      if (this.#neighbours.get(peer) === neighbour) this.#take(peer, neighbour, seen)
    } catch {
      // Gone, busy or not allowed to say: what it said before holds until its link is down.
    } finally {
      neighbour.asking = false
    }
  }

  async #nodesOf(peer: Atom): Promise<Map<string, Seen>> {
    try {
      return readInfo(await this.#ask(peer, 'nodes', [[VISIBLE, HIDDEN], INFO], ANSWER))
    } catch (error) {
      // erlang:nodes/2 came with OTP 25.1.
      if (!(error instanceof TsunagiError && error.code === 'ERR_RPC_UNDEF')) throw error
      const ask = async (kind: Atom): Promise<Term> => await this.#ask(peer, 'nodes', [kind], ANSWER)
      const [visible, hidden] = await Promise.all([ask(VISIBLE), ask(HIDDEN)])
      return new Map([...readNames(hidden, true), ...readNames(visible, false)])
    }
  }

  #take({ name: reporter }: Atom, neighbour: Neighbour, seen: Map<string, Seen>): void {
    const before = neighbour.nodes
    neighbour.nodes = seen
    for (const [name, { connection }] of before) {
      const now = seen.get(name)
      if (now === undefined || now.connection !== connection) this.#learned.remove(reporter, name)
    }
    for (const [name, { hidden }] of seen) {
      if (this.#learned.has(reporter, name)) continue
      if (!hidden) this.#learned.add(reporter, name, 'sought')
      else if (this.#marks.isOurs(name)) this.#learned.add(reporter, name, 'seeking')
    }
    this.#prune()
  }

  /** A hidden name turned out to be one of ours. */
  #ours(name: string): void {
    for (const [{ name: reporter }, { nodes }] of this.#neighbours) {
      if (nodes.get(name)?.hidden === true) this.#learned.add(reporter, name, 'seeking')
    }
  }

  #prune(): void {
    this.#marks.keep((name) => {
      for (const { nodes } of this.#neighbours.values()) {
        if (nodes.get(name)?.hidden === true) return true
      }
      return false
    })
  }
}

/** The answer of `erlang:nodes/2`: `[{Name, #{node_type => …, connection_id => …}}]`. */
function readInfo(answer: Term): Map<string, Seen> {
  const seen = new Map<string, Seen>()
  if (!Array.isArray(answer)) return seen
  for (const entry of answer.slice(0, MAX_NAMES) as Term[]) {
    if (!isTuple(entry)) continue
    const [name, info] = entry
    if (!isNodeName(name)) continue
    const connection = infoOf(info, CONNECTION_ID)
    seen.set(name.name, {
      hidden: infoOf(info, NODE_TYPE) !== VISIBLE,
      connection: typeof connection === 'number' ? connection : undefined,
    })
  }
  return seen
}

/** The answer of `erlang:nodes/1`. */
function readNames(answer: Term, hidden: boolean): [string, Seen][] {
  if (!Array.isArray(answer)) return []
  const names = (answer.slice(0, MAX_NAMES) as Term[]).filter(isNodeName)
  return names.map(({ name }) => [name, { hidden, connection: undefined }])
}

function isNodeName(name: Term): name is Atom {
  return isAtom(name) && splitNodeName(name.name) !== undefined
}

/** A value of a map with atoms for keys, however this node decodes such. */
function infoOf(info: Term, key: Atom): Term {
  if (info instanceof Map) return mapGet(info, key)
  if (typeof info !== 'object' || info === null || !Object.hasOwn(info, key.name)) return undefined
  return (info as Record<string, Term>)[key.name]
}
