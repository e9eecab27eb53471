import type { FoundNode, PartialAnswer, StrategyContext } from '../strategy.ts'
import { EpmdNames, hostInNames } from './epmd-names.ts'

/** A host and, where it is another than usual, the port of its EPMD. */
export interface EpmdHost {
  readonly host: string
  readonly port: number | undefined
}

/** The nodes of several hosts. */
export class EpmdHosts {
  #names = new Map<string, EpmdNames>()

  /** Rejects when not one of the hosts answers. */
  async find(context: StrategyContext, hosts: readonly EpmdHost[]): Promise<PartialAnswer> {
    const before = this.#names
    this.#names = new Map()
    const asked = hosts.map(({ host, port }) => {
      const key = `${host} ${port}`
      const names = before.get(key) ?? new EpmdNames()
      this.#names.set(key, names)
      const own = host === 'localhost'
      const named = own ? context.self.host : hostInNames(host, context.self.host)
      return names.find(context, { at: own ? undefined : host, port, host: named })
    })
    const nodes: FoundNode[] = []
    const errors: unknown[] = []
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === 'fulfilled') nodes.push(...outcome.value)
      else errors.push(outcome.reason)
    }
    if (errors.length === hosts.length && errors.length > 0) throw errors.length === 1 ? errors[0] : manyFailed(errors)
    return { nodes, errors }
  }
}

function manyFailed(errors: readonly unknown[]): AggregateError {
  const reasons = errors.map((error) => (error instanceof Error ? error.message : String(error)))
  return new AggregateError(errors, reasons.join('; '))
}
