import type { Clock } from '../../base/clock.ts'
import { TsunagiError } from '../../base/errors.ts'
import { boolean, instance, knownOnly } from '../../base/options.ts'
import type { From } from '../../process/from.ts'
import { noReply } from '../../process/gen-server.ts'
import { type Atom, atom, isTuple, type Term, tuple } from '../../term/index.ts'
import type { ObservedNode } from './observed-node.ts'

/** The name of the process that answers. */
const REPORTER = 'tsunagi_observe'
/** Questions of one peer within a second that are answered. */
const QUESTIONS = 20
/** For so many questions a page counts: it may be sought among very many keys. */
const PAGE = 5
/** Peers whose questions are counted. */
const MAX_PEERS = 1000

const OK = atom('ok')
const ERROR = atom('error')

/** Whether, and how far, peers can look at a node. */
export interface Observable {
  /** Whether dashboards of other nodes may act upon this one. Default false. */
  readonly actions?: boolean
}

/** What the option `observable` says; undefined: nothing is told. @throws OptionError */
export function checkObservable(value: boolean | Observable): Observable | undefined {
  if (typeof value === 'boolean') return value ? {} : undefined
  instance(value, 'observable', 'true, false, or { actions: true }', (it) => !Array.isArray(it))
  knownOnly(value, ['actions'], 'observable.')
  if (value.actions !== undefined) boolean(value.actions, 'observable.actions')
  return value
}

/**
 * Answers peers that look at this node: the registered process `tsunagi_observe`. What makes the answers is loaded when the
 * first one asks.
 *
 * | call | reply |
 * |---|---|
 * | `{report, 1, Json}` | `{ok, Json}`: how the node stands, see `report.ts` |
 * | `{page, 1, Json}` | `{ok, Json}`: a part of a list, such as the keys of a store |
 * | `{act, 1, Json}` | `{ok, Json}`: what came of an action; only with `observable: { actions: true }` |
 *
 * Instead of `ok` it may be `{error, Why}`: `badarg` (no such question), `version` (of another version), `busy` (more than 20
 * reports or 4 pages in a second), `refused` (no actions here), `{failed, Text}`. Json is a binary of UTF-8, so that a question costs no atoms.
 */
export class ReportService {
  readonly #node: ObservedNode
  readonly #actions: boolean
  readonly #clock: Clock
  /** How many questions each peer has asked in the second that began last. */
  readonly #asked = new Map<Atom, number>()
  #second = 0

  /** @throws TsunagiError `ERR_NAME_TAKEN` */
  constructor(node: ObservedNode, { actions = false }: Observable) {
    const { serviceHost } = node
    this.#node = node
    this.#actions = actions
    this.#clock = serviceHost.clock
    const service = serviceHost.serve(REPORTER, { binaries: 'auto', maps: 'map' }, () => {})
    service.callHandler = (request, from, peer) => this.#answer(request, from, peer)
  }

  #answer(request: Term, from: From, peer: Atom | undefined): Term | typeof noReply {
    if (!isTuple(request) || request.length !== 3) return refusal('badarg')
    const [kind, version, json] = request
    if (kind !== atom('report') && kind !== atom('page') && kind !== atom('act')) return refusal('badarg')
    if (version !== 1) return refusal('version')
    if (typeof json !== 'string') return refusal('badarg')
    if (!this.#admits(peer, kind === atom('page') ? PAGE : 1)) return refusal('busy')
    if (kind === atom('act') && !this.#actions) return refusal('refused')
    void this.#work(kind.name, json, peer?.name ?? this.#node.name).then((reply) => from.reply(reply))
    return noReply
  }

  async #work(kind: string, json: string, peer: string): Promise<Term> {
    try {
      const { answerOf } = await import('./answer.ts')
      return tuple(OK, await answerOf(this.#node, this.#actions, kind, json, peer))
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return refusal('badarg')
      const text = error instanceof TsunagiError ? error.message : 'it could not be answered'
      return tuple(ERROR, tuple(atom('failed'), text))
    }
  }

  #admits(peer: Atom | undefined, cost: number): boolean {
    if (peer === undefined) return true
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#second || this.#asked.size > MAX_PEERS) this.#asked.clear()
    this.#second = second
    const asked = (this.#asked.get(peer) ?? 0) + cost
    this.#asked.set(peer, asked)
    return asked <= QUESTIONS
  }
}

function refusal(why: string): Term {
  return tuple(ERROR, atom(why))
}
