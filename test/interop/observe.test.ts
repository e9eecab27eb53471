import { expect, it } from 'vitest'
import { openObservatory } from '../../src/observe/cluster-observatory.ts'
import { shows } from '../observe/watching.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { connectOnce } from './support/global-cluster.ts'
import { loadModule } from './support/modules.ts'

describeOtp(
  'a cluster of ours and of BEAM nodes, looked at from one node',
  (release) => {
    it('shows who they are, how they stand, and whom each of them sees', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const elixir = await scene.elixir()
      const other = await scene.node()
      const self = await scene.node({ connectTo: [erl.name, elixir.name, other.name] })
      await connectOnce(other, erl)
      await erl.eval(`net_kernel:connect_node('${elixir.name}')`)
      await erl.eval(`register(known_here, spawn(fun() -> receive stop -> ok end end))`)
      await using observatory = openObservatory(self)

      const node = (name: string) => observatory.section('nodes').nodes.find((it) => it.name === name)
      await shows(observatory, () => node(elixir.name)?.runtime === 'elixir' && node(erl.name)?.runtime === 'erlang')
      const otp = await erl.eval('list_to_integer(erlang:system_info(otp_release))')
      const [pid, host] = [
        await erl.eval('list_to_integer(os:getpid())'),
        await erl.eval('element(2, inet:gethostname())'),
      ]
      expect(node(erl.name)).toMatchObject({
        state: 'connected',
        runtime: 'erlang',
        version: otp,
        visibility: 'visible',
        answer: { state: 'answers', reason: null },
        memory: { total: expect.any(Number), processes: expect.any(Number), ets: expect.any(Number), heapUsed: null },
        processes: { count: expect.any(Number), runQueue: expect.any(Number), mailbox: null },
        os: { pid: Number(pid), host: JSON.parse(host), platform: 'linux' },
      })
      expect(node(erl.name)?.memory?.total).toBeGreaterThan(1_000_000)
      const started = await erl.eval(
        'erlang:convert_time_unit(erlang:system_info(start_time) + erlang:time_offset(), native, millisecond)',
      )
      expect(Math.abs((node(erl.name)?.startedAt ?? 0) - Number(started))).toBeLessThan(1000)
      expect(node(elixir.name)).toMatchObject({
        version: JSON.parse(await elixir.eval('System.version()')),
        versions: { otp },
      })
      expect(node(other.name)).toMatchObject({ runtime: 'typescript', visibility: 'hidden' })

      const row = (name: string) => observatory.section('matrix').rows.find((it) => it.node === name)
      const sees = (from: string, to: string) => row(from)?.cells[observatory.section('matrix').nodes.indexOf(to)]?.sees
      await shows(
        observatory,
        () => sees(erl.name, other.name) && sees(erl.name, elixir.name) && sees(elixir.name, erl.name),
      )
      expect([sees(erl.name, self.name), sees(elixir.name, self.name)]).toEqual([true, true])
      expect(row(erl.name)?.tells).toBe(true)

      const names = observatory.section('processes').nodes.find((it) => it.node === erl.name)
      expect(names?.names).toContain('known_here')
      const page = await observatory.page({ list: 'names', node: erl.name, filter: 'KNOWN_' })
      expect(page).toEqual({ items: ['known_here'], total: 1, more: false })
      await shows(observatory, () => {
        const link = observatory.section('links').links.find((it) => it.from === self.name && it.to === erl.name)
        return link?.rtt !== null && link?.rtt !== undefined
      })
      // Nothing that was asked has left a trace in anybody's log.
      expect([...erl.output, ...elixir.output].filter((line) => /error|report/i.test(line))).toEqual([])
    })

    it('says why a BEAM node is gone, and tells Gleam by its modules', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      await loadModule(erl, "-module('gleam@list').\n-export([length/1]).\nlength(L) -> erlang:length(L).\n")
      const self = await scene.node({ connectTo: erl.name })
      await using observatory = openObservatory(self)
      const node = () => observatory.section('nodes').nodes.find((it) => it.name === erl.name)
      await shows(observatory, () => node()?.runtime === 'gleam')
      erl.process.kill('SIGKILL')
      await shows(observatory, () => node()?.state === 'connecting' && node()?.answer.state === 'none')
      const told = await shows(observatory, () => observatory.since(0).find((it) => it.kind === 'node-down'))
      expect(told).toMatchObject({ peer: erl.name, reason: 'connection_closed', severity: 'error' })
      await shows(observatory, () => observatory.section('overview').verdict.level === 'warning')
      expect(observatory.section('overview').verdict.text).toContain(`${erl.name} is not connected`)
    })
  },
  { elixir: true },
)
