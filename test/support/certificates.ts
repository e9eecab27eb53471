import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Release } from './releases.ts'

/** An authority, and the certificate of a server at 127.0.0.1 and localhost that it has signed. All are PEM. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A certificate and its key, PEM. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

/** OTP 25 takes an address for a DNS name, later releases do not. */
export const loopbackNames: readonly string[] = ['IP:127.0.0.1', 'DNS:127.0.0.1', 'DNS:localhost']

/** What a certificate is to say. */
export interface IssueOptions {
  /** Its subject. Default `/CN=node`. */
  readonly subject?: string
  /** Subject alternative names as OpenSSL's configuration has them. Default: {@link loopbackNames}. */
  readonly names?: readonly string[]
  /** Days from now when it begins and ends. Default -1 and 2. */
  readonly from?: number
  readonly until?: number
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority with a directory of its own, made by the `openssl` command; it lasts until it is disposed of. */
export class Authority implements Disposable {
  /** Its own certificate, PEM. */
  readonly ca: string
  readonly directory: string
  #issued = 0

  /** @param release where files lie that a node of it is to read. Default: the host */
  constructor(release?: Release, subject = '/CN=authority') {
    const root = release?.root
    this.directory = mkdtempSync(join(root === undefined ? tmpdir() : join(root, 'tmp'), 'tsunagi-certificates-'))
    chmodSync(this.directory, 0o755)
    this.#openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '400', '-subj', subject)
    this.ca = readFileSync(this.at('ca.crt'), 'utf8')
    writeFileSync(this.at('index.txt'), '')
    writeFileSync(this.at('serial'), '01')
    writeFileSync(this.at('ca.cnf'), configuration)
    mkdirSync(this.at('signed'))
  }

  at(name: string): string {
    return join(this.directory, name)
  }

  /** Where a node of the release sees one of the files. */
  seen(name: string, release?: Release): string {
    return this.at(name).slice(release?.root?.length ?? 0)
  }

  issue({ subject = '/CN=node', names = loopbackNames, from = -1, until = 2 }: IssueOptions = {}): Issued {
    const name = `issued-${++this.#issued}`
    // OpenSSL adds what is in the request to what an authority has to say; it says nothing else.
    const extensions = names.length === 0 ? '' : `subjectAltName=${names.join(',')}\n`
    writeFileSync(this.at(`${name}.ext`), `basicConstraints=CA:FALSE\n${extensions}`)
    this.#openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
    const dates = ['-startdate', asn1Time(from), '-enddate', asn1Time(until)]
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`]
    this.#openssl('ca', '-config', 'ca.cnf', '-batch', '-notext', ...dates, ...files)
    return { cert: readFileSync(this.at(`${name}.crt`), 'utf8'), key: readFileSync(this.at(`${name}.key`), 'utf8') }
  }

  /** Issues one and writes `NAME.crt`, `NAME.key` and `ca.crt` for programs to read. */
  write(name: string, options?: IssueOptions): Issued {
    const issued = this.issue(options)
    writeFileSync(this.at(`${name}.crt`), issued.cert)
    writeFileSync(this.at(`${name}.key`), issued.key)
    return issued
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

const configuration = `
[ca]
default_ca = it
[it]
database = index.txt
serial = serial
new_certs_dir = signed
certificate = ca.crt
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
`

/** So many days from now, as certificates have it. */
function asn1Time(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}

/** Makes new ones by the `openssl` command. */
export function makeCertificates(): Certificates {
  using authority = new Authority()
  return { ca: authority.ca, ...authority.issue({ subject: '/CN=server' }) }
}
