import { OptionError } from '../../base/errors.ts'
import { string } from '../../base/options.ts'
import type { PullStrategy } from '../strategy.ts'
import { type EpmdHost, EpmdHosts } from './epmd-hosts.ts'

/**
 * All nodes that the EPMDs of some hosts know. `'altair'`, or `'altair:4370'` for an EPMD at another port than this node's
 * own; an IPv6 address with a port has brackets. `'localhost'` means this node's own host. One host that does not answer
 * hides none of the others, and its nodes are kept.
 *
 * Source: gen_cluster's `epmd_all` with `hosts`. What Barnacle and libcluster call EPMD is a list of nodes: `staticNodes`.
 *
 * @throws OptionError
 *
 * @example
 * epmd(['altair.example.com', 'vega.example.com'])
 */
export function epmd(hosts: readonly string[]): PullStrategy {
  if (!Array.isArray(hosts) || hosts.length === 0) throw new OptionError('hosts', hosts, 'a list of host names')
  const places = hosts.map((host: unknown, i) => parseHost(host, `hosts[${i}]`))
  const all = new EpmdHosts()
  return { name: 'epmd', discover: (context) => all.find(context, places) }
}

function parseHost(value: unknown, option: string): EpmdHost {
  const text = string(value, option)
  const parts = /^(?:\[([^\]]+)\]|([^:[\]@\s]+))(?::(\d{1,5}))?$/.exec(text)
  const bare = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) ? text : undefined
  const host = parts?.[1] ?? parts?.[2] ?? bare
  const port = parts?.[3] === undefined ? undefined : Number(parts[3])
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) {
    throw new OptionError(option, value, 'a host such as "altair", or with the port of its EPMD, "altair:4370"')
  }
  return { host, port }
}
