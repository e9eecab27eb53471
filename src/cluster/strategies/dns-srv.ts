import type { SrvRecord } from 'node:dns'
import { boolean, oneOf } from '../../base/options.ts'
import type { FoundNode, PullStrategy } from '../strategy.ts'
import { askAll } from './dns/all-queries.ts'
import { DnsLookup, type Question } from './dns/dns-lookup.ts'
import { type CommonDnsOptions, checkDnsOptions } from './dns/dns-options.ts'
import { hostInNames } from './epmd-names.ts'

/** Options of {@link dnsSrv}. */
export interface DnsSrvOptions extends CommonDnsOptions {
  /** The hosts in the nodes' names: the targets (`'hostname'`, default), or all their addresses (`'ip'`). */
  readonly names?: 'hostname' | 'ip'
  /** Whether the nodes listen at the ports of the records: they are dialled there without EPMD. Default false. */
  readonly ports?: boolean
}

const SRV: Question<SrvRecord> = { type: 'SRV', ask: (resolver, name) => resolver.resolveSrv(name) }

/**
 * A node at each target of a name's SRV records, such as those of a headless service of Kubernetes, where the targets are the
 * names of its pods. Priorities and weights are of no concern: all are wanted.
 *
 * Source: libcluster's `Kubernetes.DNSSRV`, gen_cluster's `dns` with `record_type => srv`.
 *
 * @throws OptionError
 *
 * @example
 * dnsSrv({ query: '_dist-erl._tcp.app.default', ports: true })
 */
export function dnsSrv(options: DnsSrvOptions): PullStrategy {
  const { queries, addresses, settings } = checkDnsOptions(options, ['names', 'ports'])
  const names = oneOf('hostname', 'ip')(options.names ?? 'hostname', 'names')
  const ports = boolean(options.ports ?? false, 'ports')
  return {
    name: 'dnsSrv',
    discover: async (context) =>
      await DnsLookup.run(settings, context, async (lookup) => {
        return await askAll(queries, async ({ query, basename = context.self.alive }) => {
          const { records, errors } = await lookup.find(query, [SRV])
          const node = (host: string, port: number): FoundNode => {
            const name = `${basename}@${host}`
            return ports && port !== 0 ? { name, port } : { name }
          }
          // A target that is the root says that there is decidedly no such service (RFC 2782).
          const targets = records
            .map(({ name, port }) => ({ host: name.replace(/\.$/, ''), port }))
            .filter(({ host }) => host !== '')
          if (names === 'hostname') {
            const nodes = targets.map(({ host, port }) => node(hostInNames(host, context.self.host), port))
            return { records: nodes, errors }
          }
          const located = await askAll(targets, async ({ host, port }) => {
            const found = await lookup.find(`${host}.`, addresses)
            return { records: found.records.map((address) => node(address, port)), errors: found.errors }
          })
          return { records: located.records, errors: [...errors, ...located.errors] }
        })
      }),
  }
}
