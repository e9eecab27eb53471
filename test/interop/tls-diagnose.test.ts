import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose } from '../../src/cluster/index.ts'
import type { TlsOptions } from '../../src/index.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { TlsAuthority } from './support/tls-authority.ts'

describeOtp('diagnose over TLS', (release) => {
  let authority: TlsAuthority
  let other: TlsAuthority

  beforeAll(() => {
    authority = new TlsAuthority(release)
    other = new TlsAuthority(release, '/CN=other')
    authority.write('long', { until: 300 })
    authority.write('expired', { from: -3, until: -1 })
    authority.write('early', { from: 1, until: 3 })
    authority.write('elsewhere', { names: ['DNS:elsewhere.example.com'] })
  })
  afterAll(() => {
    authority?.[Symbol.dispose]()
    other?.[Symbol.dispose]()
  })

  it('tells each thing that can be wrong, and what to do', async () => {
    await using scene = await Scene.open(release)
    const cases: [theirs: string[], ours: TlsOptions | undefined, code: string, message: RegExp, advice: RegExp][] = [
      [[], authority.options(), 'ERR_CONNECT_', /does not answer in TLS/, /inet_tls/],
      [authority.args(), undefined, 'ERR_CONNECT_', /speaks TLS, and this node dials without/, /inet_tls/],
      [
        authority.args(),
        { caFile: authority.at('ca.crt') },
        'ERR_CONNECT_TLS_NO_CERTIFICATE',
        /wants a certificate/,
        /certFile/,
      ],
      [authority.args({}, 'expired'), authority.options(), 'ERR_CONNECT_TLS_EXPIRED', /has expired/, /date -u/],
      [authority.args({}, 'early'), authority.options(), 'ERR_CONNECT_TLS_EXPIRED', /not valid yet/, /date -u/],
      [
        authority.args({}, 'elsewhere'),
        authority.options(),
        'ERR_CONNECT_TLS_HOST',
        /other hosts/,
        /subject alternative names/,
      ],
      [
        authority.args(),
        { ...authority.options(), caFile: other.at('ca.crt') },
        'ERR_CONNECT_TLS_UNTRUSTED',
        /does not know/,
        /caFile/,
      ],
      [
        authority.args(),
        other.options('node', { caFile: authority.at('ca.crt') }),
        'ERR_CONNECT_TLS_REFUSED',
        /does not know the authority/,
        /cacertfile/,
      ],
      [
        authority.args({ server: ["{versions,['tlsv1.2']}"] }),
        authority.options('node', { minVersion: 'TLSv1.3' }),
        'ERR_CONNECT_TLS_VERSION',
        /no version of TLS/,
        /minVersion/,
      ],
    ]
    for (const [args, tls, code, message, advice] of cases) {
      const erl = await scene.erl({ args })
      const node = await scene.node({ mesh: false, listen: false, setupTimeout: 2000, ...(tls && { tls }) })
      const { healthy, checks } = await diagnose(node, erl.name, { timeout: 60_000 })
      expect(healthy).toBe(false)
      expect(checks.find(({ status }) => status === 'failed')).toMatchObject({
        step: 'protocol',
        code: expect.stringContaining(code),
        message: expect.stringMatching(message),
        advice: expect.stringMatching(advice),
      })
      await node.close()
      erl.kill()
    }
  }, 90_000)

  it('tells version, cipher and when certificates expire, with a warning if it is soon', async () => {
    await using scene = await Scene.open(release)
    const [lasting, brief] = [
      await scene.erl({ args: authority.args({}, 'long') }),
      await scene.erl({ args: authority.args() }),
    ]
    const node = await scene.node({ mesh: false, tls: authority.options('long') })
    const protocolOf = async (name: string) => {
      const { healthy, checks } = await diagnose(node, name, { timeout: 60_000 })
      expect(healthy).toBe(true)
      return checks.find(({ step }) => step === 'protocol')
    }
    expect(await protocolOf(lasting.name)).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/over TLSv1\.[23] \(TLS_.+\); .*expires on 20/),
    })
    expect(await protocolOf(brief.name)).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/its certificate, CN=node, expires on/),
      advice: expect.stringMatching(/Renew it/),
    })
  })
})
