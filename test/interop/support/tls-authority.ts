import { writeFileSync } from 'node:fs'
import type { TlsOptions } from '../../../src/index.ts'
import { Authority } from '../../support/certificates.ts'
import type { Release } from '../../support/releases.ts'

/** Terms of the two roles, beside the files. */
export interface OptfileTerms {
  readonly server?: readonly string[]
  readonly client?: readonly string[]
}

/** An authority whose certificates nodes of both kinds read as files. */
export class TlsAuthority extends Authority {
  readonly #release: Release
  #optfiles = 0

  constructor(release: Release, subject?: string) {
    super(release, subject)
    this.#release = release
    this.write('node')
  }

  /** Options of a node of ours, with the certificate of that name. */
  options(name = 'node', more: TlsOptions = {}): TlsOptions {
    return { certFile: this.at(`${name}.crt`), keyFile: this.at(`${name}.key`), caFile: this.at('ca.crt'), ...more }
  }

  /** Writes an option file; the terms of a role replace those that all have. */
  optfile({ server = [], client = [] }: OptfileTerms = {}, name: string | null = 'node'): string {
    const file = `dist-${++this.#optfiles}.conf`
    const seen = (suffix: string): string => JSON.stringify(this.seen(suffix, this.#release))
    const own = name === null ? [] : [`{certfile,${seen(`${name}.crt`)}}`, `{keyfile,${seen(`${name}.key`)}}`]
    const all = [...own, `{cacertfile,${seen('ca.crt')}}`, '{verify,verify_peer}']
    const roles = {
      server: replaced([...all, '{fail_if_no_peer_cert,true}'], server),
      client: replaced(all, client),
    }
    const text = Object.entries(roles).map(([role, terms]) => `{${role}, [${terms.join(',\n   ')}]}`)
    writeFileSync(this.at(file), `[${text.join(',\n ')}].\n`)
    return file
  }

  /** What `erl` is started with. */
  args(terms?: OptfileTerms, name?: string | null, proto = 'inet_tls'): string[] {
    return ['-proto_dist', proto, '-ssl_dist_optfile', this.seen(this.optfile(terms, name), this.#release)]
  }
}

function replaced(terms: readonly string[], others: readonly string[]): string[] {
  const keyOf = (term: string): string => term.split(',', 1)[0] as string
  const keys = new Set(others.map(keyOf))
  return [...terms.filter((term) => !keys.has(keyOf(term))), ...others]
}
