import { TsunagiError } from '../base/errors.ts'
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

  constructor(server: LocalProcess, from: Tuple) {
    this.#server = server
    this.pid = from[0] as Pid
    this.tag = from[1]
  }

  /**
   * Answers. A caller that is gone or has given up does not get it, and nobody gets anything from a server that has
   * ended.
   *
   * @returns false when the link to the caller is over its high-water mark, or so full that the reply was dropped.
   * @throws TsunagiError `ERR_ENCODE` when the value is no term.
   */
  reply(value: Term): boolean {
    if (this.#server.ended) return false
    try {
      // An alias is an address of its own and dies with the question; callers before OTP 24 have none.
      return sendMessage(this.#server, aliasOf(this.tag) ?? this.pid, tuple(this.tag, value))
    } catch (error) {
      if (error instanceof TsunagiError && error.code === 'ERR_LINK_FULL') return false
      throw error
    }
  }
}
