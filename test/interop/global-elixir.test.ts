import { expect, test } from 'vitest'
import { atom, Pid } from '../../src/term/index.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { connectOnce, PATIENCE } from './support/global-cluster.ts'

// What docs/global.md shows, in both its halves.
describeOtp(
  'global names from Elixir',
  (release) => {
    test('{:global, name} calls a server of ours, and :global.trans excludes node.global.trans', PATIENCE, async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node({ visible: true })
      await connectOnce(node, elixir)
      await node.global.sync({ timeout: 20_000 })
      const server = await node.start({ handleCall: (request) => ['invoice', request] })
      expect(await node.global.registerName('billing', server)).toBe('yes')

      expect(await elixir.eval('GenServer.call({:global, "billing"}, :next)')).toBe('["invoice", :next]')
      expect(await elixir.eval('node(:global.whereis_name("billing"))')).toBe(`:"${node.name}"`)
      expect(await elixir.eval('Node.list()')).toBe(`[:"${node.name}"]`)
      const inside = await node.global.trans('ledger', () =>
        elixir.eval('{:global.set_lock({"ledger", self()}, [node() | Node.list()], 0)}'),
      )
      expect(inside).toBe('{false}')
      expect(await elixir.eval('{:global.trans({"ledger", self()}, fn -> :alone end)}')).toBe('{:alone}')
    })

    test('a hidden node asks a BEAM node for a name', PATIENCE, async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      await connectOnce(node, elixir)
      await elixir.eval(':global.register_name(:billing, spawn(fn -> Process.sleep(:infinity) end))')
      const pid = await node.rpc(elixir.name, 'global', 'whereis_name', [atom('billing')])
      expect(pid instanceof Pid && pid.node).toBe(elixir.name)
    })

    test('a function of an Elixir module that ours exposes too decides a clash', PATIENCE, async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir({ name: scene.name('aa') })
      const node = await scene.node({ name: scene.name('zz'), visible: true })
      const later = (pid1: string, pid2: string): string =>
        `if(node(${pid1}) > node(${pid2}), do: ${pid1}, else: ${pid2})`
      await elixir.eval(`defmodule Resolver do def keep(_name, pid1, pid2), do: ${later('pid1', 'pid2')} end`)
      node.expose('Elixir.Resolver', { keep: (_name, pid1, pid2) => (pid1.node > pid2.node ? pid1 : pid2) })
      const server = await node.start({})
      await node.global.registerName('billing', server, { resolve: ['Elixir.Resolver', 'keep'] })
      const theirs = 'spawn(fn -> Process.sleep(:infinity) end)'
      expect(await elixir.eval(`{:global.register_name("billing", ${theirs}, &Resolver.keep/3)}`)).toBe('{:yes}')
      await connectOnce(node, elixir)
      await node.global.sync({ timeout: 20_000 })
      expect(await elixir.eval('{:global.sync(), node(:global.whereis_name("billing"))}')).toBe(
        `{:ok, :"${node.name}"}`,
      )
      expect(node.global.whereisName('billing')?.equals(server.pid)).toBe(true)
    })
  },
  { elixir: true },
)
