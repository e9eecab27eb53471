import { TsunagiError } from '../base/errors.ts'
import { encode } from '../term/encode.ts'
import type { Pid } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { type Tuple, tuple } from '../term/tuple.ts'
import { aliasOf } from './gen.ts'
import type { LocalProcess } from './local-process.ts'
import { sendMessage } from './send.ts'

/** Who asked, and how to answer: what `handleCall` gets. It can be kept to answer later, once. */
export class From {
  /** The caller. */
  readonly pid: Pid
  /** What the caller knows its question by. */
  readonly tag: Term
  readonly #server: LocalProcess
  #answered = false

  constructor(server: LocalProcess, from: Tuple) {
    this.#server = server
    this.pid = from[0] as Pid
    this.tag = from[1]
    server.asked()
  }

  /**
   * Answers. A caller that is gone or has given up does not get it, and nobody gets anything from a server that has
   * ended.
   *
   * @returns false when the link to the caller is over its high-water mark, or when it cannot be sent there: the link is
   *   full, the caller's node would get more atoms than it may, or what it knows its question by cannot be sent back.
   *   Then the caller waits until it gives up; no other one suffers for it.
   * @throws TsunagiError `ERR_ENCODE` when the value is no term.
   */
  reply(value: Term): boolean {
    if (this.#server.ended) return false
    if (!this.#answered) this.#server.answered()
    this.#answered = true
    try {
      // An alias is an address of its own and dies with the question; callers before OTP 24 have none.
      return sendMessage(this.#server, aliasOf(this.tag) ?? this.pid, tuple(this.tag, value))
    } catch (error) {
      if (!(error instanceof TsunagiError) || !this.#isCallers(error)) throw error
      // At debug only: a peer can cause as many as it likes.
      const { pid, table } = this.#server
      table.logger.debug(
        { pid: pid.toString(), err: error },
        `process ${pid} cannot reply to ${this.pid}: ${error.message}`,
      )
      return false
    }
  }

  /** Whether a reply failed because of who asked, not because of what is replied. */
  #isCallers({ code }: TsunagiError): boolean {
    if (code === 'ERR_LINK_FULL' || code === 'ERR_ATOM_LIMIT') return true
    try {
      encode(this.tag)
      return false
    } catch {
      return true
    }
  }
}
