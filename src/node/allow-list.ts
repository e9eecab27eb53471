import { OptionError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { checkNodeName } from '../base/node-name.ts'

/** Which nodes may be connected to this one, whichever side dials; their cookie is asked for besides. */
export class AllowList {
  readonly #logger: Logger
  readonly #test: ((name: string) => boolean) | undefined
  /** Undefined: everybody, unless there is a function. */
  #names: Set<string> | undefined

  constructor(option: readonly string[] | ((name: string) => boolean) | undefined, logger: Logger) {
    this.#logger = logger
    if (typeof option === 'function') this.#test = option
    else if (option !== undefined) this.#names = new Set(option)
  }

  /**
   * Allows these nodes too. Where everybody was allowed, from now on only they are, as with `net_kernel:allow/1`; an empty
   * list, which that ignores, allows nobody. Links that are up stay.
   */
  add(names: readonly string[]): void {
    this.#names = new Set([...(this.#names ?? []), ...checkNodeNames(names, 'names')])
  }

  /** What a function answers that is no plain `true`, such as a promise, and what it throws, is a no. */
  allows(name: string): boolean {
    if (this.#names?.has(name) === true) return true
    if (this.#test === undefined) return this.#names === undefined
    try {
      return this.#test(name) === true
    } catch (error) {
      const reason = `the function \`allow\` threw for ${name}, which is taken for a no`
      this.#logger.warn({ node: name, err: error }, reason)
      return false
    }
  }
}

/** @throws OptionError for `option` when it is no list of node names */
export function checkNodeNames(names: unknown, option: string): string[] {
  if (!Array.isArray(names)) throw new OptionError(option, names, 'a list of node names')
  return names.map((name: unknown, i) => checkNodeName(name, `${option}[${i}]`).full)
}
