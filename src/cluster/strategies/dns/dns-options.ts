import { Resolver } from 'node:dns'
import { isIP } from 'node:net'
import { OptionError } from '../../../base/errors.ts'
import { instance, integer, knownOnly, oneOf, string } from '../../../base/options.ts'
import { A, AAAA, type DnsSettings, type Question } from './dns-lookup.ts'

/** A name to ask for whose nodes have a basename of their own. */
export interface DnsQuery {
  readonly query: string
  readonly basename?: string
}

/** What `dns` and `dnsSrv` have in common. */
export interface CommonDnsOptions {
  /** The name to ask for, or several. Completed with search domains as the system does it, unless it ends with a dot. */
  readonly query: string | DnsQuery | readonly (string | DnsQuery)[]
  /** The part of the nodes' names before the `@`. Default: that of this node's own name. */
  readonly basename?: string
  /** Kinds of addresses. Default both. */
  readonly types?: readonly ('A' | 'AAAA')[]
  /** DNS servers, such as `10.0.0.2` or `[fd00::2]:5353`. Default: the system's. */
  readonly servers?: readonly string[]
  /** Search domains. Default: those of `/etc/resolv.conf`. */
  readonly search?: readonly string[]
  /** With as many dots a name is tried as it is before it is completed. Default: what `/etc/resolv.conf` says, else 1. */
  readonly ndots?: number
  /**
   * Milliseconds for a lookup. What was answered by then counts, the rest as unknown, so it should be less than the
   * topology's own `timeout`. Default 4,000.
   */
  readonly timeout?: number
}

/** Options of both, checked. */
export interface ResolvedDnsOptions {
  readonly queries: readonly { readonly query: string; readonly basename: string | undefined }[]
  readonly addresses: readonly Question<string>[]
  readonly settings: DnsSettings
}

const KNOWN = ['query', 'basename', 'types', 'servers', 'search', 'ndots', 'timeout']

/** @throws OptionError */
export function checkDnsOptions(options: CommonDnsOptions, more: readonly string[]): ResolvedDnsOptions {
  instance(options, 'options', 'an object such as { query: "app.internal" }', (it) => !Array.isArray(it))
  knownOnly(options, [...KNOWN, ...more])
  const { ndots, timeout = 4000, query } = options
  const common = options.basename === undefined ? undefined : basename(options.basename, 'basename')
  const queries = Array.isArray(query) ? query : [query]
  if (queries.length === 0) throw new OptionError('query', query, 'at least one name')
  return {
    queries: queries.map((it: unknown, i) => {
      const option = Array.isArray(query) ? `query[${i}]` : 'query'
      if (typeof it !== 'object' || it === null) return { query: domain(it, option), basename: common }
      knownOnly(it, ['query', 'basename'], `${option}.`)
      const { query: name, basename: own } = it as { [key in keyof DnsQuery]: unknown }
      return {
        query: domain(name, `${option}.query`),
        basename: own === undefined ? common : basename(own, `${option}.basename`),
      }
    }),
    addresses: checkTypes(options.types),
    settings: {
      servers: options.servers === undefined ? undefined : checkServers(options.servers),
      search: options.search === undefined ? undefined : checkSearch(options.search),
      ndots: ndots === undefined ? undefined : integer(0, 15)(ndots, 'ndots'),
      timeout: integer(1, 600_000, 'milliseconds')(timeout, 'timeout'),
      answered: new Set(),
    },
  }
}

function checkTypes(types: unknown): readonly Question<string>[] {
  if (types === undefined) return [A, AAAA]
  const wanted = list(types, 'types').map((type, i) => oneOf('A', 'AAAA')(type, `types[${i}]`))
  return [A, AAAA].filter(({ type }) => wanted.some((it) => it === type))
}

function checkServers(value: unknown): readonly string[] {
  const servers = list(value, 'servers').map((server, i) => string(server, `servers[${i}]`))
  for (const [i, server] of servers.entries()) {
    try {
      new Resolver().setServers([server])
    } catch {
      throw new OptionError(`servers[${i}]`, server, 'an IP address, or one with a port such as "10.0.0.2:5353"')
    }
  }
  return servers
}

function checkSearch(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new OptionError('search', value, 'a list of domains')
  return value.map((it: unknown, i) => domain(it, `search[${i}]`).replace(/\.$/, ''))
}

function list(value: unknown, option: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new OptionError(option, value, 'a list that is not empty')
  return value
}

function domain(value: unknown, option: string): string {
  const text = string(value, option)
  if (!/^[^\s.@:/]{1,63}(\.[^\s.@:/]{1,63})*\.?$/.test(text) || text.length > 254 || isIP(text) !== 0) {
    throw new OptionError(option, value, 'a name of DNS such as "app.internal"')
  }
  return text
}

function basename(value: unknown, option: string): string {
  const text = string(value, option)
  if (/[@\s/\0]/.test(text)) throw new OptionError(option, value, 'the part of a node name before the "@"')
  return text
}
