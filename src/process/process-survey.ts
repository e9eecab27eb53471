import type { LocalProcess } from './local-process.ts'
import { infoOf, type ProcessInfo, type ProcessKind } from './process-info.ts'

/** What a look at all processes shows. */
export interface ProcessSurvey {
  /** Messages in the mailboxes that were looked at. */
  readonly messages: number
  /** Whether all processes were looked at. */
  readonly whole: boolean
  /** The longest mailboxes first, then those that have a name. */
  readonly top: readonly ProcessInfo[]
}

/** Options of a survey. */
export interface SurveyOptions {
  /** How many processes to show. */
  readonly top: number
  /** How many to look at; a node may have a million. */
  readonly scan: number
}

/** Looks at processes, and keeps the first few of them. */
export function survey(
  processes: Iterable<LocalProcess>,
  kindOf: (process: LocalProcess) => ProcessKind,
  { top, scan }: SurveyOptions,
): ProcessSurvey {
  let messages = 0
  let seen = 0
  let whole = true
  const first: LocalProcess[] = []
  for (const process of processes) {
    if (++seen > scan) {
      whole = false
      break
    }
    messages += process.mailbox.length
    const last = first[top - 1]
    if (last !== undefined && order(last, process) <= 0) continue
    const at = first.findIndex((other) => order(process, other) < 0)
    first.splice(at === -1 ? first.length : at, 0, process)
    if (first.length > top) first.pop()
  }
  return { messages, whole, top: first.map((process) => infoOf(process, kindOf(process))) }
}

function order(a: LocalProcess, b: LocalProcess): number {
  return b.mailbox.length - a.mailbox.length || Number(b.nameAtom !== undefined) - Number(a.nameAtom !== undefined)
}
