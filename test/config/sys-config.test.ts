import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { freePort } from '../support/otp.ts'
import { Folder } from './folder.ts'

async function load(text: string, more: Readonly<Record<string, string>> = {}) {
  using folder = new Folder({ 'sys.config': text, ...more })
  return await loadConfig({ cwd: folder.path, file: 'sys.config', env: {} })
}

const kernel = async (parameters: string) => await load(`[{kernel, [${parameters}]}].`)
const libcluster = async (topology: string) => await load(`[{libcluster, [{topologies, [{app, [${topology}]}]}]}].`)

describe('a sys.config', () => {
  it('makes a visible node, that waits as OTP does', async () => {
    const { options, ignored } = await load(`
      %% The file of a tutorial.
      [{kernel,
        [{sync_nodes_mandatory, ['a@127.0.0.1']},
         {sync_nodes_optional, ['b@127.0.0.1', 'c@127.0.0.1']},
         {sync_nodes_timeout, 5000}
      ]}].
    `)
    expect(options).toEqual({
      visible: true,
      syncNodes: { mandatory: ['a@127.0.0.1'], optional: ['b@127.0.0.1', 'c@127.0.0.1'], timeout: 5000 },
    })
    expect(ignored).toEqual([])
  })

  it('waits for ever, or for nobody where no timeout is given', async () => {
    const infinite = await kernel(`{sync_nodes_mandatory, ['a@h']}, {sync_nodes_timeout, infinity}`)
    expect(infinite.options.syncNodes).toEqual({ mandatory: ['a@h'], timeout: Number.POSITIVE_INFINITY })
    expect((await kernel(`{sync_nodes_mandatory, ['a@h']}`)).options).toEqual({ visible: true })
  })

  it.each([
    ['{net_ticktime, 15}', { netTickTime: 15_000 }],
    ['{net_setuptime, 5}', { setupTimeout: 5_000 }],
    ['{dist_auto_connect, never}', { distAutoConnect: 'never' }],
    ['{dist_auto_connect, once}', { distAutoConnect: 'once' }],
    ['{connect_all, false}', { connectAll: false }],
    ['{dist_listen, false}', { listen: false }],
    ['{inet_dist_listen_min, 9100}, {inet_dist_listen_max, 9105}', { listen: { port: [9100, 9105] } }],
    ['{inet_dist_listen_min, 9100}', { listen: { port: [9100, 9100] } }],
    ['{inet_dist_listen_max, 9105}', {}],
    ['{inet_dist_use_interface, {127,0,0,1}}', { listen: { host: '127.0.0.1' } }],
    ['{inet_dist_use_interface, {0,0,0,0,0,0,0,1}}', { listen: { host: '0:0:0:0:0:0:0:1' } }],
    ['{net_ticktime, 15}, {net_ticktime, 20}', { netTickTime: 20_000 }],
  ])('understands %s', async (parameters, options) => {
    expect((await kernel(parameters)).options).toEqual({ visible: true, ...options })
  })

  it('says what else would change a node, and leaves logging and other applications alone', async () => {
    const text = `[{kernel, [{logger_level, info}, {prevent_overlapping_partitions, false}]}, {my_app, [x]}].`
    expect(await load(text)).toMatchObject({ ignored: ['kernel.prevent_overlapping_partitions'], options: {} })
  })

  it('includes other files, of which the later counts', async () => {
    const { options } = await load('[{kernel, [{net_ticktime, 15}, {net_setuptime, 3}]}, "more/other"].', {
      'more/other.config': '[{kernel, [{net_ticktime, 20}]}].',
    })
    expect(options).toEqual({ visible: true, netTickTime: 20_000, setupTimeout: 3_000 })
    using cwd = new Folder({ 'beside.config': '[{kernel, [{net_ticktime, 30}]}].' })
    using elsewhere = new Folder({ 'sys.config': '["beside.config"].' })
    const found = await loadConfig({ cwd: cwd.path, file: `${elsewhere.path}/sys.config`, env: {} })
    expect(found.options).toEqual({ visible: true, netTickTime: 30_000 })
    await expect(load('["sys.config"].')).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })

  it.each([
    ['[{kernel, [{net_ticktime, soon}]}].', 'kernel.net_ticktime', 'got soon'],
    ['[{kernel, [{sync_nodes_timeout, 0}]}].', 'kernel.sync_nodes_timeout', 'milliseconds, or infinity, got 0'],
    [
      `[{kernel, [{sync_nodes_timeout, 1}, {sync_nodes_optional, 'a@h'}]}].`,
      'kernel.sync_nodes_optional',
      'a list of nodes',
    ],
    [
      '[{kernel, [{inet_dist_listen_min, 5}, {inet_dist_listen_max, 4}]}].',
      'kernel.inet_dist_listen_max',
      '65535, got 4',
    ],
    ['[{kernel, [{connect_all, perhaps}]}].', 'kernel.connect_all', 'true or false, got perhaps'],
    ['[{kernel, net_ticktime}].', 'kernel', 'a list of {Key, Value}'],
    ['[kernel].', 'an entry', '{Application, Parameters}'],
  ])('refuses %s by name', async (text, option, says) => {
    await expect(load(text)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      option,
      source: expect.stringMatching(/sys\.config$/),
      message: expect.stringContaining(says),
    })
  })

  it('shows where the text is wrong, as in a tutorial that lacks a bracket', async () => {
    const text = "[{kernel,\n    {sync_nodes_optional, ['a@127.0.0.1']},\n    {sync_nodes_timeout, 5000}\n  ]}\n].\n"
    await expect(load(text)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/sys\.config: .*\(line 4, column 3\)/),
    })
    await expect(load('{kernel, []}.')).rejects.toMatchObject({
      message: expect.stringContaining('sys.config: expected a list, [{Application, Parameters}]., got {kernel,[]}'),
    })
    await expect(load('[{kernel, [{net_ticktime, "60"}]}].')).rejects.toMatchObject({
      message: expect.stringContaining('kernel.net_ticktime: expected seconds, got "60"'),
    })
    await expect(load('')).rejects.toMatchObject({ message: expect.stringContaining('found 0 terms') })
  })
})

