import { afterEach, describe, expect, it } from 'vitest'
import { type DnsSrvOptions, dnsSrv } from '../../../../src/cluster/strategies/dns-srv.ts'
import type { PartialAnswer } from '../../../../src/cluster/strategy.ts'
import type { StrategyUnderTest } from '../../../../src/testing/strategy-checks.ts'
import { strategyContext } from '../../../../src/testing/strategy-context.ts'
import { conform } from '../conform.ts'
import { NameServer, type Said } from './name-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const HERE = { search: [], ndots: 1 }
const QUERY = '_dist-erl._tcp.app.test'

const ZONE: Readonly<Record<string, Said>> = {
  [`SRV ${QUERY}`]: ['9100 pod-0.app.test', '9101 pod-1.app.test'],
  'A pod-0.app.test': ['10.0.0.1'],
  'A pod-1.app.test': ['10.0.0.2'],
  'AAAA pod-1.app.test': ['fd00::2'],
}

async function look(zone: Readonly<Record<string, Said>>, options: Partial<DnsSrvOptions>): Promise<PartialAnswer> {
  const server = await NameServer.open(zone)
  closers.push(() => server[Symbol.asyncDispose]())
  const strategy = dnsSrv({ query: QUERY, servers: [server.address], ...HERE, ...options })
  return (await strategy.discover(strategyContext({ self: 'app@pod-9.app.test' }))) as PartialAnswer
}

async function world(): Promise<StrategyUnderTest> {
  const server = await NameServer.open(ZONE)
  return {
    strategy: dnsSrv({ query: QUERY, servers: [server.address], ...HERE }),
    context: { self: 'app@pod-1.app.test' },
    nodes: ['app@pod-0.app.test'],
    change: () => {
      server.zone = { [`SRV ${QUERY}`]: ['9100 pod-2.app.test'] }
      return ['app@pod-2.app.test']
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

describe('dnsSrv', () => {
  conform(world, ['change', 'fail', 'recover', 'hang'])

  it('names nodes by the targets', async () => {
    const { nodes, errors } = await look(ZONE, { basename: 'shop' })
    expect([...nodes]).toEqual([{ name: 'shop@pod-0.app.test' }, { name: 'shop@pod-1.app.test' }])
    expect(errors).toEqual([])
  })

  it('has the ports when asked to', async () => {
    const { nodes } = await look(ZONE, { ports: true })
    expect([...nodes]).toEqual([
      { name: 'app@pod-0.app.test', port: 9100 },
      { name: 'app@pod-1.app.test', port: 9101 },
    ])
  })

  it('names nodes by the addresses of the targets', async () => {
    const { nodes } = await look(ZONE, { names: 'ip', ports: true })
    expect([...nodes]).toEqual([
      { name: 'app@10.0.0.1', port: 9100 },
      { name: 'app@10.0.0.2', port: 9101 },
      { name: 'app@fd00::2', port: 9101 },
    ])
  })

  it('hides none of the targets when one has no address', async () => {
    const { nodes, errors } = await look({ ...ZONE, 'A pod-0.app.test': 'SERVFAIL' }, { names: 'ip', types: ['A'] })
    expect([...nodes]).toEqual([{ name: 'app@10.0.0.2' }])
    expect(errors).toEqual([expect.objectContaining({ message: 'A of pod-0.app.test: the server failed (SERVFAIL)' })])
  })

  it('takes a target that is the root for no node at all', async () => {
    const { nodes, errors } = await look({ [`SRV ${QUERY}`]: ['0 .'] }, { names: 'ip' })
    expect([...nodes]).toEqual([])
    expect(errors).toEqual([])
  })

  it('completes names with search domains', async () => {
    const { nodes } = await look(ZONE, { query: '_dist-erl._tcp.app', search: ['test'], ndots: 5 })
    expect([...nodes]).toHaveLength(2)
  })

  it.each<[Said, string]>([
    ['NXDOMAIN', `there is no name ${QUERY} (NXDOMAIN)`],
    ['SERVFAIL', `SRV of ${QUERY}: the server failed (SERVFAIL)`],
  ])('rejects when the server says %s', async (said, message) => {
    await expect(look({ [`SRV ${QUERY}`]: said }, {})).rejects.toMatchObject({ code: 'ERR_DISCOVERY', message })
  })

  it.each([[{ ports: 1 }], [{ names: 'dns' }], [{ query: 5 }], [{ port: true }]])('refuses %j', (options) => {
    expect(() => dnsSrv({ query: QUERY, ...options } as DnsSrvOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
    )
  })
})
