/**
 * The cases of Phoenix.PubSub's own adapter tests (`test/shared/pubsub_test.exs`, `test/phoenix/pubsub_test.exs`), each
 * between a node of ours and one of Elixir, in both directions. docs/pubsub.md maps them one by one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Recipient } from '../../src/pubsub/dispatcher.ts'
import { mesh } from '../../src/pubsub/engines/mesh.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'
import { loadPhoenix, meet, members, next, phoenixVersions, received, startPubSub, workers } from './support/phoenix.ts'

const PING = atom('ping')
const END = atom('end')
const TOPIC = 'tøpic'

const dispatcher = `
  defmodule CustomDispatcher do
    def dispatch(subscribers, from, message) do
      for {pid, metadata} <- subscribers, do: send(pid, {:custom, metadata, from, message})
      :ok
    end
  end`

/** The same here. */
const dispatchers = {
  'Elixir.CustomDispatcher': (recipients: readonly Recipient[], { message }: { readonly message: Term }) => {
    for (const to of recipients) to.deliver(tuple(atom('custom'), to.metadata as Term, message))
  },
}

describeOtp(
  'Phoenix.PubSub',
  (release) => {
    let scene: Scene
    let elixir: OtpNode
    let node: TestNode
    let tests = 0
    /** The pub/sub of this test, here and in Elixir. */
    let pubsub: PubSub
    let name: string

    beforeAll(async () => {
      scene = await Scene.open(release)
      elixir = await scene.elixir()
      await loadPhoenix(elixir)
      await elixir.eval(dispatcher)
      node = await scene.node()
      await node.connect(elixir.name)
    })

    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]()
    })

    beforeEach(() => {
      name = `Test${++tests}.PubSub`
    })

    /** Calls Phoenix.PubSub of the Elixir node, in the process whose mailbox {@link received} reads. */
    const theirs = (call: string) => elixir.eval(`Phoenix.PubSub.${call.replace('(', `(${name}, `)}`)

    /** The pools of 2.0 are of one. */
    const pools = phoenixVersions.flatMap((version) =>
      (version === '2.0' ? [1] : [1, 8]).map((poolSize) => [version, poolSize] as const),
    )

    describe.each(pools)('%s, with pools of %i', (version, poolSize) => {
      let before: string

      beforeEach(async () => {
        await startPubSub(elixir, name, { version, poolSize })
        before = await workers(elixir, name)
        pubsub = node.pubsub(name, { engine: mesh({ poolSize }), dispatchers })
        await meet(pubsub, elixir)
      })

      afterEach(async () => {
        await pubsub.close()
        expect(await workers(elixir, name)).toBe(before)
        expect(await elixir.eval('Process.info(self(), :messages)')).toBe('{:messages, []}')
      })

      it('says the name of the node', async () => {
        expect(pubsub.nodeName()).toBe(node.name)
        expect(await elixir.eval(`Phoenix.PubSub.node_name(${name})`)).toBe(`:"${elixir.name}"`)
        expect(pubsub.nodes()).toEqual([elixir.name])
      })

      it('subscribes and unsubscribes', async () => {
        const self = await openProcess(node)
        const other = pubsub.subscribe('other')
        const subscription = pubsub.subscribe(TOPIC, { to: self.pid })
        await theirs(`broadcast("${TOPIC}", :one)`)
        expect(await self.receive()).toBe(atom('one'))
        expect(pubsub.unsubscribe(TOPIC, { to: self.pid })).toBe(1)
        expect(subscription.closed).toBe(true)
        await theirs(`broadcast("${TOPIC}", :two)`)
        await theirs('broadcast("other", :end)')
        expect(await next(other)).toBe(END)
        expect(self.mailboxLength).toBe(0)

        expect(await theirs(`subscribe("${TOPIC}")`)).toBe(':ok')
        pubsub.broadcast(TOPIC, PING)
        expect(await received(elixir)).toBe(':ping')
        expect(await theirs(`unsubscribe("${TOPIC}")`)).toBe(':ok')
        await theirs('subscribe("other")')
        pubsub.broadcast(TOPIC, PING)
        pubsub.broadcast('other', END)
        expect(await received(elixir)).toBe(':end')
      })

      it('broadcasts to each subscriber of a topic', async () => {
        const ours = [pubsub.subscribe(TOPIC), pubsub.subscribe(TOPIC)]
        await theirs(`subscribe("${TOPIC}")`)
        await elixir.eval(`
          main = self()
          spawn(fn ->
            Phoenix.PubSub.subscribe(${name}, "${TOPIC}")
            send(main, :subscribed)
            for _ <- 1..3, do: receive(do: (message -> send(main, {:forwarded, message})))
          end)
          receive do :subscribed -> :ok end`)
        pubsub.broadcast(TOPIC, PING)
        for (const subscription of ours) expect(await next(subscription)).toBe(PING)
        expect([await received(elixir), await received(elixir)].sort()).toEqual([':ping', '{:forwarded, :ping}'])
        for (const broadcast of ['broadcast', 'broadcast!']) {
          expect(await theirs(`${broadcast}("${TOPIC}", :pong)`)).toBe(':ok')
          for (const subscription of ours) expect(await next(subscription)).toBe(atom('pong'))
          expect([await received(elixir), await received(elixir)].sort()).toEqual([':pong', '{:forwarded, :pong}'])
        }
      })

      it('broadcasts from whatever process, by whatever group that chooses', async () => {
        const subscription = pubsub.subscribe(TOPIC)
        await elixir.eval(`
          for n <- 1..200 do
            Task.async(fn -> Phoenix.PubSub.broadcast(${name}, "${TOPIC}", {n, :erlang.phash2(self(), ${poolSize})}) end)
          end |> Task.await_many()`)
        const messages: [number, number][] = []
        for (let i = 0; i < 200; i++)
          messages.push([...((await next(subscription)) as Iterable<Term>)] as [number, number])
        expect(messages.map(([n]) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
        expect(new Set(messages.map(([, group]) => group)).size).toBe(poolSize)
      })

      it('broadcasts to nobody who subscribed to another topic', async () => {
        const other = pubsub.subscribe('unknown')
        await theirs('subscribe("unknown")')
        const several = Array.from({ length: 10 }, () => pubsub.subscribe(TOPIC))
        pubsub.broadcast(TOPIC, PING)
        pubsub.broadcast('unknown', END)
        expect(await next(other)).toBe(END)
        expect(await received(elixir)).toBe(':end')
        await theirs(`broadcast("${TOPIC}", :pong)`)
        await theirs('broadcast("unknown", :end)')
        expect(await next(other)).toBe(END)
        expect(await received(elixir)).toBe(':end')
        for (const subscription of several) {
          expect([await next(subscription), await next(subscription)]).toEqual([PING, atom('pong')])
        }
      })

      it('broadcasts from a subscriber to all others', async () => {
        const self = await openProcess(node)
        pubsub.subscribe(TOPIC, { to: self.pid })
        const [one, two] = [pubsub.subscribe(TOPIC), pubsub.subscribe(TOPIC)]
        await theirs(`subscribe("${TOPIC}")`)
        pubsub.broadcastFrom(self.pid, TOPIC, atom('from self'))
        pubsub.broadcastFrom(one, TOPIC, atom('from one'))
        expect(await self.receive()).toBe(atom('from one'))
        expect(await next(one)).toBe(atom('from self'))
        expect([await next(two), await next(two)]).toEqual([atom('from self'), atom('from one')])
        expect([await received(elixir), await received(elixir)]).toEqual([':"from self"', ':"from one"'])
        for (const broadcast of ['broadcast_from', 'broadcast_from!']) {
          expect(await theirs(`${broadcast}(self(), "${TOPIC}", :theirs)`)).toBe(':ok')
          for (const subscription of [one, two]) expect(await next(subscription)).toBe(atom('theirs'))
          expect(await self.receive()).toBe(atom('theirs'))
        }
      })

      it('unsubscribes from what nobody subscribed to', async () => {
        expect(pubsub.unsubscribe(TOPIC)).toBe(0)
        expect(await theirs(`unsubscribe("${TOPIC}")`)).toBe(':ok')
        const subscription = pubsub.subscribe(TOPIC)
        subscription.close()
        subscription.close()
        expect(pubsub.unsubscribe(TOPIC)).toBe(0)
      })

      it('broadcasts directly to a node', async () => {
        const subscription = pubsub.subscribe(TOPIC)
        await theirs(`subscribe("${TOPIC}")`)
        pubsub.directBroadcast(node.name, TOPIC, atom('here'))
        pubsub.directBroadcast(elixir.name, TOPIC, atom('there'))
        expect(await next(subscription)).toBe(atom('here'))
        expect(await received(elixir)).toBe(':there')
        for (const broadcast of ['direct_broadcast', 'direct_broadcast!']) {
          const call = `Phoenix.PubSub.${broadcast}(:"${node.name}", ${name}, "${TOPIC}", :direct)`
          expect(await elixir.eval(call)).toBe(':ok')
          expect(await next(subscription)).toBe(atom('direct'))
        }
      })

      it('broadcasts directly to a node that nobody knows', async () => {
        const subscription = pubsub.subscribe(TOPIC)
        await theirs(`subscribe("${TOPIC}")`)
        pubsub.directBroadcast('IDONTKNOW@127.0.0.1', TOPIC, PING)
        pubsub.broadcast(TOPIC, END)
        expect(await next(subscription)).toBe(END)
        expect(await received(elixir)).toBe(':end')
        expect(node.nodes('known')).toEqual([elixir.name])
      })

      it('broadcasts locally', async () => {
        const subscription = pubsub.subscribe(TOPIC)
        await theirs(`subscribe("${TOPIC}")`)
        pubsub.localBroadcast(TOPIC, PING)
        pubsub.broadcast(TOPIC, END)
        expect([await next(subscription), await next(subscription)]).toEqual([PING, END])
        expect(await received(elixir)).toBe(':end')
        expect(await theirs(`local_broadcast("${TOPIC}", :pong)`)).toBe(':ok')
        await theirs(`broadcast("${TOPIC}", :end)`)
        expect([await received(elixir), await received(elixir)]).toEqual([':pong', ':end'])
        expect(await next(subscription)).toBe(END)
      })

      it('broadcasts locally from a subscriber to all others', async () => {
        const self = await openProcess(node)
        pubsub.subscribe(TOPIC, { to: self.pid })
        const [one, two] = [pubsub.subscribe(TOPIC), pubsub.subscribe(TOPIC)]
        await theirs(`subscribe("${TOPIC}")`)
        pubsub.localBroadcastFrom(self.pid, TOPIC, atom('from self'))
        pubsub.localBroadcastFrom(one, TOPIC, atom('from one'))
        pubsub.broadcast(TOPIC, END)
        expect([await self.receive(), await self.receive()]).toEqual([atom('from one'), END])
        expect([await next(one), await next(one)]).toEqual([atom('from self'), END])
        expect([await next(two), await next(two), await next(two)]).toEqual([atom('from self'), atom('from one'), END])
        expect(await received(elixir)).toBe(':end')
      })

      it('dispatches by a module of its own, which sees the metadata of each subscription', async () => {
        const plain = pubsub.subscribe(TOPIC)
        const special = pubsub.subscribe(TOPIC, { metadata: atom('special') })
        await theirs(`subscribe("${TOPIC}", metadata: :special)`)
        const custom = (metadata: Term, message: string) => tuple(atom('custom'), metadata, atom(message))
        /** What ours and theirs get of a broadcast; `undefined`: nothing of it. */
        const expectHere = async (message: string, from: { plain?: boolean } = {}): Promise<void> => {
          if (from.plain !== false) expect(await next(plain)).toEqual(custom(undefined, message))
          expect(await next(special)).toEqual(custom(atom('special'), message))
        }
        const expectThere = async (message: string, from = ':none'): Promise<void> =>
          expect(await received(elixir)).toBe(`{:custom, :special, ${from}, :${message}}`)

        // Theirs first: a node that has sent a dispatcher has it.
        await theirs(`broadcast("${TOPIC}", :a, CustomDispatcher)`)
        await expectHere('a')
        await expectThere('a')
        await theirs(`broadcast_from(self(), "${TOPIC}", :b, CustomDispatcher)`)
        await expectHere('b')
        expect(await received(elixir)).toMatch(/^\{:custom, :special, #PID<[\d.]+>, :b\}$/)
        await elixir.eval(`Phoenix.PubSub.direct_broadcast(:"${node.name}", ${name}, "${TOPIC}", :c, CustomDispatcher)`)
        await expectHere('c')

        const options = { dispatcher: 'Elixir.CustomDispatcher' }
        pubsub.broadcast(TOPIC, atom('d'), options)
        await expectHere('d')
        await expectThere('d')
        pubsub.broadcastFrom(plain, TOPIC, atom('e'), options)
        await expectHere('e', { plain: false })
        await expectThere('e')
        pubsub.localBroadcast(TOPIC, atom('f'), options)
        await expectHere('f')
        pubsub.localBroadcastFrom(plain, TOPIC, atom('g'), options)
        await expectHere('g', { plain: false })
        pubsub.directBroadcast(elixir.name, TOPIC, atom('h'), options)
        await expectThere('h')
      })
    })

    describe('of a size', () => {
      afterEach(async () => {
        await pubsub?.close()
      })

      it('listens on as many groups as it was told, whatever else is partitioned there', async () => {
        pubsub = node.pubsub(name, { engine: mesh({ poolSize: 4 }) })
        await startPubSub(elixir, name, { poolSize: 4, registrySize: 2 })
        await meet(pubsub, elixir)
        const groups = await members(elixir, name, node.name)
        const adapter = `Elixir.${name}.Adapter`
        expect(groups).toEqual([adapter, ...[1, 2, 3, 4].map((n) => `${adapter}_${n}`)])
      })

      it('has to have a name', () => {
        expect(() => node.pubsub('')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
      })

      it('does not broadcast by more groups than it listens on', () => {
        expect(() => mesh({ poolSize: 1, broadcastPoolSize: 2 })).toThrow(
          expect.objectContaining({
            code: 'ERR_INVALID_OPTION',
            message: expect.stringContaining('broadcastPoolSize'),
          }),
        )
      })
    })
  },
  { elixir: true },
)