describe("libcluster's topologies in a sys.config", () => {
  it.each([
    ["{strategy, 'Elixir.Cluster.Strategy.Epmd'}, {config, [{hosts, ['a@h']}, {timeout, 7000}]}", 'staticNodes', 7000],
    [
      "{strategy, 'Elixir.Cluster.Strategy.Epmd'}, {config, [{hosts, ['a@h']}, {timeout, infinity}]}",
      'staticNodes',
      undefined,
    ],
    ["{strategy, 'Elixir.Cluster.Strategy.LocalEpmd'}", 'localEpmd', undefined],
    ["{strategy, 'Elixir.Cluster.Strategy.ErlangHosts'}, {config, [{timeout, 100}]}", 'erlangHosts', 100],
    [
      `{strategy, 'Elixir.Cluster.Strategy.Gossip'}, {config, [{port, 45000}, {if_addr, "0.0.0.0"},
        {multicast_if, nil}, {multicast_addr, {233,252,1,32}}, {broadcast_only, false}, {secret, <<"s">>}]}`,
      'gossip',
      undefined,
    ],
    [
      '{strategy, \'Elixir.Cluster.Strategy.DNSPoll\'}, {config, [{query, "app.internal"}, {node_basename, <<"app">>}, {polling_interval, 7000}]}',
      'dns',
      7000,
    ],
    [
      `{strategy, 'Elixir.Cluster.Strategy.Kubernetes'}, {config, [{mode, hostname}, {kubernetes_node_basename, "app"},
        {kubernetes_selector, "app=app"}, {kubernetes_namespace, "default"}, {kubernetes_service_name, "app"},
        {kubernetes_ip_lookup_mode, pods}, {kubernetes_cluster_name, "cluster"}, {polling_interval, 10000}]}`,
      'kubernetes',
      10_000,
    ],
    [
      '{strategy, \'Elixir.Cluster.Strategy.Kubernetes.DNS\'}, {config, [{service, "app"}, {application_name, "app"}]}',
      'dns',
      undefined,
    ],
    [
      `{strategy, 'Elixir.Cluster.Strategy.Kubernetes.DNSSRV'}, {config, [{service, "app"}, {namespace, "default"},
        {application_name, "app"}]}`,
      'dnsSrv',
      undefined,
    ],
    [
      `{strategy, 'Elixir.LibclusterPostgres.Strategy'}, {config, [{hostname, "localhost"}, {port, 5432}, {username, "u"},
        {password, "p"}, {database, "d"}, {channel_name, "c"}, {heartbeat_interval, 5000}]}`,
      'postgres',
      undefined,
    ],
  ])('become strategies: %s', async (topology, name, interval) => {
    const { options } = await libcluster(topology)
    expect(options.topologies).toEqual({
      app: { strategy: expect.objectContaining({ name }), ...(interval === undefined ? {} : { interval }) },
    })
  })

  it.each([
    [
      "{strategy, 'Elixir.Cluster.Strategy.Rancher'}",
      'libcluster.topologies.app.strategy',
      'metadata service of Rancher',
    ],
    ["{strategy, 'Elixir.My.Strategy'}", 'libcluster.topologies.app.strategy', 'Cluster.Strategy.LocalEpmd'],
    [
      "{strategy, 'Elixir.Cluster.Strategy.LocalEpmd'}, {config, [{x, 1}]}",
      'libcluster.topologies.app.config.x',
      'no such',
    ],
    [
      "{strategy, 'Elixir.Cluster.Strategy.LocalEpmd'}, {connect, {m, f, []}}",
      'libcluster.topologies.app.connect',
      'only',
    ],
    ['{config, []}', 'libcluster.topologies.app', 'strategy'],
    [
      "{strategy, 'Elixir.Cluster.Strategy.DNSPoll'}",
      'libcluster.topologies.app.config',
      'config: query: expected a non-empty string',
    ],
    [
      '{strategy, \'Elixir.Cluster.Strategy.Epmd\'}, {config, [{hosts, ["a"]}]}',
      'libcluster.topologies.app.config.hosts',
      'nodes',
    ],
  ])('are refused by name: %s', async (topology, option, says) => {
    await expect(libcluster(topology)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      option,
      message: expect.stringContaining(says),
    })
  })
})

