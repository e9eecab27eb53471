import { afterEach, describe, expect, it } from 'vitest'
import { reverseName } from '../../../../src/cluster/strategies/dns/dns-lookup.ts'
import { type DnsOptions, dns } from '../../../../src/cluster/strategies/dns.ts'
import type { FoundNode, PartialAnswer } from '../../../../src/cluster/strategy.ts'
import { FakeClock } from '../../../../src/testing/fake-clock.ts'
import type { StrategyUnderTest } from '../../../../src/testing/strategy-checks.ts'
import { strategyContext } from '../../../../src/testing/strategy-context.ts'
import { conform } from '../conform.ts'
import { NameServer, type Said } from './name-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function open(zone: Readonly<Record<string, Said>>): Promise<NameServer> {
  const server = await NameServer.open(zone)
  closers.push(() => server[Symbol.asyncDispose]())
  return server
}

const HERE = { search: [], ndots: 1 }

/** What a lookup answers, or how it fails. */
async function look(
  server: NameServer,
  options: DnsOptions,
  { self = 'app@10.0.0.9', clock = new FakeClock() } = {},
): Promise<{ names: string[]; errors: string[] }> {
  const strategy = dns({ servers: [server.address], ...HERE, ...options })
  const answer = (await strategy.discover(strategyContext({ self, clock }))) as PartialAnswer
  const names = [...(answer.nodes as FoundNode[])].map(({ name }) => name).sort()
  return { names, errors: answer.errors.map((error) => (error as Error).message) }
}

async function world(): Promise<StrategyUnderTest> {
  const server = await NameServer.open({ 'A app.test': ['10.0.0.1', '10.0.0.2'], 'AAAA app.test': ['fd00::5'] })
  return {
    strategy: dns({ query: 'app.test', servers: [server.address], ...HERE }),
    context: { self: 'app@10.0.0.2' },
    nodes: ['app@10.0.0.1', 'app@fd00::5'],
    change: () => {
      server.zone = { 'A app.test': ['10.0.0.1', '10.0.0.7'] }
      return ['app@10.0.0.1', 'app@10.0.0.7']
    },
    fail: () => {
      server.always = 'SERVFAIL'
    },
    recover: () => {
      server.always = undefined
    },
    hang: () => {
      server.always = 'silence'
    },
    close: () => server[Symbol.asyncDispose](),
  }
}

