import type { Atom } from './atom.ts'

/**
 * A term that was encoded before, to be copied into any number of messages; made by `encodeTerm`. Its atoms are written out,
 * so that it is the same for every link; a link's share of atoms counts them all the same.
 */
export class EncodedTerm {
  /** Without a version byte. Never changed. */
  readonly bytes: Buffer
  /** The atoms in it that a peer counts, once each, those that are keys of plain objects apart. */
  readonly atoms: readonly Atom[]
  readonly keys: readonly Atom[]

  constructor(bytes: Buffer, atoms: readonly Atom[], keys: readonly Atom[]) {
    this.bytes = bytes
    this.atoms = atoms
    this.keys = keys
  }
}