describe('a secret in a sys.config', () => {
  it('is never told', async () => {
    const topology = "{strategy, 'Elixir.Cluster.Strategy.Gossip'}, {config, [{secret, {hush}}]}"
    const error = await libcluster(topology).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ option: 'libcluster.topologies.app.config.secret', value: undefined })
    expect(String(error)).not.toContain('hush')
  })

  it.each([
    ['a key is missing', "[{strategy, 'Elixir.Cluster.Strategy.Gossip'}, {config, {secret, hush}}]"],
    ['a bracket is missing', '[{strategy, \'Elixir.Cluster.Strategy.Gossip\'}, {config, [{secret, "hush"}}]'],
    ['a comma is missing', '[{strategy, s}, {config, [{password,\n   hush hush}]}]'],
    ['a list is too short', '[{config, [{cookie, hush} | hush]}]'],
  ])('is not shown either where %s', async (_, topology) => {
    const error = await load(`[{libcluster, [{topologies, [{app, ${topology}}]}]}].`).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_CONFIG', value: undefined })
    expect(inspect(error, { depth: 10 })).not.toContain('hush')
  })
})

describe('a range of ports', () => {
  it('gives each node the first that is free, and is told when none is', async () => {
    const epmd = await freePort()
    let first = await freePort()
    // The next is free, too.
    for (let next = await freePort(); next !== first + 1; next = await freePort()) first = next
    const range = { port: [first, first + 1] } as const
    const options = (name: string) => ({ name: `${name}@127.0.0.1`, cookie: 'c', epmd: { port: epmd }, listen: range })
    await using a = await startNode(options('a'))
    await using b = await startNode(options('b'))
    expect([a.listening?.port, b.listening?.port]).toEqual([first, first + 1])
    await expect(startNode(options('c'))).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining(`on all ports from ${first} to ${first + 1}`),
    })
    const wrong = { name: 'd@127.0.0.1', listen: { port: [2, 1] as const } }
    await expect(startNode(wrong)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'listen.port' })
  })
})
