/** A piece of printed text. Brackets know how long what they enclose is on one line. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'open'; readonly text: string; length: number; leaves: boolean }
  | { readonly kind: 'close'; readonly text: string }
  /** A comma or a bar: a line may begin behind it. */
  | { readonly kind: 'break'; readonly text: string }

/** Everything on one line. */
export function oneLine(pieces: readonly Piece[]): string {
  let out = ''
  for (const { text } of pieces) out += text
  return out
}

interface Level {
  readonly indent: number
  /** Whether it is broken into lines. */
  readonly broken: boolean
  /** Nothing but texts, which share lines. */
  readonly packed: boolean
}

/**
 * Lines of at most `width` characters where that can be done, each level indented by `step` spaces more. One pass, after
 * Oppen ("Prettyprinting", 1980): brackets that do not fit the rest of the line are broken, outer ones first.
 */
export function manyLines(pieces: readonly Piece[], width: number, step: number): string {
  const levels: Level[] = []
  let level: Level = { indent: 0, broken: false, packed: false }
  let out = ''
  let column = 0
  const newLine = (indent: number) => {
    out += `\n${' '.repeat(indent)}`
    column = indent
  }
  for (const [i, piece] of pieces.entries()) {
    if (piece.kind === 'close') {
      const { broken } = level
      level = levels.pop() as Level
      if (broken) newLine(level.indent)
    }
    out += piece.text
    column += piece.text.length
    if (piece.kind === 'open') {
      // One more for the comma that may follow.
      const fits = column - piece.text.length + piece.length < width
      const whole = (levels.length > 0 && !level.broken) || fits || pieces[i + 1]?.kind === 'close'
      levels.push(level)
      level = { indent: level.indent + (whole ? 0 : step), broken: !whole, packed: piece.leaves }
      if (level.broken) newLine(level.indent)
    } else if (piece.kind === 'break' && level.broken) {
      const next = pieces[i + 1]?.text.length ?? 0
      if (level.packed && column + 1 + next < width) {
        out += ' '
        column++
      } else {
        newLine(level.indent)
      }
    }
  }
  return out
}
