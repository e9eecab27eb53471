import { atom } from '../term/atom.ts'
import type { Term } from '../term/term.ts'
import { isTuple } from '../term/tuple.ts'

export const NORMAL = atom('normal')
export const KILL = atom('kill')
export const KILLED = atom('killed')
export const NOPROC = atom('noproc')
export const NOCONNECTION = atom('noconnection')
export const SHUTDOWN = atom('shutdown')

/** Where an exit signal comes from: a link that broke, or somebody's `exit(pid, reason)`. */
export type ExitSource = 'link' | 'exit'

/** What an exit signal does to its receiver: nothing, a message `{'EXIT', From, Reason}`, or its end. */
export type ExitEffect = 'ignore' | 'message' | 'exit' | 'kill'

/**
 * OTP's rules ("Processes", section "Receiving Exit Signals"). `kill` cannot be trapped and becomes `killed`, but only
 * when somebody sent it: a link that breaks because its process was told `exit(kill)` passes an ordinary reason on.
 * `normal` ends nobody but the process that sends it to itself.
 */
export function exitEffect(source: ExitSource, reason: Term, trapping: boolean, fromItself: boolean): ExitEffect {
  if (source === 'exit' && reason === KILL) return 'kill'
  if (trapping) return 'message'
  if (reason === NORMAL && !(source === 'exit' && fromItself)) return 'ignore'
  return 'exit'
}

/** Whether a process may end with this reason without anybody being told: `normal`, `shutdown`, `{shutdown, _}`. */
export function isOrderly(reason: Term): boolean {
  return reason === NORMAL || reason === SHUTDOWN || (isTuple(reason) && reason[0] === SHUTDOWN && reason.length === 2)
}