describe('dns', () => {
  conform(world, ['change', 'fail', 'recover', 'hang'])

  it('asks for A and AAAA, together', async () => {
    const server = await open({ 'A app.test': ['10.0.0.1'], 'AAAA app.test': ['fdaa:0:2e26:a7b:0:0:0:2', 'fd00::'] })
    const found = await look(server, { query: 'app.test' })
    expect(found).toEqual({ names: ['app@10.0.0.1', 'app@fd00::', 'app@fdaa:0:2e26:a7b::2'], errors: [] })
    expect([...server.asked].sort()).toEqual(['A app.test', 'AAAA app.test'])
  })

  it('asks only for those it is told to', async () => {
    const server = await open({ 'A app.test': ['10.0.0.1'], 'AAAA app.test': ['fd00::1'] })
    expect((await look(server, { query: 'app.test', types: ['AAAA'] })).names).toEqual(['app@fd00::1'])
    expect(server.asked).toEqual(['AAAA app.test'])
  })

  it.each<[string, Said, string]>([
    ['fails', 'SERVFAIL', 'AAAA of app.test: the server failed (SERVFAIL)'],
    ['is not understood', 'FORMERR', 'AAAA of app.test: the server does not understand the question (FORMERR)'],
  ])('has the A records when AAAA %s', async (_, said, error) => {
    const server = await open({ 'A app.test': ['10.0.0.1'], 'AAAA app.test': said })
    expect(await look(server, { query: 'app.test' })).toEqual({ names: ['app@10.0.0.1'], errors: [error] })
  })

  it.each(['REFUSED', 'NOTIMP'] as const)(
    'has none of a type that a server answers with %s, unless it has answered before',
    async (said) => {
      const server = await open({ 'A app.test': ['10.0.0.1'], 'AAAA app.test': said })
      const strategy = dns({ query: 'app.test', servers: [server.address], ...HERE })
      const errors = async (): Promise<number> => {
        const context = strategyContext({ self: 'app@10.0.0.9', clock: new FakeClock() })
        return ((await strategy.discover(context)) as PartialAnswer).errors.length
      }
      expect(await errors()).toBe(0)
      server.zone = { 'A app.test': ['10.0.0.1'], 'AAAA app.test': ['fd00::1'] }
      expect(await errors()).toBe(0)
      server.zone = { 'A app.test': ['10.0.0.1'], 'AAAA app.test': said }
      expect(await errors()).toBe(1)
    },
  )

  it('has the AAAA records when A fails', async () => {
    const server = await open({ 'A app.test': 'SERVFAIL', 'AAAA app.test': ['fd00::1'] })
    expect((await look(server, { query: 'app.test' })).names).toEqual(['app@fd00::1'])
  })

  it('does not wait for ever for one that does not answer', async () => {
    const server = await open({ 'A app.test': ['10.0.0.1'], 'AAAA app.test': 'silence' })
    const clock = new FakeClock()
    const looking = look(server, { query: 'app.test', timeout: 4000 }, { clock })
    while (!server.asked.includes('AAAA app.test')) await new Promise((resolve) => setTimeout(resolve, 5))
    // The answer to the other is on its way by now, or it comes first.
    const other = look(server, { query: 'app.test', types: ['A'] })
    await other
    clock.advance(4000)
    const { names, errors } = await looking
    expect(names).toEqual(['app@10.0.0.1'])
    expect(errors).toEqual(['AAAA of app.test: no answer within 4000 ms'])
    expect(clock.pending).toBe(0)
  })

  it('has no nodes when the name has no addresses', async () => {
    const server = await open({ 'SRV app.test': ['1 a.test'] })
    expect(await look(server, { query: 'app.test' })).toEqual({ names: [], errors: [] })
  })

  it.each<[Said, string]>([
    ['NXDOMAIN', 'there is no name app.test (NXDOMAIN)'],
    ['SERVFAIL', 'A of app.test: the server failed (SERVFAIL); AAAA of app.test: the server failed (SERVFAIL)'],
    [
      'REFUSED',
      'A of app.test: the server refuses to answer (REFUSED); AAAA of app.test: the server refuses to answer (REFUSED)',
    ],
  ])('rejects when the server says %s', async (said, message) => {
    const server = await open({})
    server.always = said
    await expect(look(server, { query: 'app.test' })).rejects.toMatchObject({ message })
  })

  it('rejects when no server answers, or what answers is garbage', async () => {
    const server = await open({})
    server.always = 'garbage'
    await expect(look(server, { query: 'app.test', types: ['A'] })).rejects.toMatchObject({ code: 'ERR_DISCOVERY' })
    await server[Symbol.asyncDispose]()
    closers.length = 0
    await expect(look(server, { query: 'app.test', types: ['A'] })).rejects.toMatchObject({
      code: 'ERR_DISCOVERY',
      message: 'A of app.test: no server listens',
    })
  })

  it('rejects when an answer was cut short, and the whole is not to be had', async () => {
    const server = await open({ 'A app.test': 'truncated' })
    await expect(look(server, { query: 'app.test', types: ['A'] })).rejects.toMatchObject({ code: 'ERR_DISCOVERY' })
  })

  it('asks the next server when one is dead', async () => {
    const dead = await NameServer.open({})
    await dead[Symbol.asyncDispose]()
    const server = await open({ 'A app.test': ['10.0.0.1'] })
    const servers = [dead.address, server.address]
    expect(await look(server, { query: 'app.test', servers })).toEqual({ names: ['app@10.0.0.1'], errors: [] })
  })

  it('completes a name with search domains, and takes the first that has addresses', async () => {
    const server = await open({
      'A app.shop.svc.cluster.local': ['10.0.0.1'],
      'A app.shop': ['10.0.0.99'],
    })
    const search = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local']
    const found = await look(server, { query: 'app.shop', search, ndots: 5 })
    expect(found).toEqual({ names: ['app@10.0.0.1'], errors: [] })
    expect(server.asked).not.toContain('A app.shop')
    await expect(look(server, { query: 'ap.shop', search, ndots: 5 })).rejects.toMatchObject({
      message:
        'there is no name ap.shop (NXDOMAIN): tried ap.shop.shop.svc.cluster.local, ap.shop.svc.cluster.local, ap.shop.cluster.local, ap.shop',
    })
  })

  it('is not sure of a name when one that comes before it could not be asked for', async () => {
    const server = await open({ 'A app.a': 'SERVFAIL', 'A app.b': ['10.0.0.1'] })
    const found = await look(server, { query: 'app', search: ['a', 'b'], types: ['A'] })
    expect(found).toEqual({ names: ['app@10.0.0.1'], errors: ['A of app.a: the server failed (SERVFAIL)'] })
    server.zone = { 'A app.a': 'SERVFAIL' }
    await expect(look(server, { query: 'app', search: ['a', 'b'], types: ['A'] })).rejects.toMatchObject({
      message: 'A of app.a: the server failed (SERVFAIL)',
    })
  })

  it('asks several names, each with its basename, and one that fails hides no other', async () => {
    const server = await open({ 'A app.test': ['10.0.0.1'], 'A web.test': ['10.0.0.1'], 'A bad.test': 'SERVFAIL' })
    const query = ['app.test', { query: 'web.test', basename: 'web' }, 'bad.test', { query: 'none.test' }]
    const { names, errors } = await look(server, { query, basename: 'shop', types: ['A'] })
    expect(names).toEqual(['shop@10.0.0.1', 'web@10.0.0.1'])
    expect(errors.sort()).toEqual([
      'A of bad.test: the server failed (SERVFAIL)',
      'there is no name none.test (NXDOMAIN)',
    ])
  })

  it('names nodes by what the reverse lookup of their addresses answers', async () => {
    const server = await open({
      'A app.test': ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
      'AAAA app.test': ['fd00::1'],
      'PTR 1.0.0.10.in-addr.arpa': ['pod-b.test', 'pod-a.test'],
      'PTR 2.0.0.10.in-addr.arpa': 'SERVFAIL',
      [`PTR ${[...'fd000000000000000000000000000001'].reverse().join('.')}.ip6.arpa`]: ['pod-six.test'],
    })
    const found = await look(server, { query: 'app.test', names: 'hostname' }, { self: 'app@host.test' })
    expect(found.names).toEqual(['app@pod-a.test', 'app@pod-six.test'])
    expect(found.errors.sort()).toEqual([
      'PTR of 10.0.0.2: the server failed (SERVFAIL)',
      'PTR of 10.0.0.3: there is no such name (NXDOMAIN)',
    ])
    const short = await look(server, { query: 'app.test', names: 'hostname' }, { self: 'app@host' })
    expect(short.names).toEqual(['app@pod-a', 'app@pod-six'])
  })

  it.each([
    ['10.0.0.1', '1.0.0.10.in-addr.arpa'],
    ['::1', `1.${'0.'.repeat(31)}ip6.arpa`],
    ['fd00::', `${'0.'.repeat(30)}d.f.ip6.arpa`],
    ['2001:db8::567:89ab', 'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
    ['1:2:3:4:5:6:7:8', '8.0.0.0.7.0.0.0.6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.ip6.arpa'],
    ['::ffff:10.0.0.1', `1.0.0.0.0.0.a.0.f.f.f.f.${'0.'.repeat(20)}ip6.arpa`],
  ])('asks for the names of %s at %s', (address, name) => {
    expect(reverseName(address)).toBe(name)
  })

  it('makes few of many errors', async () => {
    const addresses = Array.from({ length: 100 }, (_, i) => `10.0.1.${i}`)
    const server = await open({ 'A app.test': addresses, 'PTR 7.1.0.10.in-addr.arpa': ['seven.test'] })
    const { names, errors } = await look(server, { query: 'app.test', names: 'hostname', types: ['A'] })
    expect(names).toEqual(['app@seven.test'])
    expect(errors).toEqual([expect.stringMatching(/^PTR of 10\.0\.1\.\d+: .*; and 94 more$/)])
  })

  it.each<[unknown]>([
    [undefined],
    [{}],
    [{ query: '' }],
    [{ query: [] }],
    [{ query: 'two words' }],
    [{ query: 'app@host' }],
    [{ query: '10.0.0.1' }],
    [{ query: 'a..b' }],
    [{ query: [{ query: 'app.test', base: 'x' }] }],
    [{ query: 'app.test', basename: 'a@b' }],
    [{ query: 'app.test', types: [] }],
    [{ query: 'app.test', types: ['MX'] }],
    [{ query: 'app.test', servers: [] }],
    [{ query: 'app.test', servers: ['dns.test'] }],
    [{ query: 'app.test', search: 'test' }],
    [{ query: 'app.test', ndots: 16 }],
    [{ query: 'app.test', timeout: 0 }],
    [{ query: 'app.test', names: 'dns' }],
    [{ query: 'app.test', ports: true }],
  ])('refuses %j', (options) => {
    expect(() => dns(options as DnsOptions)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})
