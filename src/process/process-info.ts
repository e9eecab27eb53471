import type { Pid } from '../term/identifiers.ts'
import type { LocalProcess } from './local-process.ts'

/** What can be seen of a process from outside: OTP's `process_info/1`. */
export interface ProcessInfo {
  readonly pid: Pid
  /** The name it is registered under, if it is. */
  readonly name: string | undefined
  /** Messages that wait in its mailbox. */
  readonly mailboxLength: number
  /** Their size in bytes, as they came over the wire; messages of local senders count nothing. */
  readonly mailboxBytes: number
  /** Messages lost because the mailbox was full; only for a process spawned with `overflow: 'drop'`. */
  readonly dropped: number
  readonly trapExit: boolean
}

export function infoOf({ pid, name, mailbox, dropped, trapExit }: LocalProcess): ProcessInfo {
  return { pid, name, mailboxLength: mailbox.length, mailboxBytes: mailbox.bytes, dropped, trapExit }
}
