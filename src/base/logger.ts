import { printableLines } from './terminal-text.ts'

/**
 * What this package needs of a logger: pino and every logger of its shape fit as they are. The first argument is
 * data, the second the sentence.
 */
export interface Logger {
  debug(data: object, message: string): void
  info(data: object, message: string): void
  warn(data: object, message: string): void
  error(data: object, message: string): void
}

/** The default: warnings and errors as a line on stderr, nothing else. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (_data, message) => print(message),
  error: (_data, message) => print(message),
}

/** A sentence may quote what a peer said. */
function print(message: string): void {
  process.stderr.write(`tsunagi: ${printableLines(message)}\n`)
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
