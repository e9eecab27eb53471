import type { Pid } from '../term/identifiers.ts'
import type { LocalProcess } from './local-process.ts'

/** What a process is: one of `spawn`, a GenServer, a supervisor, or one that belongs to its node. */
export type ProcessKind = 'process' | 'server' | 'supervisor' | 'service'

/** What can be seen of a process from outside: OTP's `process_info/1`. */
export interface ProcessInfo {
  readonly pid: Pid
  /** The name it is registered under, if it is. */
  readonly name: string | undefined
  readonly kind: ProcessKind
  /** Messages that wait in its mailbox. */
  readonly mailboxLength: number
  /** Their size in bytes, as they came over the wire; messages of local senders count nothing. */
  readonly mailboxBytes: number
  /** Messages lost because the mailbox was full; only for a process spawned with `overflow: 'drop'`. */
  readonly dropped: number
  readonly trapExit: boolean
  /** Processes it is linked with. */
  readonly links: number
  /** What it monitors. */
  readonly monitors: number
  /** Who watches it: monitors of other processes, and calls that wait for its reply. */
  readonly monitoredBy: number
  /** Seconds it has lived, whole ones. */
  readonly age: number
}

/** `kind`: where more is known of it than the process itself knows. */
export function infoOf(process: LocalProcess, kind = process.kind): ProcessInfo {
  const { pid, name, mailbox, dropped, trapExit, tieCounts, age } = process
  return {
    pid,
    name,
    kind,
    mailboxLength: mailbox.length,
    mailboxBytes: mailbox.bytes,
    dropped,
    trapExit,
    ...tieCounts,
    age,
  }
}
