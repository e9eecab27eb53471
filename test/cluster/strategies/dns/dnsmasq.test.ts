import { describe, expect, it } from 'vitest'
import { type DnsOptions, dns } from '../../../../src/cluster/strategies/dns.ts'
import { dnsSrv } from '../../../../src/cluster/strategies/dns-srv.ts'
import type { FoundNode, PartialAnswer, PullStrategy } from '../../../../src/cluster/strategy.ts'
import type { StrategyUnderTest } from '../../../../src/testing/strategy-checks.ts'
import { strategyContext } from '../../../../src/testing/strategy-context.ts'
import { startNode, type TsunagiNode } from '../../../../src/tsunagi.ts'
import { LogBook } from '../../../process/network.ts'
import { freePort } from '../../../support/otp.ts'
import { describeTools } from '../../../support/tools.ts'
import { conform } from '../conform.ts'
import { Dnsmasq, type Zone } from './dnsmasq.ts'

const HERE = { search: [], ndots: 1 }
const PARTS = ['change', 'fail', 'recover', 'hang'] as const
const SERVICE = '_dist._tcp.app.test'

/** A strategy over a dnsmasq, that has these nodes at first and those after a change. */
async function under(
  zone: Zone,
  make: (servers: string[]) => PullStrategy,
  nodes: readonly string[],
  change: (server: Dnsmasq) => Promise<readonly string[]>,
): Promise<StrategyUnderTest> {
  const server = await Dnsmasq.open(zone)
  return {
    strategy: make([server.address]),
    context: { self: 'app@pod-9.test' },
    nodes,
    change: async () => await change(server),
    fail: async () => await server.kill(),
    recover: async () => await server.start(),
    hang: () => server.freeze(),
    close: async () => await server[Symbol.asyncDispose](),
  }
}

async function found(strategy: PullStrategy): Promise<string[]> {
  const { nodes } = (await strategy.discover(strategyContext({ self: 'app@host.test' }))) as PartialAnswer
  return ([...nodes] as FoundNode[]).map(({ name }) => name).sort()
}

describeTools('a real DNS server', ['dnsmasq'], () => {
  describe('dns, names by address', () => {
    const zone = { hosts: { 'app.test': ['10.0.0.1', 'fd00::5'] } }
    const change = async (server: Dnsmasq): Promise<string[]> => {
      await server.change({ 'app.test': ['10.0.0.1', '10.0.0.3'] })
      return ['app@10.0.0.1', 'app@10.0.0.3']
    }
    const make = (servers: string[]): PullStrategy => dns({ query: 'app.test', servers, ...HERE })
    conform(async () => await under(zone, make, ['app@10.0.0.1', 'app@fd00::5'], change), PARTS)
  })

  describe('dns, names by reverse lookup', () => {
    const zone = {
      hosts: { 'pod-0.test': ['10.0.0.1'], 'pod-1.test': ['fd00::2'], 'app.test': ['10.0.0.1', 'fd00::2'] },
    }
    const change = async (server: Dnsmasq): Promise<string[]> => {
      await server.change({ 'pod-0.test': ['10.0.0.1'], 'pod-2.test': ['10.0.0.4'], 'app.test': ['10.0.0.4'] })
      return ['app@pod-2.test']
    }
    const make = (servers: string[]): PullStrategy => dns({ query: 'app.test', names: 'hostname', servers, ...HERE })
    conform(async () => await under(zone, make, ['app@pod-0.test', 'app@pod-1.test'], change), PARTS)
  })

  describe('dnsSrv', () => {
    const zone: Zone = {
      hosts: { 'pod-0.test': ['10.0.0.1'], 'pod-1.test': ['10.0.0.2'] },
      services: [
        [SERVICE, 'pod-0.test', 9100],
        [SERVICE, 'pod-1.test', 9100],
      ],
    }
    const change = async (server: Dnsmasq): Promise<string[]> => {
      await server.kill()
      server.zone = { ...zone, services: [[SERVICE, 'pod-1.test', 9100]] }
      await server.start()
      return ['app@pod-1.test']
    }
    const make = (servers: string[]): PullStrategy => dnsSrv({ query: SERVICE, servers, ...HERE })
    conform(async () => await under(zone, make, ['app@pod-0.test', 'app@pod-1.test'], change), PARTS)
  })

  it('has all of an answer that was too long for a packet', async () => {
    const addresses = Array.from({ length: 300 }, (_, i) => `10.0.${1 + (i >> 7)}.${i & 127}`)
    await using server = await Dnsmasq.open({ hosts: { 'app.test': addresses } }, ['--edns-packet-max=512'])
    const options: DnsOptions = { query: 'app.test', types: ['A'], servers: [server.address], ...HERE }
    expect(await found(dns(options))).toEqual(addresses.map((address) => `app@${address}`).sort())
  })

  it('tells a name that does not exist from one without addresses, and from one it may not be asked for', async () => {
    await using server = await Dnsmasq.open({
      hosts: { 'app.test': ['10.0.0.1'] },
      services: [[SERVICE, 'app.test', 9100]],
    })
    const ask = async (query: string): Promise<string[]> =>
      await found(dns({ query, servers: [server.address], ...HERE }))
    await expect(ask('none.test')).rejects.toThrow('there is no name none.test (NXDOMAIN)')
    expect(await ask(SERVICE)).toEqual([])
    await expect(ask('example.org')).rejects.toThrow('A of example.org: the server refuses to answer (REFUSED)')
    const search = { search: ['shop.test', 'test'], ndots: 5 }
    expect(await found(dns({ query: 'app', servers: [server.address], ...search }))).toEqual(['app@10.0.0.1'])
  })

  it('brings nodes together without any EPMD, by the ports of SRV; a dead server parts nobody', async () => {
    const ports = [await freePort(), await freePort()] as const
    const names = ['app@127.0.0.1', 'app@127.0.0.2'] as const
    const zone: Zone = {
      hosts: { 'pod-0.test': ['127.0.0.1'], 'pod-1.test': ['127.0.0.2'] },
      services: [
        [SERVICE, 'pod-0.test', ports[0]],
        [SERVICE, 'pod-1.test', ports[1]],
      ],
    }
    await using server = await Dnsmasq.open(zone)
    const strategy = (): PullStrategy =>
      dnsSrv({ query: SERVICE, names: 'ip', ports: true, servers: [server.address], ...HERE })
    const start = async (i: 0 | 1): Promise<TsunagiNode> =>
      await startNode({
        name: names[i],
        cookie: 'secret',
        epmd: false,
        listen: { port: ports[i] },
        mesh: false,
        logger: new LogBook(),
      })
    await using a = await start(0)
    await using b = await start(1)
    const topology = a.topology('dns', { strategy: strategy(), interval: Number.POSITIVE_INFINITY })
    expect((await topology.refresh()).connected).toEqual([names[1]])
    expect(b.nodes()).toEqual([names[0]])

    await server.kill()
    await expect(topology.refresh()).rejects.toMatchObject({
      code: 'ERR_DISCOVERY',
      message: `topology dns: dnsSrv found out nothing: SRV of ${SERVICE}: no server listens`,
    })
    expect(topology.nodes()).toEqual([names[1]])
    expect(a.nodes()).toEqual([names[1]])

    server.zone = { ...zone, services: [[SERVICE, 'pod-0.test', ports[0]]] }
    await server.start()
    await topology.refresh()
    expect(topology.nodes()).toEqual([])
  })
})
