/**
 * The cases of Phoenix.PubSub's own tests with several nodes (`test/phoenix/distributed_pubsub_test.exs`), with nodes of
 * ours among those of Elixir. docs/pubsub.md maps them one by one.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { mesh } from '../../src/pubsub/engines/mesh.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'
import {
  firstGroup,
  hasBroadcastPools,
  loadPhoenix,
  meet,
  next,
  type PhoenixOptions,
  received,
  startPubSub,
} from './support/phoenix.ts'

const NAME = 'Several.PubSub'
const PING = atom('ping')
const END = atom('end')

/**
 * As in Phoenix.PubSub's tests: `three` listens on more than it broadcasts by, `four` has a pool of one. Before version 2.2
 * nodes of the BEAM with other pools did not understand each other.
 */
const pools: Record<'one' | 'three' | 'four', PhoenixOptions> = {
  one: { poolSize: 4 },
  three: { poolSize: 4, ...(hasBroadcastPools ? { broadcastPoolSize: 1 } : {}) },
  four: { poolSize: hasBroadcastPools ? 1 : 4 },
}

describeOtp(
  'Phoenix.PubSub on several nodes',
  (release) => {
    let scene: Scene
    const elixirs = {} as Record<keyof typeof pools, OtpNode>
    /** Of two nodes of ours: one as any node is, one with a pool of four that broadcasts by one. */
    let primary: PubSub
    let second: PubSub
    let topic: string
    let tests = 0

    beforeAll(async () => {
      scene = await Scene.open(release)
      const names = Object.keys(pools) as (keyof typeof pools)[]
      await Promise.all(
        names.map(async (name) => {
          const elixir = await scene.elixir()
          await loadPhoenix(elixir)
          await startPubSub(elixir, NAME, pools[name])
          elixirs[name] = elixir
        }),
      )
      const [one, three, four] = names.map((name) => elixirs[name]) as [OtpNode, OtpNode, OtpNode]
      await one.eval(`for node <- [:"${three.name}", :"${four.name}"], do: true = Node.connect(node)`)
      const connectTo = [one.name, three.name, four.name]
      primary = (await scene.node({ connectTo })).pubsub(NAME)
      second = (await scene.node({ connectTo: [...connectTo, primary.nodeName()] })).pubsub(NAME, {
        engine: mesh({ poolSize: 4, broadcastPoolSize: 1 }),
      })
      for (const pubsub of [primary, second]) {
        for (const elixir of Object.values(elixirs)) await meet(pubsub, elixir)
        await pubsub.ready({ nodes: 4, timeout: 25_000 })
      }
      for (const elixir of Object.values(elixirs)) {
        await sees(elixir, `length(:pg.get_members(Phoenix.PubSub, ${firstGroup(NAME)}))`, '5')
      }
    })

    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]()
    })

    beforeEach(() => {
      topic = `topic ${++tests}`
    })

    const subscribe = async (...names: (keyof typeof pools)[]): Promise<void> => {
      for (const name of names) await elixirs[name].eval(`Phoenix.PubSub.subscribe(${NAME}, "${topic}")`)
    }
    const broadcast = (from: keyof typeof pools, message: string) =>
      elixirs[from].eval(`Phoenix.PubSub.broadcast(${NAME}, "${topic}", ${message})`)

    it('broadcasts to all of them', async () => {
      const ours = [primary.subscribe(topic), second.subscribe(topic)]
      await subscribe('one', 'three', 'four')
      for (const [i, pubsub] of [primary, second, primary].entries()) {
        pubsub.broadcast(topic, i)
        for (const subscription of ours) expect(await next(subscription)).toBe(i)
        for (const elixir of Object.values(elixirs)) expect(await received(elixir)).toBe(String(i))
      }
      for (const message of [':a', ':b']) {
        expect(await broadcast('one', message)).toBe(':ok')
        for (const subscription of ours) expect(await next(subscription)).toBe(atom(message.slice(1)))
        for (const elixir of [elixirs.one, elixirs.three]) expect(await received(elixir)).toBe(message)
        // A pool of four may choose a group that a pool of one is not in: a loss between the two, which ours do not have.
        await elixirs.four.eval('receive do _ -> :ok after 0 -> :ok end')
      }
      primary.broadcast(topic, END)
      while ((await received(elixirs.four)) !== ':end');
      for (const elixir of [elixirs.one, elixirs.three]) expect(await received(elixir)).toBe(':end')
    })

    it('broadcasts locally to none of the others', async () => {
      const [here, there] = [primary.subscribe(topic), second.subscribe(topic)]
      await subscribe('one', 'three')
      primary.localBroadcast(topic, PING)
      primary.broadcast(topic, END)
      expect(await next(here)).toBe(PING)
      for (const subscription of [here, there]) expect(await next(subscription)).toBe(END)
      for (const elixir of [elixirs.one, elixirs.three]) expect(await received(elixir)).toBe(':end')

      await elixirs.one.eval(`Phoenix.PubSub.local_broadcast(${NAME}, "${topic}", :ping)`)
      await broadcast('one', ':end')
      expect([await received(elixirs.one), await received(elixirs.one)]).toEqual([':ping', ':end'])
      expect(await received(elixirs.three)).toBe(':end')
      for (const subscription of [here, there]) expect(await next(subscription)).toBe(END)
    })

    it('broadcasts directly to one of them', async () => {
      const ours = [primary.subscribe(topic), second.subscribe(topic)] as const
      await subscribe('one', 'three')
      primary.directBroadcast(elixirs.one.name, topic, PING)
      primary.directBroadcast(second.nodeName(), topic, PING)
      primary.broadcast(topic, END)
      for (const expected of [':ping', ':end']) expect(await received(elixirs.one)).toBe(expected)
      expect(await received(elixirs.three)).toBe(':end')
      expect(await next(ours[0])).toBe(END)
      expect([await next(ours[1]), await next(ours[1])]).toEqual([PING, END])

      for (const direct of ['direct_broadcast', 'direct_broadcast!']) {
        const call = `Phoenix.PubSub.${direct}(:"${second.nodeName()}", ${NAME}, "${topic}", :ping)`
        expect(await elixirs.three.eval(call)).toBe(':ok')
      }
      await broadcast('three', ':end')
      expect(await next(ours[0])).toBe(END)
      for (const expected of [PING, PING, END]) expect(await next(ours[1])).toBe(expected)
      for (const elixir of [elixirs.one, elixirs.three]) expect(await received(elixir)).toBe(':end')
    })

    it('broadcasts to one that listens on more groups than it broadcasts by', async () => {
      await subscribe('three')
      for (const pubsub of [primary, second]) {
        pubsub.broadcast(topic, PING)
        expect(await received(elixirs.three)).toBe(':ping')
      }
    })

    it('hears one that broadcasts by fewer groups than it listens on, as all others do', async () => {
      const ours = [primary.subscribe(topic), second.subscribe(topic)]
      await subscribe('one', 'three', 'four')
      expect(await broadcast('three', ':ping')).toBe(':ok')
      for (const subscription of ours) expect(await next(subscription)).toBe(PING)
      for (const elixir of Object.values(elixirs)) expect(await received(elixir)).toBe(':ping')
    })

    it('hears every process of every one, whatever pools the others have', async () => {
      const ours = [primary.subscribe(topic), second.subscribe(topic)]
      const all: string[] = []
      for (const name of ['one', 'three', 'four'] as const) {
        await elixirs[name].eval(`
          for n <- 1..40 do
            Task.async(fn -> Phoenix.PubSub.broadcast(${NAME}, "${topic}", "${name} #{n}") end)
          end |> Task.await_many()`)
        all.push(...Array.from({ length: 40 }, (_, i) => `${name} ${i + 1}`))
      }
      for (const subscription of ours) {
        const heard: unknown[] = []
        for (const _ of all) heard.push(await next(subscription))
        expect(heard.sort()).toEqual(all.sort())
      }
    })

    it('counts the subscriptions of the nodes that can be asked', async () => {
      primary.subscribe(topic)
      second.subscribe(topic)
      second.subscribe(topic)
      await subscribe('one')
      expect(await primary.count(topic)).toEqual(
        new Map([
          [primary.nodeName(), 1],
          [second.nodeName(), 2],
        ]),
      )
    })
  },
  { elixir: true },
)
