import { expect, it, vi } from 'vitest'
import { dns, dnsSrv } from '../../src/cluster/index.ts'
import { Dnsmasq } from '../cluster/strategies/dns/dnsmasq.ts'
import { freePort } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'

const aliveOf = (name: string): string => name.split('@')[0] as string

describeTools('with a real DNS server', ['dnsmasq'], () => {
  describeOtp('strategies over DNS', (release) => {
    it('dns connects an Erlang node by its address, and again when it was killed and came back', async () => {
      await using scene = await Scene.open(release)
      await using server = await Dnsmasq.open({ hosts: { 'app.test': ['127.0.0.1'] } })
      const name = scene.name('erl')
      const first = await scene.erl({ name })
      const ts = await scene.node()
      const strategy = dns({
        query: 'app',
        basename: aliveOf(name),
        servers: [server.address],
        search: ['shop.test', 'test'],
        ndots: 5,
      })
      const app = ts.topology('app', { strategy, interval: 200 })
      expect((await app.refresh()).connected).toEqual([name])
      await sees(first, 'nodes(hidden)', `['${ts.name}']`)
      const down = nextEvent(ts, 'nodedown', name)
      first.kill()
      await down
      const up = nextEvent(ts, 'nodeup', name)
      const second = await scene.erl({ name })
      await up
      await sees(second, 'nodes(hidden)', `['${ts.name}']`)
    })

    it('dnsSrv connects an Erlang node that no EPMD knows, by the port of its record', async () => {
      await using scene = await Scene.open(release)
      const port = await freePort()
      const service = '_dist-erl._tcp.app.test'
      await using server = await Dnsmasq.open({
        hosts: { 'pod-0.test': ['127.0.0.1'] },
        services: [[service, 'pod-0.test', port]],
      })
      const args = ['-kernel', 'inet_dist_listen_min', String(port), 'inet_dist_listen_max', String(port)]
      const erl = await scene.erl({ epmdPort: false, args: [...args, '-erl_epmd_port', String(port)] })
      const ts = await scene.node({ epmd: false, listen: false })
      const app = ts.topology('app', {
        strategy: dnsSrv({
          query: service,
          basename: aliveOf(erl.name),
          names: 'ip',
          ports: true,
          types: ['A'],
          servers: [server.address],
          search: [],
          ndots: 1,
        }),
        interval: 200,
      })
      expect((await app.refresh()).connected).toEqual([erl.name])
      await sees(erl, 'nodes(hidden)', `['${ts.name}']`)

      // A name that is gone is an error, which parts nobody.
      await server.kill()
      server.zone = { hosts: {} }
      await server.start()
      await vi.waitFor(() => expect(app.lastError?.message).toMatch(/NXDOMAIN/), { timeout: 25_000 })
      expect(app.nodes()).toEqual([erl.name])
      expect(ts.nodes()).toEqual([erl.name])
    })
  })
})
