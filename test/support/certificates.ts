import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An authority, and the certificate of a server at 127.0.0.1 and localhost that it has signed. All are PEM. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Makes new ones by the `openssl` command. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagi-certificates-'))
  const at = (name: string): string => join(directory, name)
  const openssl = (line: string): void => {
    execFileSync('openssl', line.split(' '), { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  try {
    writeFileSync(at('server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    openssl(`req -x509 ${newKey} -keyout ca.key -out ca.crt -days 2 -subj /CN=authority`)
    openssl(`req ${newKey} -keyout server.key -out server.csr -subj /CN=server`)
    openssl(
      'x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile server.ext',
    )
    const [ca, cert, key] = ['ca.crt', 'server.crt', 'server.key'].map((name) => readFileSync(at(name), 'utf8'))
    return { ca, cert, key } as Certificates
  } finally {
    rmSync(directory, { recursive: true })
  }
}
