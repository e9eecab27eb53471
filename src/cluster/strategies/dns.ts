import { oneOf } from '../../base/options.ts'
import type { FoundNode, PullStrategy, StrategyContext } from '../strategy.ts'
import { askAll } from './dns/all-queries.ts'
import { DnsLookup, type Records } from './dns/dns-lookup.ts'
import { type CommonDnsOptions, checkDnsOptions } from './dns/dns-options.ts'
import { hostInNames } from './epmd-names.ts'

/** Options of {@link dns}. */
export interface DnsOptions extends CommonDnsOptions {
  /**
   * The hosts in the nodes' names: their addresses (`'ip'`, default), or what a reverse lookup of these answers
   * (`'hostname'`; of several names the first in the alphabet).
   */
  readonly names?: 'ip' | 'hostname'
}

/**
 * A node at each address of a name: all of A and AAAA, together. What one of several questions does not answer hides none of the
 * others, and the nodes it would have named are kept. A name that does not exist is an error; one without addresses has no nodes.
 *
 * Source: libcluster's `DNSPoll` and `Kubernetes.DNS`, gen_cluster's `dns`, Barnacle's `dns`.
 *
 * @throws OptionError
 *
 * @example
 * dns({ query: 'app.internal', basename: 'app' })
 */
export function dns(options: DnsOptions): PullStrategy {
  const { queries, addresses, settings } = checkDnsOptions(options, ['names'])
  const names = oneOf('ip', 'hostname')(options.names ?? 'ip', 'names')
  return {
    name: 'dns',
    discover: async (context) =>
      await DnsLookup.run(settings, context, async (lookup) => {
        return await askAll(queries, async ({ query, basename = context.self.alive }) => {
          const found = await lookup.find(query, addresses)
          const nodes = found.records.map((address) => ({ name: `${basename}@${address}` }))
          if (names === 'ip') return { records: nodes, errors: found.errors }
          const named = await askAll(found.records, (address) => reverse(lookup, address, basename, context))
          return { records: named.records, errors: [...found.errors, ...named.errors] }
        })
      }),
  }
}

async function reverse(
  lookup: DnsLookup,
  address: string,
  basename: string,
  { self }: StrategyContext,
): Promise<Records<FoundNode>> {
  const [host] = [...(await lookup.namesOf(address))].sort()
  return { records: host === undefined ? [] : [{ name: `${basename}@${hostInNames(host, self.host)}` }], errors: [] }
}
