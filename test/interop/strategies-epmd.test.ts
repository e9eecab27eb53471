import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { epmd, erlangHosts, localEpmd, staticNodes } from '../../src/cluster/index.ts'
import type { TopologyOptions } from '../../src/cluster/topology-options.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

describeOtp('strategies over a real EPMD', (release) => {
  const strategies: [string, (names: string[]) => TopologyOptions['strategy']][] = [
    ['localEpmd', () => localEpmd()],
    ['epmd', () => epmd(['127.0.0.1'])],
    ['staticNodes', (names) => staticNodes(names)],
  ]
  it.each(strategies)('%s connects Erlang nodes, and they see us', async (_, make) => {
    await using scene = await Scene.open(release)
    const [one, other] = await Promise.all([scene.erl(), scene.erl()])
    const ts = await scene.node()
    const app = ts.topology('app', { strategy: make([one.name, other.name, ts.name]), interval: 500 })
    const { found, connected, rejected } = await app.refresh()
    expect([...found].sort()).toEqual([one.name, other.name].sort())
    expect(connected).toHaveLength(2)
    expect(rejected).toEqual([])
    for (const node of [one, other]) await sees(node, 'nodes(hidden)', `['${ts.name}']`)
  })

  it('localEpmd finds a node again that was killed and came back', async () => {
    await using scene = await Scene.open(release)
    const name = scene.name('erl')
    const first = await scene.erl({ name })
    const ts = await scene.node()
    const app = ts.topology('app', { strategy: localEpmd(), interval: 200 })
    await app.refresh()
    expect(ts.nodes()).toEqual([name])
    const down = nextEvent(ts, 'nodedown', name)
    first.kill()
    await down
    await vi.waitFor(() => expect(app.nodes()).toEqual([]), { timeout: 15_000 })
    const up = nextEvent(ts, 'nodeup', name)
    const second = await scene.erl({ name })
    await up
    await sees(second, 'nodes(hidden)', `['${ts.name}']`)
  })

  it('erlangHosts reads the file that net_adm reads, and finds whom net_adm finds', async () => {
    await using scene = await Scene.open(release)
    const peer = await scene.erl()
    const folder = mkdtempSync(join(tmpdir(), 'tsunagi-hosts-'))
    try {
      const text = "% Two hosts, one twice.\n'127.0.0.1'.\n'127.0.0.1'.\n"
      const file = join(folder, '.hosts.erlang')
      writeFileSync(file, text)
      // Its own home: releases in other root directories do not see our file.
      const path = 'filename:join(os:getenv("HOME"), ".hosts.erlang")'
      await peer.eval(`ok = file:write_file(${path}, Text)`, { bind: { Text: Buffer.from(text) } })
      const hosts = await peer.eval('net_adm:host_file()')
      expect(hosts).toBe("['127.0.0.1','127.0.0.1']")
      const ts = await scene.node()
      const app = ts.topology('app', { strategy: erlangHosts({ file }) })
      expect((await app.refresh()).connected).toEqual([peer.name])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('prunes the link to an Erlang node that left the list, and leaves it alone then', async () => {
    await using scene = await Scene.open(release)
    const peer = await scene.erl()
    const ts = await scene.node({ mesh: false })
    let names = [peer.name]
    const app = ts.topology('app', { strategy: () => names, interval: Number.POSITIVE_INFINITY, prune: { after: 0 } })
    expect((await app.refresh()).connected).toEqual([peer.name])
    names = []
    expect((await app.refresh()).pruned).toEqual([peer.name])
    await sees(peer, 'nodes(connected)', '[]')
    expect(ts.nodes('known')).toEqual([])
  })
})
