import { abortable, withDeadline } from '../../base/deadline.ts'
import { TsunagiError } from '../../base/errors.ts'
import type { FoundNode, PartialAnswer, StrategyContext } from '../strategy.ts'
import { EpmdNames, hostInNames } from './epmd-names.ts'

/** A host and, where it is another than usual, the port of its EPMD. */
export interface EpmdHost {
  readonly host: string
  readonly port: number | undefined
}

/** What is known of a host. */
interface Known {
  readonly names: EpmdNames
  /** What it answered last; undefined when it never was asked before. */
  last: readonly FoundNode[] | undefined
}

/** Milliseconds for each host, less than a topology's own: one that is off must not take the time of all. */
const PATIENCE = 4000

/** The nodes of several hosts. */
export class EpmdHosts {
  #hosts = new Map<string, Known>()

  /**
   * Of a host that does not answer those nodes are found that it answered last. The answer is not whole when such a host was
   * never asked before. Rejects when not one of the hosts answers.
   */
  async find(context: StrategyContext, hosts: readonly EpmdHost[]): Promise<PartialAnswer> {
    const before = this.#hosts
    this.#hosts = new Map()
    const known = hosts.map(({ host, port }) => {
      const key = `${host} ${port}`
      const it = before.get(key) ?? { names: new EpmdNames(), last: undefined }
      this.#hosts.set(key, it)
      return it
    })
    const asked = hosts.map((host, i) => ask(context, host, (known[i] as Known).names))
    const nodes: FoundNode[] = []
    const errors: unknown[] = []
    let whole = true
    for (const [i, outcome] of (await Promise.allSettled(asked)).entries()) {
      const host = known[i] as Known
      if (outcome.status === 'fulfilled') host.last = outcome.value
      else errors.push(outcome.reason)
      if (host.last === undefined) whole = false
      nodes.push(...(host.last ?? []))
      host.last ??= []
    }
    if (errors.length === hosts.length && errors.length > 0) throw errors.length === 1 ? errors[0] : manyFailed(errors)
    return { nodes, errors, whole }
  }
}

async function ask(context: StrategyContext, { host, port }: EpmdHost, names: EpmdNames): Promise<FoundNode[]> {
  const { clock, signal, self } = context
  const own = host === 'localhost'
  const place = { at: own ? undefined : host, port, host: own ? self.host : hostInNames(host, self.host) }
  const late = () => new TsunagiError('ERR_TIMEOUT', `the EPMD at ${host} did not answer within ${PATIENCE} ms`)
  return await withDeadline({ clock, timeout: PATIENCE, signal }, late, (limit) =>
    abortable(names.find(context, place), limit),
  )
}

function manyFailed(errors: readonly unknown[]): AggregateError {
  const reasons = errors.map((error) => (error instanceof Error ? error.message : String(error)))
  return new AggregateError(errors, reasons.join('; '))
}
