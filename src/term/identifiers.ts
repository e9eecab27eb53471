import { inspect } from 'node:util'
import { type Atom, atom, quoteAtom } from './atom.ts'
import { type Printable, printed } from './printable.ts'

/** What all three identifiers share: the node that made them and that node's incarnation. */
abstract class Identifier implements Printable {
  /** The node's name as an atom. */
  readonly nodeAtom: Atom
  /** Which incarnation of the node made it (u32). */
  readonly creation: number

  constructor(node: string | Atom, creation: number) {
    this.nodeAtom = typeof node === 'string' ? atom(node) : node
    this.creation = creation
  }

  /** The name of the node that made it. */
  get node(): string {
    return this.nodeAtom.name
  }

  /** A text that is equal exactly when the identifiers are: a key for maps. */
  abstract get key(): string

  /** Its kind and its numbers between the node and the creation, for {@link toString}. */
  protected abstract get parts(): readonly [kind: string, numbers: string]

  /**
   * `#Pid<a@host.85.0/1699>`: the node as Erlang writes atoms, the numbers, and the creation, without which a node takes
   * an identifier for another one's. Erlang's own `<0.85.0>` means something else on every node. `parse` reads it back.
   */
  toString(): string {
    const [kind, numbers] = this.parts
    return `#${kind}<${quoteAtom(this.nodeAtom.name)}.${numbers}/${this.creation}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }

  [printed](): string {
    return this.toString()
  }
}

/** A process identifier. Compare with {@link Pid.equals}: each decoded message makes new objects. */
export class Pid extends Identifier {
  /** u32. */
  readonly id: number
  /** u32. */
  readonly serial: number

  constructor(node: string | Atom, id: number, serial: number, creation: number) {
    super(node, creation)
    this.id = id
    this.serial = serial
  }

  override get key(): string {
    return `${this.id}.${this.serial}.${this.creation}@${this.nodeAtom.name}`
  }

  equals(other: unknown): boolean {
    return (
      other === this ||
      (other instanceof Pid &&
        other.id === this.id &&
        other.serial === this.serial &&
        other.creation === this.creation &&
        other.nodeAtom === this.nodeAtom)
    )
  }

  protected override get parts(): readonly [string, string] {
    return ['Pid', `${this.id}.${this.serial}`]
  }
}

/** A port identifier. Ports exist only on BEAM nodes; here they are opaque. */
export class Port extends Identifier {
  /** u64. */
  readonly id: bigint

  constructor(node: string | Atom, id: bigint, creation: number) {
    super(node, creation)
    this.id = id
  }

  override get key(): string {
    return `${this.id}.${this.creation}@${this.nodeAtom.name}`
  }

  equals(other: unknown): boolean {
    return other instanceof Port && other.key === this.key
  }

  protected override get parts(): readonly [string, string] {
    return ['Port', `${this.id}`]
  }
}

/** A reference: unique in the whole cluster. With an alias it is also an address. */
export class Reference extends Identifier {
  /** One to five u32 words, the lowest first. */
  readonly words: readonly number[]

  constructor(node: string | Atom, words: readonly number[], creation: number) {
    if (words.length < 1 || words.length > 5) throw new RangeError(`a reference has 1 to 5 words, got ${words.length}`)
    super(node, creation)
    this.words = words
  }

  override get key(): string {
    return `${this.words.join('.')}.${this.creation}@${this.nodeAtom.name}`
  }

  equals(other: unknown): boolean {
    return other === this || (other instanceof Reference && other.key === this.key)
  }

  protected override get parts(): readonly [string, string] {
    return ['Ref', this.words.join('.')]
  }
}
