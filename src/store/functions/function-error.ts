import { type ErrorCode, type ErrorInit, TsunagiError } from '../../base/errors.ts'

/** Why a source cannot be distributed, and where. */
export interface SourceProblem {
  /** A sentence without its place. */
  readonly message: string
  /** Line in the function's own text, which begins with line 1. */
  readonly line: number
  /** Column in that line, from 1. */
  readonly column: number
  /** The variable at fault, if it is one. */
  readonly variable?: string
}

/** Codes of a {@link FunctionError}. */
export type FunctionErrorCode = Extract<ErrorCode, `ERR_FUNCTION_${string}`>

/** Options of a {@link FunctionError}. */
export interface FunctionErrorInit extends ErrorInit {
  /** The function's name, if it has one yet. */
  readonly function?: string | undefined
  readonly problems?: readonly SourceProblem[]
}

/** A distributed function that cannot be defined, found or run. What the function itself throws is thrown as it is. */
export class FunctionError extends TsunagiError {
  declare readonly code: FunctionErrorCode
  /** The function's name, if it has one yet. */
  readonly function: string | undefined
  /** With `ERR_FUNCTION_SOURCE`: everything that is wrong with it. */
  readonly problems: readonly SourceProblem[]

  constructor(code: FunctionErrorCode, message: string, init: FunctionErrorInit = {}) {
    super(code, message, init)
    this.function = init.function
    this.problems = init.problems ?? []
  }

  static {
    FunctionError.prototype.name = 'FunctionError'
  }
}

const SHOWN = 5

/** The error for a source with problems; its message has the first few. */
export function sourceError(
  name: string | undefined,
  problems: readonly SourceProblem[],
  cause?: unknown,
): FunctionError {
  const shown = problems
    .slice(0, SHOWN)
    .map(({ message, line, column }) => `${message} (line ${line}, column ${column})`)
  if (problems.length > SHOWN) shown.push(`and ${problems.length - SHOWN} more`)
  const message = `${quoted(name)} cannot be distributed: ${shown.join('; ')}`
  return new FunctionError('ERR_FUNCTION_SOURCE', message, { function: name, problems, cause })
}

/** How messages name a function. */
export function quoted(name: string | undefined): string {
  return name === undefined ? 'the function' : `the function ${JSON.stringify(name)}`
}
