import { TsunagiError } from '../../base/errors.ts'
import type { Term } from '../../term/term.ts'
import { Child } from './child.ts'

/** Why a supervisor cannot do what it was asked to do with a child; OTP's names. */
export type ChildErrorReason = 'already_present' | 'already_started' | 'not_found' | 'restarting' | 'running'

const texts: Readonly<Record<ChildErrorReason, string>> = {
  already_present: 'is there already, but does not run',
  already_started: 'is there already, and runs',
  not_found: 'is no child of this supervisor',
  restarting: 'is about to be restarted',
  running: 'runs',
}

/** A supervisor does not have a child, or not in the state that is needed. `code` is `ERR_CHILD`. */
export class ChildError extends TsunagiError {
  declare readonly code: 'ERR_CHILD'
  readonly reason: ChildErrorReason

  constructor(reason: ChildErrorReason, which: Child | Term) {
    const whom = which instanceof Child ? (which.spec.id ?? which.pid) : which
    super('ERR_CHILD', `${String(whom)} ${texts[reason]}`)
    this.reason = reason
  }

  static {
    ChildError.prototype.name = 'ChildError'
  }
}
