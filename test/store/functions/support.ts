import { defaultLimits } from '../../../src/base/limits.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import type { FunctionDefinition } from '../../../src/store/functions/definition.ts'
import type { FunctionError } from '../../../src/store/functions/function-error.ts'
import type { FunctionOptions } from '../../../src/store/functions/function-options.ts'
import type { FunctionReplicator } from '../../../src/store/functions/functions.ts'
import { Functions } from '../../../src/store/functions/functions.ts'
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

/** The functions of one node in a {@link Cluster}. */
export interface Member {
  readonly name: string
  readonly functions: Functions
  readonly warnings: string[]
  readonly clock: FakeClock
}

/** What a real engine would do: the first member orders, the others get what it has admitted, as over links. */
export class Cluster implements AsyncDisposable {
  readonly members: Member[] = []
  readonly log: FunctionDefinition[] = []

  join(name: string, options: FunctionOptions | undefined): Member {
    const warnings: string[] = []
    const clock = new FakeClock()
    const functions = new Functions(options, {
      self: name,
      clock,
      logger: { ...silentLogger, warn: (_data, message) => void warnings.push(message) },
      limits: defaultLimits,
      replicator: this.#replicator(name),
    })
    const member = { name, functions, warnings, clock }
    this.members.push(member)
    // A late joiner gets what is there.
    for (const definition of this.log) functions.install(definition, this.loader.name)
    return member
  }

  get loader(): Member {
    return this.members[0] as Member
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ functions }) => functions.close()))
  }

  #replicator(self: string): FunctionReplicator {
    return {
      define: async (definition, { ifAbsent }) => {
        const { functions, name } = this.loader
        if (ifAbsent && functions.has(definition.name)) return
        await functions.admit(definition, self)
        if (ifAbsent && functions.has(definition.name)) return
        functions.checkVersion(definition)
        this.log.push(definition)
        for (const member of this.members) member.functions.install(definition, name)
      },
      remove: async (name) => {
        const had = this.loader.functions.has(name)
        for (const { functions } of this.members) functions.uninstall(name)
        return had
      },
    }
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
