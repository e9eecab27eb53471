import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * One certificate of an authority for all nodes of a run, and Erlang's options to go with it: both sides verify each other.
 * OTP chooses version and cipher as it does where nothing is said.
 *
 * @param {string} folder
 */
export function makeCertificates(folder) {
  mkdirSync(folder)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  /** @param {readonly string[]} args */
  const openssl = (args) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  openssl(['req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=authority'])
  openssl(['req', ...key, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node'])
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:127.0.0.1\n')
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl(['x509', '-req', '-in', 'node.csr', '-out', 'node.crt', ...signed])
  const both = `{certfile,"${join(folder, 'node.crt')}"},{keyfile,"${join(folder, 'node.key')}"},{cacertfile,"${join(folder, 'ca.crt')}"},{verify,verify_peer}`
  writeFileSync(join(folder, 'dist.conf'), `[{server,[${both},{fail_if_no_peer_cert,true}]},{client,[${both}]}].\n`)
  return folder
}
