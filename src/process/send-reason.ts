import { atom } from '../term/atom.ts'
import type { Term } from '../term/term.ts'
import { tuple } from '../term/tuple.ts'

/**
 * Sends a signal with an exit reason. A reason made in JavaScript can be something no term stands for; links and
 * monitors must fire all the same, so its picture goes instead: `{unencodable_reason, Text}`, or what `instead` says.
 */
export function sendReason(reason: Term, send: (reason: Term) => void, instead = picture): void {
  try {
    send(reason)
  } catch (error) {
    send(instead(error))
  }
}

function picture(error: unknown): Term {
  return tuple(atom('unencodable_reason'), String((error as Error).message).toWellFormed())
}
