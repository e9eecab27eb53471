import { TsunagiError } from '../../base/errors.ts'
import type { StandardIssue } from './standard-schema.ts'

/** What a schema found wrong. */
export interface SchemaIssue {
  readonly message: string
  /** Where: in arguments the first step is the number of the argument, from 0. */
  readonly path: readonly PropertyKey[]
}

/** How many issues a message shows. */
const SHOWN = 3

/**
 * A schema of a proxy refused arguments, which were not sent then, or a result. `code` is `ERR_SCHEMA`.
 */
export class SchemaError extends TsunagiError {
  readonly issues: readonly SchemaIssue[]
  /** What was refused. */
  readonly of: 'args' | 'result'

  constructor(where: string, of: 'args' | 'result', issues: readonly StandardIssue[]) {
    const plain = issues.map(({ message, path = [] }) => ({ message, path: path.map(keyOf) }))
    const shown = plain.slice(0, SHOWN).map(({ message, path }) => `${of}${path.map(step).join('')}: ${message}`)
    if (plain.length > SHOWN) shown.push(`and ${plain.length - SHOWN} more`)
    super('ERR_SCHEMA', `${where}: ${shown.join('; ')}`)
    this.of = of
    this.issues = plain
  }

  static {
    SchemaError.prototype.name = 'SchemaError'
  }
}

function keyOf(step: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof step === 'object' ? step.key : step
}

function step(key: PropertyKey): string {
  return typeof key === 'string' && /^[a-z_$][\w$]*$/i.test(key) ? `.${key}` : `[${String(key)}]`
}
