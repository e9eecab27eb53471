import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { TlsOptions } from '../../src/index.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, type TestNode } from '../support/scene.ts'
import { type OptfileTerms, TlsAuthority } from './support/tls-authority.ts'

const mesh = { mesh: false } as const
const only = (version: string): OptfileTerms => {
  const versions = [`{versions,['tlsv${version}']}`]
  return { server: versions, client: versions }
}

interface Case {
  /** What the real node has. */
  readonly theirs?: { readonly cert?: string; readonly by?: 'other'; readonly terms?: OptfileTerms }
  readonly ours?: { readonly cert?: string; readonly by?: 'other'; readonly none?: true; readonly more?: TlsOptions }
  readonly code: string
  readonly reason: RegExp
}

/** We dial, and see why not. */
const dialled: Readonly<Record<string, Case>> = {
  'a certificate of another host': {
    theirs: { cert: 'elsewhere' },
    code: 'ERR_CONNECT_TLS_HOST',
    reason: /other hosts/,
  },
  'an unknown authority': {
    theirs: { by: 'other' },
    code: 'ERR_CONNECT_TLS_UNTRUSTED',
    reason: /does not know \(tls\.ca\)/,
  },
  'an expired certificate': { theirs: { cert: 'expired' }, code: 'ERR_CONNECT_TLS_EXPIRED', reason: /has expired/ },
  'one that is not valid yet': { theirs: { cert: 'early' }, code: 'ERR_CONNECT_TLS_EXPIRED', reason: /not valid yet/ },
  'that it does not know our authority': {
    ours: { by: 'other', more: { verify: 'none' } },
    code: 'ERR_CONNECT_TLS_REFUSED',
    reason: /does not know the authority of the certificate of this node/,
  },
  'that ours has expired': {
    ours: { cert: 'expired' },
    code: 'ERR_CONNECT_TLS_REFUSED',
    reason: /says that the certificate of this node has expired/,
  },
  'that it wants a certificate, in TLS 1.3': {
    theirs: { terms: only('1.3') },
    ours: { none: true },
    code: 'ERR_CONNECT_TLS_NO_CERTIFICATE',
    reason: /wants a certificate/,
  },
  'that it wants a certificate, in TLS 1.2': {
    ours: { none: true },
    code: 'ERR_CONNECT_TLS_NO_CERTIFICATE',
    reason: /wants a certificate/,
  },
  'no version in common': {
    theirs: { terms: only('1.2') },
    ours: { more: { minVersion: 'TLSv1.3' } },
    code: 'ERR_CONNECT_TLS_VERSION',
    reason: /no version of TLS/,
  },
}

/** It dials, and our log says why not. */
const dialling: Readonly<Record<string, Case>> = {
  'our certificate is of another host': {
    ours: { cert: 'elsewhere' },
    code: 'ERR_CONNECT_TLS_REFUSED',
    reason: /refuses the handshake|does not accept the certificate of this node/,
  },
  'it does not know our authority': {
    ours: { by: 'other', more: { verify: 'none' } },
    code: 'ERR_CONNECT_TLS_REFUSED',
    reason: /does not know the authority of the certificate of this node/,
  },
  'our certificate has expired': { ours: { cert: 'expired' }, code: 'ERR_CONNECT_TLS_REFUSED', reason: /has expired/ },
  'we do not know its authority': {
    theirs: { by: 'other' },
    code: 'ERR_CONNECT_TLS_UNTRUSTED',
    reason: /does not know \(tls\.ca\)/,
  },
  'its certificate has expired': {
    theirs: { cert: 'expired' },
    code: 'ERR_CONNECT_TLS_EXPIRED',
    reason: /has expired/,
  },
  'its certificate is not valid yet': {
    theirs: { cert: 'early' },
    code: 'ERR_CONNECT_TLS_EXPIRED',
    reason: /not valid yet/,
  },
  'there is no version in common': {
    theirs: { terms: only('1.2') },
    ours: { more: { minVersion: 'TLSv1.3' } },
    code: 'ERR_CONNECT_TLS_VERSION',
    reason: /no version of TLS/,
  },
}

