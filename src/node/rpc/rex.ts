import { TsunagiError } from '../../base/errors.ts'
import type { From } from '../../process/from.ts'
import { noReply } from '../../process/gen-server.ts'
import type { ServiceProcess } from '../../process/service-process.ts'
import { type Atom, atom, decode, encode, isAtom, isTuple, Pid, type Term, tuple } from '../../term/index.ts'
import type { NodeHost } from '../service.ts'
import { type Outcome, rpcReply, unencodable } from './outcome.ts'
import type { Application, Runner, RunnerBody } from './runner.ts'
import { runBody } from './spawn-requests.ts'

const REX = atom('rex')
const CALL = atom('call')
const BLOCK_CALL = atom('block_call')
const CAST = atom('cast')
const GEN_CAST = atom('$gen_cast')
const SBCAST = atom('sbcast')
const SEND = atom('send')
const FEATURES_REQUEST = atom('features_request')
const BADRPC = atom('badrpc')
const SYSTEM_LIMIT = atom('system_limit')

const UNTIED = { link: false, monitor: undefined } as const

/** Nothing gets lost, so that arguments can be made into what the function wants. */
const LOSSLESS = { binaries: 'bytes', maps: 'map', floats: 'exact' } as const

/**
 * The server `rex`, which is what `rpc` was before `erpc` and what C and Java nodes, `rpc:block_call` and `rpc:sbcast`
 * still use. It reaches exposed functions only, and asks nobody to wait for another's call: `block_call` is served as
 * `call` is.
 */
export class Rex {
  readonly #host: NodeHost
  readonly #runner: Runner
  readonly #process: ServiceProcess

  constructor(host: NodeHost, runner: Runner) {
    this.#host = host
    this.#runner = runner
    this.#process = host.processes.serve('rex', LOSSLESS, (message, peer) => this.#handle(message, peer))
    this.#process.callHandler = (request, from, peer) => this.#handleCall(request, from, peer)
  }

  #handleCall(request: Term, from: From, peer: Atom | undefined): Term | typeof noReply {
    if (peer === undefined) return tuple(BADRPC, atom('badarg'))
    // In somebody else's name: whoever that is did not ask.
    if (from.pid.nodeAtom !== peer) return noReply
    const application = this.#application(request, [CALL, BLOCK_CALL], from.pid)
    if (application === undefined) return tuple(BADRPC, atom('badarg'))
    this.#call(application, (reply) => from.reply(reply))
    return noReply
  }

  #handle(message: Term, peer: Atom | undefined): void {
    // What seems to come from this node can be an answer that a peer had one of our servers send here: it proves nothing.
    if (peer === undefined || !isTuple(message) || message.length !== 2) return
    const [from, request] = message
    if (from === GEN_CAST) return this.#cast(request, peer)
    if (!(from instanceof Pid) || from.nodeAtom !== peer) return
    if (request === FEATURES_REQUEST) {
      return this.#send(from, tuple(atom('features_reply'), this.#host.self, [atom('erpc')]))
    }
    if (!isTuple(request)) return
    // The form of C nodes, erl_call among them.
    const application = this.#application(request, [CALL], from)
    if (application !== undefined) return this.#call(application, (reply) => this.#send(from, tuple(REX, reply)))
    if (request.length === 3 && isAtom(request[1])) this.#pass(from, request[0], request[1], request[2])
  }

  /** `rpc:sbcast`: a message for a name here, and word of whether there is one. */
  #pass(from: Pid, how: Term, name: Atom, message: Term): void {
    if (how !== SBCAST && how !== SEND) return
    const { options, processes, self } = this.#host
    const to = processes.inbound.receiverByName(name)
    if (to === undefined) return this.#send(from, tuple(REX, self, tuple(atom('nonexisting_name'), name)))
    // As if its link had brought it: with its size, and as a message of that peer.
    const encoded = encode(how === SEND ? tuple(from, message) : message)
    const given = decode(encoded, { ...(to.terms ?? options.terms), limits: options.limits })
    to.deliver(given, encoded.length, from.nodeAtom)
    if (how === SBCAST) this.#send(from, tuple(REX, self, self))
  }

  #cast(request: Term, peer: Atom): void {
    // It does not say which process it is from.
    const application = this.#application(request, [CAST], this.#process.pid, peer)
    if (application !== undefined) this.#runner.start(application, UNTIED, runBody(this.#runner, application))
  }

  #call(application: Application, reply: (reply: Term) => void): void {
    const answer = (outcome: Outcome): void => {
      try {
        reply(rpcReply(outcome))
      } catch (error) {
        reply(rpcReply(unencodable(error)))
      }
    }
    const body: RunnerBody = (running) => this.#runner.conclude(application, running, answer)
    const pid = this.#runner.start(application, UNTIED, body)
    if (pid === undefined) answer({ kind: 'refused', reason: SYSTEM_LIMIT })
  }

  /** `{call, Module, Function, Args, GroupLeader}` and its like; there are no group leaders here. */
  #application(
    request: Term,
    labels: readonly Atom[],
    from: Pid,
    caller: Atom = from.nodeAtom,
  ): Application | undefined {
    if (!isTuple(request) || request.length !== 5 || !labels.some((label) => label === request[0])) return undefined
    const [, module, name, given] = request
    if (!Array.isArray(given) || isTuple(given)) return undefined
    const terms = this.#runner.entryOf({ module, name, args: given })?.terms
    const args = this.#asOurs(given, terms) as readonly Term[]
    return { caller: caller.name, from, module, name, args }
  }

  /** What came without any loss, as the node or a function wants its terms. */
  #asOurs(term: Term, terms = this.#host.options.terms): Term {
    return decode(encode(term), { ...terms, limits: this.#host.options.limits })
  }

  #send(to: Pid, message: Term): void {
    try {
      this.#process.send(to, message)
    } catch (error) {
      // It asks and does not read.
      if (!(error instanceof TsunagiError && error.code === 'ERR_LINK_FULL')) throw error
    }
  }
}
