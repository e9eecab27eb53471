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

/** Looks at processes, and keeps the first few of them. What stands for code outside of any is none, as in the counts. */
export function survey(
  processes: Iterable<LocalProcess>,
  outside: LocalProcess,
  kindOf: (process: LocalProcess) => ProcessKind,
  { top, scan }: SurveyOptions,
): ProcessSurvey {
  let messages = 0
  let seen = 0
  let whole = true
  const first = new First(top)
  for (const process of processes) {
    if (process === outside) continue
    if (++seen > scan) {
      whole = false
      break
    }
    messages += process.mailbox.length
    first.offer(process)
  }
  return { messages, whole, top: first.sorted().map((process) => infoOf(process, kindOf(process))) }
}

/** The first few of many processes, in their order; most of what is offered is not among them. */
class First {
  readonly #size: number
  #kept: LocalProcess[] = []
  /** The last of them when they were sorted. */
  #last: LocalProcess | undefined

  constructor(size: number) {
    this.#size = size
  }

  offer(process: LocalProcess): void {
    if (this.#size === 0 || (this.#last !== undefined && order(this.#last, process) <= 0)) return
    this.#kept.push(process)
    if (this.#kept.length >= 2 * this.#size) this.sorted()
  }

  sorted(): readonly LocalProcess[] {
    this.#kept = this.#kept.sort(order).slice(0, this.#size)
    if (this.#kept.length === this.#size) this.#last = this.#kept.at(-1)
    return this.#kept
  }
}

function order(a: LocalProcess, b: LocalProcess): number {
  return b.mailbox.length - a.mailbox.length || Number(b.nameAtom !== undefined) - Number(a.nameAtom !== undefined)
}
