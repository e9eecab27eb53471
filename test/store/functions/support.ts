import { defaultLimits } from '../../../src/base/limits.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import type { Change, Entry, StoreEngine } from '../../../src/store/engine.ts'
import type { FunctionError } from '../../../src/store/functions/function-error.ts'
import type { FunctionOptions } from '../../../src/store/functions/function-options.ts'
import type { Functions } from '../../../src/store/functions/functions.ts'
import { FUNCTION_PREFIX, StoreFunctions } from '../../../src/store/functions/store-functions.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import { Version } from '../../../src/store/version.ts'
import type { Term } from '../../../src/term/index.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'

/** The error that something throws or rejects with. */
export async function errorOf(work: () => unknown): Promise<FunctionError> {
  try {
    await work()
  } catch (error) {
    return error as FunctionError
  }
  throw new Error('nothing was thrown')
}

/** One node in a {@link Cluster}. */
export class Member {
  readonly name: string
  readonly clock = new FakeClock()
  readonly warnings: string[] = []
  readonly entries = new Map<string, Entry>()
  readonly store: StoreFunctions
  /** Replication to this node waits for it. */
  lag: Promise<void> | undefined

  constructor(name: string, options: FunctionOptions | undefined) {
    this.name = name
    this.store = new StoreFunctions(options, {
      self: name,
      clock: this.clock,
      logger: { ...silentLogger, warn: (_data, message) => void this.warnings.push(message) },
      limits: defaultLimits,
    })
  }

  get functions(): Functions {
    return this.store.functions
  }

  apply(key: string, entry: Entry | undefined, source: string): void {
    const previous = this.entries.get(key)
    if (entry === undefined) this.entries.delete(key)
    else this.entries.set(key, entry)
    const version = entry?.version ?? new Version(0, '', 0)
    const change: Change = { key, entry, previous, version, cause: entry === undefined ? 'delete' : 'put', source }
    if (!this.store.change(change)) throw new Error(`the key ${JSON.stringify(key)} is no function's`)
  }
}

/** What an engine does, without links: the first member orders, the others get what it has admitted. */
export class Cluster implements AsyncDisposable {
  readonly members: Member[] = []
  /** Values that were ordered. */
  readonly log: Term[] = []
  #sequence = 0

  join(name: string, options: FunctionOptions | undefined): Member {
    const member = new Member(name, options)
    this.members.push(member)
    member.store.attach(this.#engine(member))
    if (member !== this.loader) {
      for (const [key, entry] of this.loader.entries) member.apply(key, entry, this.loader.name)
    }
    return member
  }

  get loader(): Member {
    return this.members[0] as Member
  }

  /** Orders and applies everywhere; resolves when `member` has it. */
  async order(member: Member, key: string, value: Term | undefined): Promise<void> {
    const version = new Version(1, this.loader.name, ++this.#sequence)
    const entry: Entry = { value, version, staleAt: undefined, expiresAt: undefined, bytes: new Uint8Array() }
    const applied = this.members.map(async (each) => {
      if (each.lag !== undefined) await each.lag
      each.apply(key, value === undefined ? undefined : entry, this.loader.name)
    })
    await applied[this.members.indexOf(member)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ functions }) => functions.close()))
  }

  #engine(member: Member): StoreEngine {
    const submit: StoreEngine['submit'] = async (command) => {
      const { loader } = this
      if (command.kind === 'batch') throw new Error('functions come one by one')
      const { key, kind } = command
      if (!key.startsWith(FUNCTION_PREFIX)) throw new Error('that is not guarded')
      if (kind === 'put') {
        try {
          await loader.store.admit(command, member.name)
        } catch (cause) {
          throw new StoreError('ERR_STORE_REFUSED', (cause as Error).message, { cause })
        }
      }
      const current = loader.entries.get(key)?.version
      const { expected } = command
      if (expected !== undefined && (expected === 'absent' ? current !== undefined : !expected.equals(current))) {
        throw new StoreError('ERR_VERSION', 'it has another version', { key, current })
      }
      const changed = [kind === 'put' || current !== undefined]
      if (kind === 'put') this.log.push(command.value)
      if (changed[0]) await this.order(member, key, kind === 'put' ? command.value : undefined)
      return { version: new Version(1, loader.name, this.#sequence), changed }
    }
    return {
      submit,
      read: (key) => member.entries.get(key),
      entries: () => member.entries,
    } as Partial<StoreEngine> as StoreEngine
  }
}

/** A promise that the test resolves. */
export function gate<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
