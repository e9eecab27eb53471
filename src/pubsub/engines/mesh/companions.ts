import { TsunagiError } from '../../../base/errors.ts'
import type { WaitOptions } from '../../../node/waiting.ts'
import type { ServiceProcess } from '../../../process/service-process.ts'
import { type Atom, atom, isTuple, type Pid, type Term, tuple } from '../../../term/index.ts'
import { isList } from '../../../term/tuple.ts'
import type { EngineContext, RetainedStamp } from '../../engine.ts'
import { EXACT } from '../../retained.ts'
import { readStamp } from './messages.ts'
import { shareScope } from './shared-scope.ts'

/** The scope in which the nodes of this package find each other, with a group for each pub/sub. */
const SCOPE = 'tsunagi.pubsub'
const COUNT = atom('count')
const RETAINED = atom('retained')
const SHUTDOWN = atom('shutdown')
const ERROR = atom('error')
/** Bytes of retained values in one answer, after which the asker asks again. */
const ANSWER_BYTES = 1024 * 1024

/**
 * What the nodes of this package say to each other beside Phoenix.PubSub's protocol, each by a process in a pg scope of their
 * own; BEAM nodes hear nothing of it.
 *
 *     call  {count, Topic}                                    → Count
 *     call  {retained, [{Topic, Time, Node}]} (what I have)   → {More, [{Topic, Message, {Time, Node}}]} (what is later here)
 */
export class Companions {
  readonly #context: EngineContext
  readonly #process: ServiceProcess
  readonly #release: () => void
  readonly #stop: () => void
  readonly #byNode = new Map<Atom, Pid>()
  /** Nodes whose retained values are still to be asked for, one after the other: most have the same ones. */
  readonly #toAsk = new Set<Atom>()
  #asking = false
  readonly #over = new AbortController()

  /** @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED` */
  constructor(context: EngineContext) {
    this.#context = context
    const { host, name } = context
    const { scope, release } = shareScope(host, SCOPE)
    this.#release = release
    this.#process = host.serviceHost.serve(undefined, { binaries: 'auto', maps: 'auto' }, () => {})
    this.#process.callHandler = (request) => this.#answer(request)
    const joined = (group: Term, pids: readonly Pid[]): void => {
      if (group === name) for (const pid of pids) this.#joined(pid)
    }
    const left = (group: Term, pids: readonly Pid[]): void => {
      if (group === name) for (const pid of pids) this.#left(pid)
    }
    scope.on('join', joined)
    scope.on('leave', left)
    this.#stop = () => {
      scope.off('join', joined)
      scope.off('leave', left)
    }
    joined(name, scope.members(name))
    scope.join(name, this.#process.pid)
  }

  /** Subscriptions of a topic on other nodes; those that do not answer are missing. */
  async count(topic: string, options: WaitOptions): Promise<Map<string, number>> {
    const asked = Array.from(this.#byNode, async ([node, pid]) => {
      const count = await this.#context.host.call(pid, tuple(COUNT, topic), options)
      return [node.name, count] as const
    })
    const counts = new Map<string, number>()
    for (const result of await Promise.allSettled(asked)) {
      if (result.status === 'fulfilled' && Number.isSafeInteger(result.value[1])) {
        counts.set(result.value[0], result.value[1] as number)
      }
    }
    options.signal?.throwIfAborted()
    if (this.#over.signal.aborted) throw this.#over.signal.reason
    return counts
  }

  close(): void {
    this.#stop()
    this.#over.abort(new TsunagiError('ERR_CLOSED', `the pub/sub ${this.#context.name} is closed`))
    this.#process.end(SHUTDOWN)
    this.#release()
    this.#byNode.clear()
    this.#toAsk.clear()
  }

  #joined(pid: Pid): void {
    if (pid.node === this.#context.host.name) return
    this.#byNode.set(pid.nodeAtom, pid)
    if (this.#context.retained === undefined) return
    this.#toAsk.add(pid.nodeAtom)
    void this.#askAll()
  }

  #left(pid: Pid): void {
    if (this.#byNode.get(pid.nodeAtom)?.equals(pid) !== true) return
    this.#byNode.delete(pid.nodeAtom)
    this.#toAsk.delete(pid.nodeAtom)
  }

  #answer(request: Term): Term {
    if (isTuple(request) && request.length === 2) {
      const [what, about] = request
      if (what === COUNT && typeof about === 'string') return this.#context.localCount(about)
      if (what === RETAINED && isList(about)) return this.#laterThan(about)
    }
    return tuple(ERROR, atom('badarg'))
  }

  #laterThan(digest: readonly Term[]): Term {
    const known = new Map<string, RetainedStamp>()
    for (const entry of digest) {
      if (!isTuple(entry) || entry.length !== 3 || typeof entry[0] !== 'string') continue
      const stamp = readStamp(tuple(entry[1], entry[2]))
      if (stamp !== undefined) known.set(entry[0], stamp)
    }
    const { values, more } = this.#context.retained?.laterThan(known, ANSWER_BYTES) ?? { values: [], more: false }
    return tuple(
      more,
      values.map(({ topic, stamp, encoded }) =>
        tuple(topic, encoded as unknown as Term, tuple(stamp.time, stamp.node)),
      ),
    )
  }

  async #askAll(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    for (const node of this.#toAsk) {
      this.#toAsk.delete(node)
      try {
        await this.#ask(node)
      } catch (error) {
        // It went away, or does not answer: others have the same values, or it is asked when it is back.
        const { logger, name } = this.#context
        logger.debug(
          { err: error, pubsub: name, node: node.name },
          `pub/sub ${name}: no retained values of ${node.name}`,
        )
      }
    }
    this.#asking = false
  }

  async #ask(node: Atom): Promise<void> {
    const { retained, host } = this.#context
    if (retained === undefined) return
    // No more than what can be kept here, or a node that keeps more would be asked for ever.
    for (let left = retained.maxBytes; left > 0; left -= ANSWER_BYTES) {
      const pid = this.#byNode.get(node)
      if (pid === undefined) return
      const digest = Array.from(retained.all(), ({ topic, stamp }) => tuple(topic, stamp.time, stamp.node))
      const answer = await host.call(pid, tuple(RETAINED, digest), { terms: EXACT, signal: this.#over.signal })
      if (!isTuple(answer) || answer.length !== 2 || !isList(answer[1])) return
      let news = 0
      for (const value of answer[1]) if (this.#take(value)) news++
      // An answer without news would come again and again.
      if (answer[0] !== true || news === 0) return
    }
  }

  /** False for what is no news. */
  #take(value: Term): boolean {
    if (!isTuple(value) || value.length !== 3 || typeof value[0] !== 'string') return false
    const stamp = readStamp(value[2])
    return stamp !== undefined && this.#context.restored(value[0], stamp, value[1])
  }
}
