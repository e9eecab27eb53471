/**
 * What a terminal would obey, or what would show a text in another order than it is in: control characters of both sets,
 * separators of lines, and overrides of direction. Marks of direction, which texts from right to left need, stay.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const COMMANDS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** Text of others as one line: what a terminal would obey is a dot. */
export function printable(text: string): string {
  return text.replace(COMMANDS, '·')
}

/** The same for a text of several lines. All but the first are indented, so that none can pass for one of its own. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n  ')
}
