import { type Atom, atom, isAtom, isTuple, Pid, type Term } from '../../term/index.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { GlobalState } from './global-state.ts'
import { EXACT, type NameEntry, type Operation } from './messages.ts'
import type { ResolveMethods } from './resolve.ts'
import { compareAtoms } from './term-order.ts'

const GLOBAL = 'global'
const RESOLVE_IT = 'resolve_it'
const EXIT = atom('EXIT')
const NONE = atom('none')

/** What becomes of the names of two partitions: the changes in ours, and those in the partner's. */
export interface Compared {
  readonly ours: readonly Operation[]
  readonly theirs: readonly Operation[]
}

/** What a resolve function said; `failed`: it crashed, or could not be asked, and the partner's process has the name. */
type Verdict = Pid | 'none' | 'failed' | { readonly nonsense: Term }

/** Compares the names of two partitions (`exchange_names`). */
export class NameExchange {
  readonly #state: GlobalState
  readonly #methods: ResolveMethods
  readonly #rpc: Pick<Rpc, 'call'>

  constructor(state: GlobalState, methods: ResolveMethods, rpc: Pick<Rpc, 'call'>) {
    this.#state = state
    this.#methods = methods
    this.#rpc = rpc
  }

  /**
   * Goes through a partner's names. Those both have, for different processes, are decided by the node whose name is the
   * lesser, so that each resolve function runs once; it runs where that node's process lives.
   *
   * @throws the signal's reason
   */
  async compare(names: readonly NameEntry[], partner: Atom, signal: AbortSignal): Promise<Compared> {
    const ours: Operation[] = []
    const theirs: Operation[] = []
    for (const entry of names) {
      signal.throwIfAborted()
      const own = this.#state.names.find(entry.name)
      if (own === undefined) {
        ours.push({ insert: entry })
        continue
      }
      if (own.pid.equals(entry.pid) || compareAtoms(this.#state.self, partner) > 0) continue
      const verdict = await this.#ask(own, entry, signal)
      if (verdict === 'failed') {
        this.#note(entry, own, 'could not decide')
        ours.push({ insert: entry })
      } else if (verdict instanceof Pid && verdict.equals(entry.pid)) {
        ours.push({ insert: entry })
      } else if (verdict instanceof Pid && verdict.equals(own.pid)) {
        theirs.push({ insert: own })
      } else {
        if (verdict !== 'none') this.#note(entry, own, `returned ${String(nonsenseOf(verdict))}`)
        ours.push({ remove: entry.name })
        theirs.push({ remove: entry.name })
      }
    }
    return { ours, theirs }
  }

  async #ask(own: NameEntry, { name, pid }: NameEntry, signal: AbortSignal): Promise<Verdict> {
    const { method, pid: ownPid } = own
    const node = ownPid.nodeAtom
    let answer: Term
    try {
      if (node === this.#state.self) answer = await this.#methods.run(method, name, pid, ownPid)
      else {
        const options = { timeout: Number.POSITIVE_INFINITY, signal, terms: EXACT }
        answer = await this.#rpc.call(node.name, GLOBAL, RESOLVE_IT, [method, name, pid, ownPid], options)
      }
    } catch {
      signal.throwIfAborted()
      return 'failed'
    }
    signal.throwIfAborted()
    if (answer instanceof Pid) return answer
    if (isAtom(answer) && answer === NONE) return 'none'
    // `rpc:call` takes this for a crash of what it called.
    if (isTuple(answer) && answer.length === 2 && answer[0] === EXIT) return 'failed'
    return { nonsense: answer }
  }

  #note({ name }: NameEntry, { method }: NameEntry, what: string): void {
    this.#state.log('info', `global: the resolve function ${String(method)} for the name ${String(name)} ${what}`)
  }
}

function nonsenseOf(verdict: Verdict): Term {
  return typeof verdict === 'object' && 'nonsense' in verdict ? verdict.nonsense : (verdict as Pid)
}
