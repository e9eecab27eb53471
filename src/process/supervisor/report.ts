import { isAtom } from '../../term/atom.ts'
import type { Pid } from '../../term/identifiers.ts'
import type { Term } from '../../term/term.ts'
import { isTuple } from '../../term/tuple.ts'
import { ExitError, withoutStack } from '../exit-reason.ts'
import type { LocalProcess } from '../local-process.ts'
import type { Child } from './child.ts'

const longest = 200

/** What a supervisor says in the log; OTP's supervisor reports in a sentence each. */
export class Reports {
  readonly #supervisor: LocalProcess

  constructor(supervisor: LocalProcess) {
    this.#supervisor = supervisor
  }

  started(child: Child): void {
    this.#log('debug', child, 'started', {})
  }

  /** It is restarted: for the `count`th time of at most `max` within `seconds`. */
  restarts(child: Child, reason: Term, count: number, max: number, seconds: number): void {
    const how = `restarting it (${count} of ${max} restarts allowed in ${seconds} s)`
    this.#log('error', child, `ended: ${reasonText(reason)}; ${how}`, { reason: String(reason), restarts: count })
  }

  /** It ended for good, not in order. */
  ended(child: Child, reason: Term): void {
    this.#log('error', child, `ended: ${reasonText(reason)}`, { reason: String(reason) })
  }

  startFailed(child: Child, error: unknown): void {
    this.#log('error', child, `could not be started: ${errorText(error)}`, { err: error })
  }

  /** It was told to end, and ended otherwise. */
  shutdownFailed(child: Child, pid: Pid, reason: Term): void {
    this.#log('error', child, `did not shut down in order: ${reasonText(reason)}`, { reason: String(reason) }, pid)
  }

  gaveUp(child: Child, max: number, seconds: number): void {
    this.#log('error', child, `ended too often: more than ${max} restarts in ${seconds} s; shutting down`, {})
  }

  unexpected(message: Term): void {
    this.#supervisor.log('warn', `got a message no supervisor expects: ${short(String(message))}`)
  }

  #log(level: 'debug' | 'error', child: Child, what: string, data: object, was = child.pid): void {
    const { logger } = this.#supervisor.table
    const supervisor = this.#supervisor.name ?? String(this.#supervisor.pid)
    const id = child.spec.id === undefined ? undefined : nameOf(child.spec.id)
    const pid = was === undefined ? undefined : String(was)
    const who = id === undefined ? `${pid}` : pid === undefined ? id : `${id} (${pid})`
    const about = { supervisor, ...(id === undefined ? {} : { child: id }), ...(pid === undefined ? {} : { pid }) }
    logger[level]({ ...about, ...data }, `supervisor ${supervisor}: child ${who} ${what}`)
  }
}

/** An exit reason for people: of `{{Name, Message}, Stack}`, which an exception becomes, without the stack. */
function reasonText(reason: Term): string {
  if (isTuple(reason) && reason.length === 2 && Array.isArray(reason[1]) && isTuple(reason[0])) {
    const [name, message] = reason[0]
    if (reason[0].length === 2 && isAtom(name) && typeof message === 'string') return short(`${name.name}: ${message}`)
  }
  return short(String(withoutStack(reason)))
}

function errorText(error: unknown): string {
  const cause = error instanceof ExitError ? (error.cause ?? error) : error
  if (cause instanceof ExitError) return reasonText(cause.reason)
  return cause instanceof Error ? short(`${cause.name}: ${cause.message}`) : short(String(cause))
}

function nameOf(id: NonNullable<Child['spec']['id']>): string {
  return isAtom(id) ? id.name : id
}

function short(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
