import { type Atom, atom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import { ImproperList } from '../term/special.ts'
import type { Term } from '../term/term.ts'
import { isTuple, type Tuple, tuple } from '../term/tuple.ts'

// The messages of OTP's `gen` (lib/stdlib/src/gen.erl), which GenServer, gen_statem and the others share.

export const GEN_CALL = atom('$gen_call')
export const GEN_CAST = atom('$gen_cast')
export const SYSTEM = atom('system')
const ALIAS = atom('alias')
const aliasHead: readonly Term[] = [ALIAS]

/** `{Label, {Pid, [alias | Ref]}, Request}`, as OTP 24 and later ask. */
export function callMessage(label: Atom, from: Pid, ref: Reference, request: Term): Tuple {
  return tuple(label, tuple(from, new ImproperList(aliasHead, ref)), request)
}

export function castMessage(message: Term): Tuple {
  return tuple(GEN_CAST, message)
}

/** Whether a term is the `{Pid, Tag}` of a call. */
export function isFromTuple(term: Term): term is Tuple {
  return isTuple(term) && term.length === 2 && term[0] instanceof Pid
}

/**
 * Where the reply to a tag goes: the reference of `[alias | Ref]`, or of a list that begins with that; undefined for
 * the tags of older callers, who are answered by pid.
 */
export function aliasOf(tag: Term): Reference | undefined {
  if (tag instanceof ImproperList) {
    if (tag.elements.length === 1 && tag.elements[0] === ALIAS) {
      return tag.tail instanceof Reference ? tag.tail : undefined
    }
    return nestedAlias(tag.elements[0])
  }
  return Array.isArray(tag) && !isTuple(tag) ? nestedAlias(tag[0]) : undefined
}

function nestedAlias(head: Term): Reference | undefined {
  return head instanceof ImproperList ? aliasOf(head) : undefined
}

/** The reference a reply `{Tag, Reply}` belongs to, whatever form the tag has; undefined for any other message. */
export function replyReference(message: Term): Reference | undefined {
  if (!isTuple(message) || message.length !== 2) return undefined
  const tag = message[0]
  return tag instanceof Reference ? tag : aliasOf(tag)
}
