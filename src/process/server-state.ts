import { describe } from '../base/errors.ts'
import { encode } from '../term/encode.ts'
import type { Term } from '../term/term.ts'
import type { ServerHandlers } from './gen-server.ts'

/**
 * The state of a server as a term, for those who look at it from outside: what its `formatStatus` answers, else its
 * enumerable fields. Getters are not called, functions left out; what is no term is described.
 *
 * @throws what `formatStatus` throws.
 */
export function stateOf(handlers: ServerHandlers): Term {
  if (handlers.formatStatus !== undefined) return handlers.formatStatus()
  const fields: [string, Term][] = []
  for (const [name, field] of Object.entries(Object.getOwnPropertyDescriptors(handlers))) {
    if (field.enumerable !== true || !('value' in field) || typeof field.value === 'function') continue
    fields.push([name, isTerm(field.value) ? field.value : describe(field.value)])
  }
  return Object.fromEntries(fields)
}

function isTerm(value: unknown): value is Term {
  try {
    encode(value as Term)
    return true
  } catch {
    return false
  }
}
