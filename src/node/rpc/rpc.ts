import type { Timer } from '../../base/clock.ts'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import { checkNodeName } from '../../base/node-name.ts'
import { duration, knownOnly } from '../../base/options.ts'
import { DFLAG } from '../../dist/flags.ts'
import type { Link } from '../../dist/link.ts'
import type { RemoteSpawn, SpawnListener } from '../../process/remote-spawn.ts'
import { type Atom, atom, type DecodeOptions, isTuple, type Term, tuple } from '../../term/index.ts'
import type { NodeHost, NodeService } from '../service.ts'
import { checkAtom } from './exposed.ts'
import { type Outcome, readErpcReply, readRpcReply, resultOf } from './outcome.ts'
import { noConnection, type RpcTarget, timedOut } from './rpc-error.ts'
import type { Runner } from './runner.ts'

/** Options of `node.rpc`. */
export interface RpcOptions {
  /** Milliseconds until it rejects with `ERR_TIMEOUT`. Default 5000; `Infinity` waits for ever. */
  readonly timeout?: number
  /** Gives the call up; it rejects with the signal's reason. The function may run on. */
  readonly signal?: AbortSignal | undefined
  /** How the result is decoded. Default: as the node's other terms. */
  readonly terms?: DecodeOptions
}

const EXECUTE_CALL = [atom('erpc'), atom('execute_call')] as const
const EXECUTE_CAST = [atom('erpc'), atom('execute_cast')] as const
const REX = atom('rex')
const NOCONNECTION = atom('noconnection')
/** The leader of a group nobody prints to. */
const USER = atom('user')
const MONITORED: Term = [atom('monitor')]

/** What is to be called, checked. */
interface Question extends RpcTarget {
  readonly peer: Atom
  readonly args: readonly Term[]
}

/**
 * Calls functions of other nodes as OTP's `erpc` does: a process is spawned there, watched, and its exit reason is the
 * result. Peers that do not spawn for others are asked through their server `rex`.
 */
export class Rpc implements NodeService {
  readonly #host: NodeHost
  readonly #runner: Runner
  readonly #pending = new Set<PendingRpc>()

  constructor(host: NodeHost, runner: Runner) {
    this.#host = host
    this.#runner = runner
  }

