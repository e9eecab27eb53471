import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { translations } from '../../src/config/libcluster-strategies.ts'
import type { StartOptions } from '../../src/tsunagi.ts'
import { Home, launch } from '../cli/support.ts'
import { KubeApi, pod } from '../cluster/strategies/kube-api.ts'
import { Cluster } from '../node/cluster.ts'
import { missingForNetworks, Networks, type Side } from '../support/network-namespaces.ts'
import { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { missingForPostgres, PostgresServer } from '../support/postgres-server.ts'
import { bareEnvironment } from '../support/releases.ts'
import { describeSkipped, describeTools, hasTool } from '../support/tools.ts'
import { Folder } from './folder.ts'

const A = 'app@127.0.0.1'
const B = 'b@127.0.0.1'
const patience = { nodes: 1, timeout: 60_000 }

const sysConfig = (strategy: string, config: string): string =>
  `[{libcluster, [{topologies, [{app, [{strategy, 'Elixir.${strategy}'}, {config, [${config}]}]}]}]}].\n`

/** The options of a `sys.config` whose libcluster has one topology. */
async function optionsOf(strategy: string, config: string): Promise<StartOptions> {
  using folder = new Folder({ 'sys.config': sysConfig(strategy, config) })
  return (await loadConfig({ cwd: folder.path, file: 'sys.config', env: {} })).options
}

/** Starts a node that is told nothing, and one with these options, which finds it. */
async function findsIt(options: StartOptions): Promise<void> {
  await using cluster = await Cluster.create()
  await cluster.start('app', { mesh: false })
  const b = await cluster.start('b', { mesh: false, ...options })
  await b.ready(patience)
  expect(b.nodes()).toEqual([A])
}

/** Starts two nodes with the same options, which find each other. */
async function findEachOther(options: StartOptions): Promise<void> {
  await using cluster = await Cluster.create()
  const nodes = [await cluster.start('app', options), await cluster.start('b', options)]
  for (const node of nodes) await node.ready(patience)
  expect(nodes.map((node) => node.nodes())).toEqual([[B], [A]])
}

describe('a topology of libcluster in a sys.config finds nodes', () => {
  it('by Cluster.Strategy.Epmd', async () => {
    await findsIt(await optionsOf('Cluster.Strategy.Epmd', `{hosts, ['${A}']}, {timeout, 200}`))
  })

  it('by Cluster.Strategy.LocalEpmd', async () => {
    await findsIt(await optionsOf('Cluster.Strategy.LocalEpmd', ''))
  })

  it('by Cluster.Strategy.ErlangHosts', async () => {
    using folder = new Folder({ '.hosts.erlang': "'127.0.0.1'.\n" })
    const { ROOTDIR } = process.env
    process.env.ROOTDIR = folder.path
    try {
      await findsIt(await optionsOf('Cluster.Strategy.ErlangHosts', '{timeout, 200}'))
    } finally {
      if (ROOTDIR === undefined) delete process.env.ROOTDIR
      else process.env.ROOTDIR = ROOTDIR
    }
  })

  it.each([
    ['plain', ''],
    ['encrypted', ', {secret, <<"a secret">>}'],
  ])('by Cluster.Strategy.Gossip, %s', async (_, secret) => {
    const place = `{port, ${await freePort()}}, {if_addr, "0.0.0.0"}, {multicast_if, "127.0.0.1"}`
    const group = `{multicast_addr, {239,${Math.ceil(Math.random() * 250)},83,1}}, {multicast_ttl, 1}`
    await findEachOther(await optionsOf('Cluster.Strategy.Gossip', `${place}, ${group}${secret}`))
  })

  describeTools('by the API of Kubernetes', ['openssl'], () => {
    it('by Cluster.Strategy.Kubernetes', async () => {
      await using api = await KubeApi.open([pod('app-0', '127.0.0.1')])
      const config = `{mode, ip}, {kubernetes_node_basename, "app"}, {kubernetes_selector, "app=nodes"},
        {kubernetes_namespace, "apps"}, {kubernetes_ip_lookup_mode, pods}, {polling_interval, 1000},
        {kubernetes_master, "${new URL(api.url).host}"}, {kubernetes_service_account_path, "${api.directory}"}`
      await findsIt(await optionsOf('Cluster.Strategy.Kubernetes', config))
      expect(api.asked[0]?.query).toMatchObject({ labelSelector: 'app=nodes' })
    })
  })
})

const byPostgres = (): void => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await PostgresServer.start()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  it('by LibclusterPostgres.Strategy', async () => {
    const config = `{hostname, "127.0.0.1"}, {port, ${server.port}}, {username, "tsunagi"}, {password, "any"},
      {database, "postgres"}, {channel_name, "a_channel"}, {heartbeat_interval, 200}`
    await findEachOther(await optionsOf('LibclusterPostgres.Strategy', config))
  })
}

