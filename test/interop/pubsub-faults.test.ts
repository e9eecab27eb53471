/** Pub/sub with Elixir nodes where something goes wrong, on either side. */
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees, type TestNode } from '../support/scene.ts'
import {
  firstGroup,
  hasPools,
  loadPhoenix,
  meet,
  members,
  next,
  received,
  startPubSub,
  workers,
} from './support/phoenix.ts'

const TOPIC = 'sensors'
const END = atom('end')

describeOtp(
  'pub/sub with Elixir, when something goes wrong,',
  (release) => {
    let scene: Scene
    let elixir: OtpNode
    let node: TestNode
    let tests = 0
    let name: string

    beforeAll(async () => {
      scene = await Scene.open(release)
      elixir = await scene.elixir()
      await loadPhoenix(elixir)
      node = await scene.node()
      await node.connect(elixir.name)
    })

    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]()
    })

    beforeEach(async () => {
      name = `Faults${++tests}.PubSub`
      // What earlier tests left in the mailbox.
      await elixir.eval(
        'Stream.repeatedly(fn -> receive do _ -> true after 0 -> false end end) |> Enum.find(&(not &1))',
      )
    })

    /** A pub/sub of both, which know of each other; and that no process there had to be started again since. */
    async function open(options: { poolSize?: number } = {}): Promise<{ pubsub: PubSub; unharmed(): Promise<void> }> {
      await startPubSub(elixir, name, options)
      const before = await workers(elixir, name)
      const pubsub = node.pubsub(name)
      await meet(pubsub, elixir)
      return { pubsub, unharmed: async () => expect(await workers(elixir, name)).toBe(before) }
    }

    /** Resolves when what is broadcast here arrives there. */
    const reaches = (pubsub: PubSub) =>
      vi.waitUntil(
        async () => {
          pubsub.broadcast(TOPIC, 'are you there?')
          return (await elixir.eval('receive do "are you there?" -> true after 50 -> false end')) === 'true'
        },
        { timeout: 20_000, interval: 20 },
      )
    const subscribe = (topic = TOPIC) => elixir.eval(`Phoenix.PubSub.subscribe(${name}, "${topic}")`)
    const broadcast = (message: string) => elixir.eval(`Phoenix.PubSub.broadcast(${name}, "${TOPIC}", ${message})`)

    it('finds a pub/sub that starts later than ours', async () => {
      await using pubsub = node.pubsub(name)
      const subscription = pubsub.subscribe(TOPIC)
      expect(pubsub.nodes()).toEqual([])
      const up = once(pubsub, 'nodeup')
      await startPubSub(elixir, name)
      expect(await up).toEqual([elixir.name])
      await meet(pubsub, elixir)
      await subscribe()
      pubsub.broadcast(TOPIC, 1)
      expect(await received(elixir)).toBe('1')
      await broadcast(':later')
      expect([await next(subscription), await next(subscription)]).toEqual([1, atom('later')])
    })

    it('follows workers that are killed and started again', async () => {
      const { pubsub } = await open({ poolSize: 2 })
      const subscription = pubsub.subscribe(TOPIC)
      await subscribe()
      const before = await workers(elixir, name)
      await elixir.eval(
        `for group <- [${firstGroup(name)}, :"Elixir.${name}.Adapter_2"], pid = Process.whereis(group), do: Process.exit(pid, :kill)`,
      )
      await reaches(pubsub)
      expect(await workers(elixir, name)).not.toBe(before)
      await broadcast(':end')
      while ((await next(subscription)) !== END);
      expect(pubsub.nodes()).toEqual([elixir.name])
    })

    it('is found again by a scope that was killed and started again; workers join it when they start again', async () => {
      const { pubsub } = await open()
      const subscription = pubsub.subscribe(TOPIC)
      await subscribe()
      const down = once(pubsub, 'nodedown')
      await elixir.eval(`
        scope = Process.whereis(Phoenix.PubSub)
        ref = Process.monitor(scope)
        Process.exit(scope, :kill)
        receive do {:DOWN, ^ref, _, _, _} -> :ok end`)
      await down
      // What they broadcast arrives: the new scope hears of our members.
      await sees(elixir, `length(:pg.get_members(Phoenix.PubSub, ${firstGroup(name)}))`, '1')
      await broadcast(':alive')
      expect(await next(subscription)).toBe(atom('alive'))
      expect(await received(elixir)).toBe(':alive')
      // The worker never joins again by itself: the library's flaw, also between nodes of the BEAM.
      expect(pubsub.nodes()).toEqual([])
      await elixir.eval(`Process.exit(Process.whereis(${firstGroup(name)}), :kill)`)
      await reaches(pubsub)
    })

    it('loses a node in the middle of a broadcast, and the others get all of it in order', async () => {
      const { pubsub, unharmed } = await open()
      const victim = await scene.elixir()
      await loadPhoenix(victim)
      await startPubSub(victim, name)
      const up = nextEvent(node, 'nodeup', victim.name)
      await node.connect(victim.name)
      await up
      await meet(pubsub, victim)
      const total = 20_000
      await elixir.eval(`
        main = self()
        spawn(fn ->
          Phoenix.PubSub.subscribe(${name}, "${TOPIC}")
          send(main, :subscribed)
          in_order = Enum.all?(1..${total}, fn n -> receive do m -> m == n end end)
          send(main, {:in_order, in_order})
        end)
        receive do :subscribed -> :ok end`)
      const down = nextEvent(node, 'nodedown', victim.name)
      for (let n = 1; n <= total; n++) {
        if (n === total / 4) victim.kill('SIGKILL')
        if (!pubsub.broadcast(TOPIC, n) || n % 1000 === 0) await new Promise(setImmediate)
      }
      expect(await received(elixir)).toBe('{:in_order, true}')
      await down
      expect(pubsub.nodes()).toEqual([elixir.name])
      await unharmed()
    })

    it('keeps the order of each publisher, in both directions at once, big messages among small ones', async () => {
      const { pubsub, unharmed } = await open({ poolSize: 4 })
      const subscription = pubsub.subscribe(TOPIC, { capacity: 10_000 })
      await elixir.eval(`
        main = self()
        spawn(fn ->
          Phoenix.PubSub.subscribe(${name}, "to elixir")
          send(main, :subscribed)
          in_order = Enum.all?(1..500, fn n -> receive do {^n, _} -> true; _ -> false end end)
          send(main, {:in_order, in_order})
        end)
        receive do :subscribed -> :ok end`)
      const theirs = elixir.eval(
        `
        big = String.duplicate("x", 300_000)
        for p <- 1..8 do
          Task.async(fn ->
            for n <- 1..100 do
              Phoenix.PubSub.broadcast(${name}, "${TOPIC}", {p, n, if(rem(n, 25) == 0, do: big, else: "")})
            end
          end)
        end |> Task.await_many(60_000)
        :ok`,
        { apart: true },
      )
      const big = 'y'.repeat(300_000)
      for (let n = 1; n <= 500; n++) pubsub.broadcast('to elixir', tuple(n, n % 100 === 0 ? big : ''))
      const last = new Map<Term, number>()
      for (let i = 0; i < 800; i++) {
        const [p, n] = (await next(subscription)) as Iterable<Term> as [Term, number]
        expect(n).toBe((last.get(p) ?? 0) + 1)
        last.set(p, n)
      }
      expect([...last.values()]).toEqual(new Array(8).fill(100))
      expect(await theirs).toBe(':ok')
      expect(await received(elixir)).toBe('{:in_order, true}')
      expect(pubsub.stats.dropped).toEqual({})
      await unharmed()
    })

    it.each([
      ['that no node has', 'Elixir.Nobody.Dispatches'],
      ['that is a module which dispatches nothing', 'Elixir.Enum'],
    ])('never sends a dispatcher %s', async (_what, dispatcher) => {
      const { pubsub, unharmed } = await open()
      await subscribe()
      const lost = once(pubsub, 'dropped')
      pubsub.directBroadcast(elixir.name, TOPIC, 1, { dispatcher })
      pubsub.broadcast(TOPIC, END)
      expect(await received(elixir)).toBe(':end')
      expect(await lost).toMatchObject([{ cause: 'unknown-dispatcher', count: 1, topic: TOPIC, node: elixir.name }])
      await unharmed()
    })

    it('counts a dispatcher of theirs that we do not have, and goes on', async () => {
      const { pubsub } = await open()
      const subscription = pubsub.subscribe(TOPIC)
      await elixir.eval('defmodule Theirs.Dispatcher do def dispatch(_subscribers, _from, _message), do: :ok end')
      await elixir.eval(`Phoenix.PubSub.broadcast(${name}, "${TOPIC}", 1, Theirs.Dispatcher)`)
      await broadcast(':end')
      expect(await next(subscription)).toBe(END)
      expect(pubsub.stats.dropped).toEqual({ 'unknown-dispatcher': 1 })
    })

    it('counts what is no broadcast, and goes on', async () => {
      const { pubsub, unharmed } = await open()
      const subscription = pubsub.subscribe(TOPIC)
      const bad = [
        ':hello',
        '{:forward_to_local}',
        '{:forward_to_local, "t", 1}',
        '{:forward_to_local, :t, 1, Phoenix.PubSub}',
        '{:forward_to_local, <<255, 0>>, 1, Phoenix.PubSub}',
        '{:forward_to_local, ["t"], 1, Phoenix.PubSub}',
        '{:forward_to_local, "t", 1, "Phoenix.PubSub"}',
        '{:forward_to_local, "t", 1, Phoenix.PubSub, :more}',
        '{:forward_to_local, "t", 1, Phoenix.PubSub, 1, 2}',
        '{:forward_to_remote, "t", 1, Phoenix.PubSub}',
        '%{forward_to_local: 1}',
        '[:forward_to_local, "t", 1, Phoenix.PubSub]',
      ]
      await elixir.eval(`
        for bad <- [${bad.join(', ')}], group <- [${name}.Adapter, :"Elixir.${name}.Adapter_1"] do
          send({group, :"${node.name}"}, bad)
        end
        for pid <- :pg.get_members(Phoenix.PubSub, ${name}.Adapter), node(pid) != node(), bad <- [${bad.join(', ')}], do: send(pid, bad)`)
      await broadcast(':end')
      expect(await next(subscription)).toBe(END)
      const { dropped, received: got } = pubsub.stats
      expect(dropped.undecodable).toBeGreaterThanOrEqual(3 * bad.length)
      expect(got).toBe(1)
      await unharmed()
    })

    it('sends nothing to anyone when a message has no Erlang form', async () => {
      const { pubsub, unharmed } = await open()
      const subscription = pubsub.subscribe(TOPIC)
      await subscribe()
      for (const bad of [Number.NaN, { deep: [1, Number.POSITIVE_INFINITY] }, '\uD800', () => 1]) {
        expect(() => pubsub.broadcast(TOPIC, bad as Term)).toThrow(expect.objectContaining({ code: 'ERR_ENCODE' }))
      }
      expect(() => pubsub.broadcast(TOPIC, { deep: [1, Number.NaN] })).toThrow(
        expect.objectContaining({ path: '.deep[1]' }),
      )
      pubsub.broadcast(TOPIC, END)
      expect(await next(subscription)).toBe(END)
      expect(await received(elixir)).toBe(':end')
      await unharmed()
    })

    it.each<[what: string, topic: string]>([
      ['without a character', ''],
      ['of 64 KiB', 'ü'.repeat(32 * 1024)],
      ['of any characters', '\u0000*:\\"\u{1F600}\n'],
    ])('takes topics %s', async (_what, topic) => {
      const { pubsub, unharmed } = await open()
      const subscription = pubsub.subscribe(topic)
      const bind = { bind: { Topic: Buffer.from(topic) } }
      await elixir.eval(`Phoenix.PubSub.subscribe(${name}, topic)`, bind)
      pubsub.broadcast(topic, 1)
      expect(await received(elixir)).toBe('1')
      await elixir.eval(`Phoenix.PubSub.broadcast(${name}, topic, 2)`, bind)
      expect([await next(subscription), await next(subscription)]).toEqual([1, 2])
      expect(await received(elixir)).toBe('2')
      await unharmed()
    })

    it('publishes without taking part', async () => {
      await startPubSub(elixir, name)
      await subscribe()
      await using pubsub = node.pubsub(name, { publishOnly: true })
      await pubsub.ready({ timeout: 20_000 })
      pubsub.broadcast(TOPIC, 1)
      expect(await received(elixir)).toBe('1')
      expect(await members(elixir, name, node.name)).toEqual([''])
      expect(() => pubsub.subscribe(TOPIC)).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    })

    it('leaves no member behind when it is closed, and can be opened again', async () => {
      const { pubsub, unharmed } = await open({ poolSize: 3 })
      expect((await members(elixir, name, node.name)).length).toBeGreaterThanOrEqual(hasPools ? 3 : 1)
      await pubsub.close()
      await sees(
        elixir,
        `for group <- :pg.which_groups(Phoenix.PubSub), pid <- :pg.get_members(Phoenix.PubSub, group), node(pid) == :"${node.name}", String.starts_with?(Atom.to_string(group), "Elixir.${name}"), do: group`,
        '[]',
      )
      await using again = node.pubsub(name)
      await meet(again, elixir)
      const subscription = again.subscribe(TOPIC)
      await broadcast(':again')
      expect(await next(subscription)).toBe(atom('again'))
      await unharmed()
    })
  },
  { elixir: true },
)