/** What is logged with that code: the peer may know before this node does. */
async function logged(node: TestNode, code: string): Promise<string> {
  const find = () => node.log.lines.find(({ data }) => 'code' in data && data.code === code)?.message
  await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 20_000, interval: 10 })
  return find() as string
}

describeOtp('what is wrong with TLS', (release) => {
  let authority: TlsAuthority
  let other: TlsAuthority
  /** What a node of the other authority has that knows ours. */
  let trusting: OptfileTerms

  beforeAll(() => {
    authority = new TlsAuthority(release)
    other = new TlsAuthority(release, '/CN=other')
    const known = [`{cacertfile,"${authority.seen('ca.crt', release)}"}`]
    trusting = { server: known, client: known }
    authority.write('elsewhere', { names: ['DNS:elsewhere.example.com'] })
    authority.write('expired', { from: -3, until: -1 })
    authority.write('early', { from: 1, until: 3 })
  })
  afterAll(() => {
    authority?.[Symbol.dispose]()
    other?.[Symbol.dispose]()
  })

  const argsOf = ({ cert, by, terms }: NonNullable<Case['theirs']> = {}): string[] =>
    by === undefined ? authority.args(terms, cert) : other.args(trusting, cert)

  const optionsOf = ({ cert, by, none, more }: NonNullable<Case['ours']> = {}): TlsOptions =>
    none ? { caFile: authority.at('ca.crt') } : (by === undefined ? authority : other).options(cert, more)

  it.each(Object.entries(dialled))('is told who dials: %s', async (_, { theirs, ours, code, reason }) => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ args: argsOf(theirs) })
    const listen = ours?.none ? { listen: false as const } : {}
    const node = await scene.node({ ...mesh, ...listen, tls: optionsOf(ours) })
    await expect(node.connect(erl.name, { timeout: 20_000 })).rejects.toMatchObject({
      code,
      reason: expect.stringMatching(reason),
    })
  })

  it.each(Object.entries(dialling))(
    'is logged where a real node dials: %s',
    async (_, { theirs, ours, code, reason }) => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ args: argsOf(theirs) })
      const node = await scene.node({ ...mesh, tls: optionsOf(ours) })
      expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('false')
      expect(await logged(node, code)).toMatch(reason)
    },
  )

  it('is told, and logged, where a real node brings no certificate', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ args: authority.args({}, null) })
    const node = await scene.node({ ...mesh, tls: authority.options() })
    expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('false')
    expect(await logged(node, 'ERR_CONNECT_TLS_NO_CERTIFICATE')).toMatch(/has brought no certificate, or none/)
  })

  it('is told, and logged, where only one of the two speaks it', async () => {
    await using scene = await Scene.open(release)
    const [plain, secure] = [await scene.erl(), await scene.erl({ args: authority.args() })]
    const node = await scene.node({ ...mesh, tls: authority.options(), setupTimeout: 2000 })
    await expect(node.connect(plain.name, { timeout: 20_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_CONNECT_(TIMEOUT|TLS|TLS_PLAIN)$/),
      reason: expect.stringMatching(/speaks no TLS/),
    })
    expect(await plain.eval(`net_kernel:connect_node('${node.name}')`)).toBe('false')
    expect(await logged(node, 'ERR_CONNECT_TLS_PLAIN')).toMatch(/speaks no TLS/)
    const without = await scene.node(mesh)
    await expect(without.connect(secure.name, { timeout: 20_000 })).rejects.toMatchObject({
      code: 'ERR_CONNECT_PROTOCOL',
      reason: expect.stringMatching(/speaks TLS/),
    })
    expect(await secure.eval(`net_kernel:connect_node('${without.name}')`)).toBe('false')
    expect(await logged(without, 'ERR_CONNECT_PROTOCOL')).toMatch(/speaks TLS/)
  })
})