const postgresTitle = 'a topology of libcluster in a sys.config finds nodes in PostgreSQL'
if (missingForPostgres.length === 0) describe(postgresTitle, byPostgres)
else describeSkipped(postgresTitle, missingForPostgres, byPostgres)

const SIDES = ['left', 'right'] as const
const KUBERNETES = 'default.svc.cluster.local'
const pods = [0, 1].map((i) => `app-${i}.app.${KUBERNETES}`)

/** Two nodes as `tsunagi start` makes them, each in a network of its own, whose DNS server is dnsmasq at port 53. */
async function findEachOtherByDns(strategy: string, config: string, hosts: readonly string[]): Promise<void> {
  using networks = Networks.open(1)
  using folder = new Folder({ 'sys.config': sysConfig(strategy, config) })
  const addresses = SIDES.map((side) => networks.address(side))
  for (const side of SIDES) networks.resolvConf(side, `nameserver ${addresses[0]}\nsearch ${KUBERNETES}\n`)
  const records = addresses.flatMap((address, i) => [
    `--host-record=${pods[i]},${address}`,
    `--host-record=app.${KUBERNETES},${address}`,
    `--srv-host=app.${KUBERNETES},${pods[i]},4369`,
  ])
  const fixed = ['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--log-facility=-', '--user=root']
  const args = [...fixed, '--no-resolv', '--no-hosts', '--local=/local/', ...records]
  const [command, ...words] = [...networks.inside('left'), 'dnsmasq', ...args] as [string, ...string[]]
  await using dnsmasq = new OsProcess(command, words, { env: bareEnvironment(undefined) })
  await dnsmasq.waitForOutput(/started, version/)
  using home = new Home()
  const epmdPort = await freePort()
  const start = (host: string, side: Side): OsProcess => {
    const within = networks.inside(side)
    const options = ['--config', `${folder.path}/sys.config`, '--name', `app@${host}`, '--cookie', 'secret']
    return launch(home, ['start', ...options], { epmdPort, within })
  }
  const [one, two] = hosts as [string, string]
  await using first = start(one, 'left')
  await using second = start(two, 'right')
  const seen = [
    await first.waitForOutput(/^\+ /, { timeout: 60_000 }),
    await second.waitForOutput(/^\+ /, { timeout: 60_000 }),
  ]
  expect(seen).toEqual([`+ app@${two} (visible)`, `+ app@${one} (visible)`])
}

const byDns = (): void => {
  const addresses = ['10.83.0.1', '10.83.0.101']
  it.each([
    ['Cluster.Strategy.DNSPoll', `{query, "app.${KUBERNETES}"}, {node_basename, "app"}`, addresses],
    ['Cluster.Strategy.Kubernetes.DNS', '{service, "app"}, {application_name, "app"}', addresses],
    ['Cluster.Strategy.Kubernetes.DNSSRV', '{service, "app"}, {namespace, "default"}, {application_name, "app"}', pods],
  ])(
    'by %s',
    async (strategy, config, hosts) => {
      await findEachOtherByDns(strategy, `${config}, {polling_interval, 500}`, hosts)
    },
    180_000,
  )
}

const missingForDns = [...(hasTool('dnsmasq') ? [] : ['dnsmasq']), ...missingForNetworks()]
const dnsTitle = 'a topology of libcluster in a sys.config finds nodes in DNS'
if (missingForDns.length === 0) describe(dnsTitle, byDns)
else describeSkipped(dnsTitle, missingForDns, byDns)

describe('the strategies of libcluster', () => {
  it('all run in these tests', () => {
    const text = readFileSync(new URL(import.meta.url), 'utf8')
    for (const name of Object.keys(translations)) expect(text).toContain(`'${name.replace(/^Elixir\./, '')}'`)
  })
})
