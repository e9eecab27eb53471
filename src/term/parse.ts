import { defaultLimits, type Limits } from '../base/limits.ts'
import { Parser } from './parser.ts'
import type { DecodeOptions, Term } from './term.ts'

/** Options of {@link parse}. */
export interface ParseOptions extends DecodeOptions {
  /**
   * `'exact'` (default, unlike `decode`): `1.0` becomes a `Float`, so that it is sent as it was typed; `'number'`: the
   * number 1.
   */
  readonly floats?: 'number' | 'exact'
  /**
   * The creation of a node, for pids, ports and references that are written without one: `#Pid<a@host.85.0>`. Default:
   * those are refused, since a node drops what is sent to an identifier with another creation than its own.
   */
  readonly creation?: (node: string) => number | undefined
  /** Bounds on depth and on the bytes that the binaries of one text take; see `docs/limits.md`. */
  readonly limits?: Partial<Pick<Limits, 'termDepth' | 'inflatedBytes'>>
}

/**
 * Reads one term in Erlang syntax, with comments, and with or without the final dot.
 *
 * Beyond what `erl_parse:parse_term/1` takes it reads what `print` writes for pids, ports and references:
 * `#Pid<a@host.85.0/1699>`. Keys that a map has twice are refused.
 *
 * @throws ParseError (`ERR_PARSE`) with the place, a picture of it, and a hint for common mistakes.
 *
 * @example
 * parse('{ok, #{name => <<"Ada">>, tags => [a, "chars", 1.5]}}')
 */
export function parse(text: string, options: ParseOptions = {}): Term {
  return parser(text, options).one()
}

/**
 * Reads all the terms of a text, each ended by a dot, as `file:consult/1` does: `sys.config`, `.hosts.erlang`.
 *
 * @throws ParseError (`ERR_PARSE`)
 */
export function parseAll(text: string, options: ParseOptions = {}): Term[] {
  return parser(text, options).all()
}

function parser(text: string, options: ParseOptions): Parser {
  return new Parser(text, { floats: 'exact', ...options }, { ...defaultLimits, ...options.limits })
}
