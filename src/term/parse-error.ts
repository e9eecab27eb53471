import { TsunagiError } from '../base/errors.ts'

/** How much of a line the picture shows on either side of the place. */
const AROUND = 40

/**
 * Text that is no Erlang term. `code` is `ERR_PARSE`; the message ends with the line at fault and a caret below the place.
 *
 *     expected "," or "]", found 2 (line 1, column 4)
 *       [1 2]
 *          ^
 */
export class ParseError extends TsunagiError {
  /** Where in the text, counted as JavaScript counts (`text[offset]`). */
  readonly offset: number
  /** From 1. */
  readonly line: number
  /** In characters (code points), from 1. */
  readonly column: number
  /** How it may have been meant, when the mistake is a known one. */
  readonly hint: string | undefined

  constructor(problem: string, text: string, offset: number, hint?: string) {
    const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
    const end = text.indexOf('\n', offset)
    const line = text.slice(0, start).split('\n').length
    const column = [...text.slice(start, offset)].length + 1
    const advice = hint === undefined ? '' : `: ${hint}`
    const picture = drawing(text.slice(start, end === -1 ? text.length : end), offset - start)
    super('ERR_PARSE', `${problem} (line ${line}, column ${column})${advice}\n${picture}`)
    this.offset = offset
    this.line = line
    this.column = column
    this.hint = hint
  }

  static {
    ParseError.prototype.name = 'ParseError'
  }
}

function drawing(line: string, at: number): string {
  const from = Math.max(0, at - AROUND)
  const before = `${from > 0 ? '…' : ''}${visible(line.slice(from, at))}`
  const after = `${visible(line.slice(at, at + AROUND))}${at + AROUND < line.length ? '…' : ''}`
  return `  ${before}${after}\n  ${' '.repeat([...before].length)}^`
}

/** Control characters would move the caret, or do worse to a terminal. */
function visible(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, ' ')
}
