/**
 * What orders all writes of a store: the epoch of the loader that ordered them, its name where two epochs have the same
 * number, and the write's place. Of two versions of a key the higher one is the later write. Opaque: only compare it, or
 * hand it back as `expected`.
 */
export class Version {
  /** Rises with each change of the loader. 0 with engines that have none. */
  readonly epoch: number
  /**
   * Who ordered the write: a node's name, or that of one incarnation of a store on it; empty with engines that have no
   * loader.
   */
  readonly loader: string
  /** The place of the write among all of its epoch. */
  readonly sequence: number

  constructor(epoch: number, loader: string, sequence: number) {
    this.epoch = epoch
    this.loader = loader
    this.sequence = sequence
  }

  /** Negative when this is the earlier one, 0 when they are the same, positive when this is the later one. */
  compare(other: Version): number {
    if (this.epoch !== other.epoch) return this.epoch - other.epoch
    if (this.loader !== other.loader) return this.loader < other.loader ? -1 : 1
    return this.sequence - other.sequence
  }

  /** Whether both are the same version. */
  equals(other: Version | undefined): boolean {
    return other !== undefined && this.compare(other) === 0
  }

  /** `3.42@app1@host`: for people, and for {@link Version.parse}. */
  toString(): string {
    return `${this.epoch}.${this.sequence}@${this.loader}`
  }

  /** Reads what `toString` writes; undefined for anything else. */
  static parse(text: string): Version | undefined {
    const parts = /^(\d{1,16})\.(\d{1,16})@(.*)$/su.exec(text)
    if (parts === null) return undefined
    const [epoch, sequence] = [Number(parts[1]), Number(parts[2])]
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(sequence)) return undefined
    return new Version(epoch, parts[3] as string, sequence)
  }
}
