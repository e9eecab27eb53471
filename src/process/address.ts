import { OptionError } from '../base/errors.ts'
import { type Atom, atom, isAtom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'

/** A registered name on a node; without `node`, on this one. */
export interface NamedAddress {
  readonly name: string | Atom
  readonly node?: string | Atom
}

/** Something that runs under a pid, such as what `node.start` resolves to. */
export interface HasPid {
  readonly pid: Pid
}

/**
 * Where a message can go: a pid, an alias (a reference somebody made with `self.alias()`), a name registered on this
 * node, a name on any node, or anything with a `pid`.
 */
export type Destination = Pid | Reference | string | Atom | NamedAddress | HasPid

/** A destination in the form signals use. `node` of a name is always filled in. */
export type Address = Pid | Reference | RegisteredName

/** A registered name with its node, both as atoms. */
export interface RegisteredName {
  readonly name: Atom
  readonly node: Atom
}

/** Brings a destination into the one form; `here` is this node's name. */
export function addressOf(to: Destination, here: Atom): Address {
  if (to instanceof Pid || to instanceof Reference) return to
  if (typeof to === 'string' && to !== '') return { name: atom(to), node: here }
  if (isAtom(to)) return { name: to, node: here }
  if (typeof to === 'object' && to !== null) {
    if ('pid' in to && to.pid instanceof Pid) return to.pid
    if ('name' in to) return { name: asAtom(to.name), node: to.node === undefined ? here : asAtom(to.node) }
  }
  throw new OptionError('to', to, 'a pid, a reference, a name, or { name, node }')
}

function asAtom(name: string | Atom): Atom {
  return typeof name === 'string' ? atom(name) : name
}
