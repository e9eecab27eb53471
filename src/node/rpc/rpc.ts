import { OptionError, TsunagiError } from '../../base/errors.ts'
import { checkNodeName } from '../../base/node-name.ts'
import { duration, knownOnly } from '../../base/options.ts'
import { DFLAG } from '../../dist/flags.ts'
import type { Link } from '../../dist/link.ts'
import { FollowedCall } from '../../process/call-trace.ts'
import type { RemoteSpawn } from '../../process/remote-spawn.ts'
import { type Atom, atom, type DecodeOptions, isTuple, type Pid, type Term, tuple } from '../../term/index.ts'
import type { NodeHost, NodeService } from '../service.ts'
import { WAIT_OPTIONS, type WaitOptions } from '../waiting.ts'
import { checkAtom } from './exposed.ts'
import { readRpcReply } from './outcome.ts'
import { PendingPid, type PendingRequest, PendingResult } from './pending-request.ts'
import type { RpcTarget } from './rpc-error.ts'
import type { Application, Runner } from './runner.ts'

/** Options of `node.rpc`. */
export interface RpcOptions extends WaitOptions {
  /** How the result is decoded. Default: as the node's other terms. */
  readonly terms?: DecodeOptions
}

const ERPC = atom('erpc')
const EXECUTE_CALL = [ERPC, atom('execute_call')] as const
const EXECUTE_CAST = [ERPC, atom('execute_cast')] as const
const REX = atom('rex')
const NOTSUP = atom('notsup')
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
  readonly #pending = new Set<Opened>()

  constructor(host: NodeHost, runner: Runner) {
    this.#host = host
    this.#runner = runner
  }

  /**
   * Calls a function. On this node itself, one that is exposed.
   *
   * @throws RpcError, see there; TsunagiError `ERR_ENCODE`, `ERR_LINK_FULL`, `ERR_CLOSED`; OptionError.
   */
  async call(
    node: string,
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: RpcOptions = {},
  ): Promise<Term> {
    knownOnly(options, [...WAIT_OPTIONS, 'terms'])
    const question = check(node, module, name, args)
    const pending = new PendingResult(question, options.terms)
    this.#open(pending, options)
    const followed = this.#follow(question)
    if (question.peer === this.#host.self) {
      pending.try(() => {
        pending.giveUp = this.#runner.call(this.#asOwn(question, followed), (outcome) => pending.settle(outcome))
      })
    } else {
      this.#request(pending, question, (link) => {
        if (spawns(link)) this.#spawnCall(link, pending, question, followed?.token)
        else this.#askRex(pending, question)
      })
    }
    try {
      const result = await pending.result
      followed?.end()
      return result
    } catch (error) {
      followed?.end({ error })
      throw error
    }
  }

  /**
   * Calls a function on many nodes at once; the results are in the order of the nodes.
   *
   * @throws OptionError; what goes wrong with one node is in its place.
   */
  async multicall(
    nodes: readonly string[],
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: RpcOptions = {},
  ): Promise<PromiseSettledResult<Term>[]> {
    if (!Array.isArray(nodes)) throw new OptionError('nodes', nodes, 'a list of node names')
    for (const node of nodes) check(node, module, name, args)
    return await Promise.allSettled(nodes.map((node) => this.call(node, module, name, args, options)))
  }

  /**
   * Has a function run and wants to hear nothing of it. False when the link is over its high-water mark.
   *
   * @throws TsunagiError `ERR_ENCODE`, `ERR_LINK_FULL`, `ERR_CLOSED`; OptionError.
   */
  cast(node: string, module: string, name: string, args: readonly Term[] = []): boolean {
    const question = check(node, module, name, args)
    const { peers, self } = this.#host
    const { peer } = question
    if (peer === self) {
      this.#runner.spawn(this.#asOwn(question))
      return true
    }
    const link = peers.linkTo(peer)
    if (link !== undefined) return this.#cast(link, question)
    if (peers.hold(peer, (opened) => this.#cast(opened, question)) === 'full') throw dialQueueFull(peer)
    return true
  }

  /**
   * Spawns a process that runs a function, and resolves to its pid. What becomes of it, nobody hears.
   *
   * @throws as {@link Rpc.call}, apart from what the function raises.
   */
  async spawn(
    node: string,
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: WaitOptions = {},
  ): Promise<Pid> {
    knownOnly(options, WAIT_OPTIONS)
    const question = check(node, module, name, args)
    if (question.peer === this.#host.self) return this.#runner.spawn(this.#asOwn(question))
    const pending = new PendingPid(question)
    this.#open(pending, options)
    this.#request(pending, question, (link) => {
      if (!spawns(link)) return pending.refused(NOTSUP)
      this.#admit(link)
      const { ref } = this.#remote(pending, question)
      link.send.spawnRequest(ref, this.#host.processes.pid, [question.module, question.name], args, [])
    })
    return await pending.result
  }

  /** The node closes: nobody will answer any more. */
  close(): void {
    for (const pending of [...this.#pending]) pending.fail(new TsunagiError('ERR_CLOSED', 'the node is closed'))
  }

  #open(pending: Opened, { timeout = 5000, signal }: WaitOptions): void {
    duration(timeout, 'timeout')
    signal?.throwIfAborted()
    this.#pending.add(pending)
    pending.onSettled = () => this.#pending.delete(pending)
    pending.limit(this.#host.options.clock, timeout, signal)
  }

  /** Sends a request once there is a link. */
  #request<Result>(pending: PendingRequest<Result>, question: Question, send: (link: Link) => void): void {
    const { peers } = this.#host
    const { peer } = question
    const link = peers.linkTo(peer)
    pending.dialError = () => peers.find(peer)?.lastError
    pending.try(() => {
      if (link !== undefined) return send(link)
      // So that it hears of a dial that fails.
      this.#remote(pending, question)
      const attempt = (opened: Link): void => pending.try(() => send(opened))
      if (peers.hold(peer, attempt) === 'full') throw dialQueueFull(peer)
    })
  }

  #remote<Result>(pending: PendingRequest<Result>, { peer }: Question): RemoteSpawn {
    if (pending.spawn === undefined) {
      const spawn = this.#host.processes.remoteSpawn(peer, pending)
      pending.spawn = spawn
      pending.giveUp = () => spawn.abandon()
    }
    return pending.spawn
  }

  #spawnCall(link: Link, pending: PendingResult, question: Question, token: Term): void {
    this.#admit(link)
    const { ref } = this.#remote(pending, question)
    const { module, name, args } = question
    link.send.spawnRequest(ref, this.#host.processes.pid, EXECUTE_CALL, [ref, module, name, args], MONITORED, token)
  }

  #cast(link: Link, { peer, module, name, args }: Question): boolean {
    const { processes } = this.#host
    if (!spawns(link)) return processes.cast({ name: REX, node: peer }, tuple(atom('cast'), module, name, args, USER))
    this.#admit(link)
    const request = processes.remoteSpawn(peer, NOBODY)
    // The answer is for nobody.
    request.abandon()
    return link.send.spawnRequest(request.ref, processes.pid, EXECUTE_CAST, [module, name, args], [])
  }

  #askRex(pending: PendingResult, { peer, module, name, args }: Question): void {
    pending.giveUp?.()
    const stop = new AbortController()
    pending.giveUp = () => stop.abort()
    const { terms } = pending
    const limits = { timeout: Number.POSITIVE_INFINITY, signal: stop.signal }
    const options = terms === undefined ? limits : { ...limits, terms }
    const request = tuple(atom('call'), module, name, args, USER)
    this.#host.processes.call({ name: REX, node: peer }, request, options).then(
      (reply) => pending.settle(readRpcReply(reply)),
      (error: unknown) => {
        if (error instanceof TsunagiError && error.code === 'ERR_NOCONNECTION') pending.down(NOCONNECTION)
        else pending.reject(error)
      },
    )
  }

  #follow({ node, module, name, arity }: Question): FollowedCall | undefined {
    const { processes, self } = this.#host
    const target = () => `${module.name}:${name.name}/${arity}`
    return FollowedCall.begin(processes.tracer, () => ({ kind: 'rpc', self: self.name, node, target: target() }))
  }

  /** What this node itself asks for. */
  #asOwn({ module, name, args }: Question, followed?: FollowedCall): Application {
    const { processes, self } = this.#host
    return { caller: self.name, from: processes.pid, module, name, args, carrier: followed?.carrier }
  }

  /** Requests are no more important than messages. */
  #admit({ peer, send }: Link): void {
    const { linkMax } = this.#host.options.limits
    if (send.queuedBytes <= linkMax) return
    throw new TsunagiError('ERR_LINK_FULL', `more than ${linkMax} bytes are queued for ${peer.name}`)
  }
}

/** What every request has, whatever it is for. */
type Opened = Pick<PendingRequest<unknown>, 'fail' | 'limit' | 'onSettled'>

const NOBODY = { terms: undefined, refused() {}, down() {} }

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
