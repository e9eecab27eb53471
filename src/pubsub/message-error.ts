import { TsunagiError } from '../base/errors.ts'
import type { StandardIssue } from '../node/rpc/standard-schema.ts'

/** How many issues a message shows. */
const SHOWN = 3

/** The schema of a typed topic refused a message. `code` is `ERR_SCHEMA`. Comes with the event `dropped`; never thrown. */
export class MessageError extends TsunagiError {
  readonly topic: string
  /** What is wrong, as the schema says it. */
  readonly issues: readonly StandardIssue[]

  constructor(topic: string, issues: readonly StandardIssue[]) {
    const shown = issues.slice(0, SHOWN).map(({ message }) => message)
    if (issues.length > SHOWN) shown.push(`and ${issues.length - SHOWN} more`)
    super('ERR_SCHEMA', `a message of ${JSON.stringify(topic)}: ${shown.join('; ')}`)
    this.topic = topic
    this.issues = issues
  }

  static {
    MessageError.prototype.name = 'MessageError'
  }
}
