import { TsunagiError } from '../base/errors.ts'
import { type Atom, atom } from '../term/atom.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import { isTuple, tuple } from '../term/tuple.ts'
import { From } from './from.ts'
import { GEN_CALL, isFromTuple, SYSTEM } from './gen.ts'
import { noReply } from './gen-server.ts'
import { LocalProcess } from './local-process.ts'
import type { ProcessKind } from './process-info.ts'

const refusal = tuple(atom('error'), atom('not_supported'))

/**
 * Takes a message of a {@link ServiceProcess}. `peer` is the node whose link brought it, whatever the message itself says;
 * undefined for messages of this node, such as `DOWN`. `bytes` is its size on the wire. `as` decodes a peer's message anew
 * with other options, until the handler returns.
 */
export type ServiceHandler = (
  message: Term,
  peer: Atom | undefined,
  bytes: number,
  as: ((terms: DecodeOptions) => Term) | undefined,
) => void

/** Answers a call of a {@link ServiceProcess}: what it returns is the reply, or {@link noReply}. */
export type ServiceCallHandler = (request: Term, from: From, peer: Atom | undefined) => Term | typeof noReply

/**
 * A process that belongs to its node. It has no mailbox that could overflow: each message is handled the moment it
 * arrives, in the order of arrival and before the link it came over can go down. Nobody can end it but who made it, and
 * what its handler throws is logged and costs that one message.
 */
export class ServiceProcess extends LocalProcess {
  /** Set before anything can arrive. */
  handler: ServiceHandler = () => {}
  /** Set where calls are served. Without it every call is refused. */
  callHandler: ServiceCallHandler | undefined

  override deliver(message: Term, bytes: number, peer?: Atom, as?: (terms: DecodeOptions) => Term): void {
    if (this.ended) return
    try {
      if (!this.#answers(message, peer)) this.handler(message, peer, bytes, as)
    } catch (error) {
      this.log('error', 'could not handle a message', { err: error })
    }
  }

  override receiveExit(): void {}

  override get kind(): ProcessKind {
    return 'service'
  }

  /** What it does not serve it refuses at once, so that no caller waits. */
  #answers(message: Term, peer: Atom | undefined): boolean {
    if (!isTuple(message) || message.length !== 3) return false
    const [label, from] = message
    if ((label !== GEN_CALL && label !== SYSTEM) || !isFromTuple(from)) return false
    const asker = new From(this, from)
    const serve = label === GEN_CALL ? this.callHandler : undefined
    const reply = serve === undefined ? refusal : serve(message[2], asker, peer)
    try {
      if (reply !== noReply) asker.reply(reply)
    } catch (error) {
      // Who asked has a tag that cannot be sent back, so that it can wait for nothing.
      if (!(error instanceof TsunagiError)) throw error
    }
    return true
  }
}