  /**
   * Calls a function. On this node itself, one that is exposed.
   *
   * @throws RpcError, see there; TsunagiError `ERR_ENCODE`, `ERR_LINK_FULL`, `ERR_CLOSED`; OptionError.
   */
  call(
    node: string,
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: RpcOptions = {},
  ): Promise<Term> {
    const { timeout = 5000, signal, terms } = options
    try {
      const question = check(node, module, name, args)
      knownOnly(options, ['timeout', 'signal', 'terms'])
      duration(timeout, 'timeout')
      signal?.throwIfAborted()
      const pending = new PendingRpc(question, terms, () => this.#pending.delete(pending))
      this.#pending.add(pending)
      this.#limit(pending, timeout, signal)
      if (question.peer === this.#host.self) this.#callHere(question, pending)
      else this.#callThere(question, pending)
      return pending.result
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Has a function run and wants to hear nothing of it. False when the link is over its high-water mark.
   *
   * @throws TsunagiError `ERR_ENCODE`, `ERR_LINK_FULL`, `ERR_CLOSED`; OptionError.
   */
  cast(node: string, module: string, name: string, args: readonly Term[] = []): boolean {
    const question = check(node, module, name, args)
    const { peers, processes, self } = this.#host
    const { peer } = question
    if (peer === self) {
      this.#runner.cast({ caller: self.name, from: processes.pid, ...question })
      return true
    }
    const link = peers.linkTo(peer)
    if (link !== undefined) return this.#cast(question, link)
    if (peers.hold(peer, (opened) => this.#cast(question, opened)) === 'full') throw dialQueueFull(peer)
    return true
  }

  /** The node closes: nobody will answer any more. */
  close(): void {
    for (const pending of [...this.#pending]) pending.fail(new TsunagiError('ERR_CLOSED', 'the node is closed'))
  }

  #limit(pending: PendingRpc, timeout: number, signal: AbortSignal | undefined): void {
    const { clock } = this.#host.options
    if (timeout !== Number.POSITIVE_INFINITY) pending.timer = clock.after(timeout, () => pending.expire(timeout))
    if (signal === undefined) return
    const abort = (): void => pending.fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    pending.forgetSignal = () => signal.removeEventListener('abort', abort)
  }

  #callHere(question: Question, pending: PendingRpc): void {
    const { processes, self } = this.#host
    const call = { caller: self.name, from: processes.pid, ...question }
    pending.giveUp = this.#runner.call(call, (outcome) => pending.settle(outcome))
  }

  #callThere(question: Question, pending: PendingRpc): void {
    const { peers, processes } = this.#host
    const { peer } = question
    const spawn = processes.remoteSpawn(peer, pending)
    pending.spawn = spawn
    pending.giveUp = () => spawn.abandon()
    const ask = (link: Link): void => {
      if (pending.settled) return
      try {
        if (spawns(link)) this.#spawn(link, spawn, question)
        else this.#askRex(question, pending)
      } catch (error) {
        pending.fail(error)
      }
    }
    const link = peers.linkTo(peer)
    if (link !== undefined) ask(link)
    else if (peers.hold(peer, ask) === 'full') pending.fail(dialQueueFull(peer))
  }

  #spawn(link: Link, { ref }: RemoteSpawn, { module, name, args }: Question): void {
    this.#admit(link)
    link.send.spawnRequest(ref, this.#host.processes.pid, EXECUTE_CALL, [ref, module, name, args], MONITORED)
  }

  #cast(question: Question, link: Link): boolean {
    const { peer, module, name, args } = question
    const { processes } = this.#host
    if (!spawns(link)) return processes.cast({ name: REX, node: peer }, tuple(atom('cast'), module, name, args, USER))
    this.#admit(link)
    // Answers to a request that nobody waits for are dropped.
    const request = processes.remoteSpawn(peer, NOBODY)
    request.abandon()
    return link.send.spawnRequest(request.ref, processes.pid, EXECUTE_CAST, [module, name, args], [])
  }

  #askRex({ peer, module, name, args }: Question, pending: PendingRpc): void {
    const { processes } = this.#host
    pending.spawn?.abandon()
    const given = new AbortController()
    pending.giveUp = () => given.abort()
    const request = tuple(atom('call'), module, name, args, USER)
    const { terms } = pending
    const options = {
      timeout: Number.POSITIVE_INFINITY,
      signal: given.signal,
      ...(terms === undefined ? {} : { terms }),
    }
    processes.call({ name: REX, node: peer }, request, options).then(
      (reply) => pending.settle(readRpcReply(reply)),
      (error: unknown) => {
        if (error instanceof TsunagiError && error.code === 'ERR_NOCONNECTION') pending.down(NOCONNECTION)
        else pending.fail(error)
      },
    )
  }

  /** Requests are no more important than messages. */
  #admit({ peer, send }: Link): void {
    const { linkMax } = this.#host.options.limits
    if (send.queuedBytes <= linkMax) return
    throw new TsunagiError('ERR_LINK_FULL', `more than ${linkMax} bytes are queued for ${peer.name}`)
  }
}

/** A call that waits for its result. */
class PendingRpc implements SpawnListener {
  readonly result: Promise<Term>
  readonly terms: DecodeOptions | undefined
  readonly #target: RpcTarget
  readonly #done: () => void
  #resolve!: (value: Term) => void
  #reject!: (error: unknown) => void
  settled = false
  spawn: RemoteSpawn | undefined
  timer: Timer | undefined
  forgetSignal: (() => void) | undefined
  /** Tells the other side that nobody waits any more. */
  giveUp: (() => void) | undefined

  constructor(target: RpcTarget, terms: DecodeOptions | undefined, done: () => void) {
    this.#target = target
    this.terms = terms
    this.#done = done
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  refused(reason: Term): void {
    this.settle({ kind: 'refused', reason })
  }

  down(reason: Term): void {
    if (reason === NOCONNECTION) this.#finish(() => this.#reject(noConnection(this.#target)))
    else if (this.spawn !== undefined) this.settle(readErpcReply(this.spawn.ref, reason))
  }

  settle(outcome: Outcome): void {
    this.#finish(() => {
      try {
        this.#resolve(resultOf(this.#target, outcome))
      } catch (error) {
        this.#reject(error)
      }
    })
  }

  expire(timeout: number): void {
    this.fail(timedOut(this.#target, timeout))
  }

  fail(error: unknown): void {
    if (this.settled) return
    this.giveUp?.()
    this.#finish(() => this.#reject(error))
  }

  #finish(settle: () => void): void {
    if (this.settled) return
    this.settled = true
    this.timer?.cancel()
    this.forgetSignal?.()
    this.#done()
    settle()
  }
}

const NOBODY: SpawnListener = { terms: undefined, refused() {}, down() {} }

function check(node: string, module: string, name: string, args: readonly Term[]): Question {
  const peer = atom(checkNodeName(node, 'node').full)
  const [moduleAtom, nameAtom] = [atom(checkAtom(module, 'module')), atom(checkAtom(name, 'function'))]
  if (!Array.isArray(args) || isTuple(args)) throw new OptionError('args', args, 'an array of arguments')
  return { node, peer, module: moduleAtom, name: nameAtom, arity: args.length, args }
}

/** Whether the peer spawns for others. */
function spawns(link: Link): boolean {
  return (link.flags & DFLAG.SPAWN) !== 0n
}

function dialQueueFull(peer: Atom): TsunagiError {
  return new TsunagiError('ERR_LINK_FULL', `too many messages wait for ${peer.name}, which is being dialled`)
}
