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

  /** Writes an option file; the terms of a role come before those that all have, and so replace them. */
  optfile({ server = [], client = [] }: OptfileTerms = {}, name: string | undefined = 'node'): string {
    const file = `dist-${++this.#optfiles}.conf`
    const seen = (suffix: string): string => JSON.stringify(this.seen(suffix, this.#release))
    const own = name === undefined ? [] : [`{certfile,${seen(`${name}.crt`)}}`, `{keyfile,${seen(`${name}.key`)}}`]
    const all = [...own, `{cacertfile,${seen('ca.crt')}}`, '{verify,verify_peer}']
    const roles = {
      server: [...server, ...all, '{fail_if_no_peer_cert,true}'],
      client: [...client, ...all],
    }
    const text = Object.entries(roles).map(([role, terms]) => `{${role}, [${terms.join(',\n   ')}]}`)
    writeFileSync(this.at(file), `[${text.join(',\n ')}].\n`)
    return file
  }

  /** What `erl` is started with. */
  args(terms?: OptfileTerms, name?: string | undefined, proto = 'inet_tls'): string[] {
    const file = arguments.length > 1 ? this.optfile(terms, name) : this.optfile(terms)
    return ['-proto_dist', proto, '-ssl_dist_optfile', this.seen(file, this.#release)]
  }
}
