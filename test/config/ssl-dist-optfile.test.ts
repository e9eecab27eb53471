import { expect, it } from 'vitest'
import { readSslDistOptfile } from '../../src/config/ssl-dist-optfile.ts'
import { Folder } from './folder.ts'

async function read(text: string) {
  using folder = new Folder()
  return await readSslDistOptfile(folder.write('dist.conf', text))
}

it('reads what OTP takes', async () => {
  const { options, ignored } = await read(`%% TLS
[{server,
  [{certfile, "/ssl/node.pem"}, {keyfile, "/ssl/node.key"}, {password, "pass"}, {cacertfile, "/ssl/ca.pem"},
   {verify, verify_peer}, {fail_if_no_peer_cert, true}, {versions, ['tlsv1.3', 'tlsv1.2']}, {secure_renegotiate, true},
   {ciphers, ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
              "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]}]},
 {client, [{certfile, "/ssl/node.pem"}, {cacertfile, <<"/ssl/ca.pem">>}, {verify, verify_peer}, {depth, 3}]}].`)
  expect(options).toEqual({
    server: {
      certFile: '/ssl/node.pem',
      keyFile: '/ssl/node.key',
      passphrase: 'pass',
      caFile: '/ssl/ca.pem',
      verify: 'peer',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers:
        'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305',
    },
    client: { certFile: '/ssl/node.pem', caFile: '/ssl/ca.pem', verify: 'peer' },
    requireCertificate: true,
    checkHost: true,
  })
  expect(ignored).toEqual(['client.depth'])
})

it('takes what is not said as OTP does', async () => {
  const { options } = await read('[{server, [{certfile, "s.pem"}]}, {client, [{cacertfile, "c.pem"}]}].')
  expect(options).toEqual({
    server: { certFile: 's.pem', verify: 'none' },
    client: { caFile: 'c.pem', verify: 'peer' },
    requireCertificate: false,
    checkHost: true,
  })
})

it('takes the first of two, atoms alone, and that names of hosts are not looked at', async () => {
  const { options } =
    await read(`[{server, [{certfile, "a"}, {certfile, "b"}, {verify, verify_peer}, secure_renegotiate,
    {fail_if_no_peer_cert, false}, {crl_check, false}]}, {client, [{server_name_indication, disable}]}].`)
  expect(options).toMatchObject({ server: { certFile: 'a' }, checkHost: false, requireCertificate: false })
})

it.each([
  [
    'verify_fun',
    '{verify_fun, {fun mydist:verify/3, "state"}}',
    /verify_fun: it cannot be followed: a function of Erlang decides/,
  ],
  ['crl_check', '{crl_check, true}', /crl_check: it cannot be followed/],
  ['verify', '{verify, verify_me}', /server\.verify: expected verify_peer or verify_none, got verify_me/],
  ['versions', "{versions, ['tlsv1.1']}", /server\.versions: expected 'tlsv1\.2', 'tlsv1\.3', or both/],
])('refuses what it cannot follow: %s', async (_, option, message) => {
  await expect(read(`[{server, [${option}]}].`)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(message),
  })
})

it('shows no password', async () => {
  const wrong = read('[{server, [{password, {my, "hunter2"}}]}].')
  await expect(wrong).rejects.toMatchObject({ message: expect.not.stringContaining('hunter2') })
  await expect(read('[{server, [{password, "hunter2"}]}')).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.not.stringContaining('hunter2'),
  })
})
