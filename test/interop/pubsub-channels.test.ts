/** What Phoenix channels broadcast, in both directions: a browser that joined a channel gets what TypeScript broadcasts. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { readBroadcast } from '../../src/pubsub/broadcast.ts'
import { PHOENIX_CHANNEL } from '../../src/pubsub/dispatcher.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees, type TestNode } from '../support/scene.ts'
import { loadPhoenix, meet, next, received, startPubSub, workers } from './support/phoenix.ts'

const ROOM = 'room:lobby'

describeOtp(
  'a Phoenix channel',
  (release) => {
    let scene: Scene
    let elixir: OtpNode
    let node: TestNode
    let tests = 0
    let name: string
    let pubsub: PubSub
    let before: string

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
      name = `Channel${++tests}.PubSub`
      // What earlier tests left in the mailbox.
      await elixir.eval(
        'Stream.repeatedly(fn -> receive do _ -> true after 0 -> false end end) |> Enum.find(&(not &1))',
      )
      await startPubSub(elixir, name)
      before = await workers(elixir, name)
      pubsub = node.pubsub(name)
      await meet(pubsub, elixir)
    })

    afterEach(async () => {
      await pubsub.close()
      expect(await workers(elixir, name)).toBe(before)
    })

    /** What the browser of this node is sent next: version 2 of the channels' protocol. */
    const text = async (): Promise<unknown> => JSON.parse((await elixir.evalBytes('Browser.text()')).toString('utf8'))

    it('shows a browser what TypeScript broadcasts', async () => {
      await elixir.eval(`Browser.join(${name}, "${ROOM}")`)
      const payload = {
        body: 'grüß "dich"\n\u0001 \u{1F600}',
        n: [1, 2.5, -0.5, 1e21, 2 ** 53 - 1],
        nested: { yes: true, no: null, list: [{}, []] },
        at: new Date('2026-01-02T03:04:05.678Z'),
        terms: [tuple(1, [2]), atom('ok')],
      }
      pubsub.channelBroadcast(ROOM, 'new_msg', payload)
      expect(await text()).toEqual([null, null, ROOM, 'new_msg', JSON.parse(JSON.stringify(payload))])
    })

    it('is sent to once for all browsers, in the order of the broadcasts', async () => {
      await elixir.eval(`for _ <- 1..3, do: Browser.join(${name}, "${ROOM}")`)
      for (let n = 0; n < 50; n++) pubsub.channelBroadcast(ROOM, 'tick', { n })
      for (let n = 0; n < 50; n++) {
        for (let browser = 0; browser < 3; browser++) expect(await text()).toEqual([null, null, ROOM, 'tick', { n }])
      }
      expect(pubsub.stats.published).toBe(50)
    })

    it('gets the struct itself where it intercepts the event, and so do plain subscribers', async () => {
      await elixir.eval(`Browser.join(${name}, "${ROOM}", ["secret"])`)
      pubsub.channelBroadcast(ROOM, 'secret', { a: 1 })
      const struct = await received(elixir)
      expect(struct).toBe(`%Phoenix.Socket.Broadcast{topic: "${ROOM}", event: "secret", payload: %{"a" => 1}}`)
      await elixir.eval(`Phoenix.PubSub.subscribe(${name}, "plain")`)
      pubsub.channelBroadcast('plain', 'event', { b: [null] })
      expect(await received(elixir)).toBe(
        '%Phoenix.Socket.Broadcast{topic: "plain", event: "event", payload: %{"b" => [nil]}}',
      )
    })

    it('is heard by TypeScript', async () => {
      const subscription = pubsub.subscribe(ROOM)
      await elixir.eval(
        `Phoenix.Channel.Server.broadcast(${name}, "${ROOM}", "new_msg", %{"body" => "hello", user: %{id: 7, tags: ["a"]}})`,
      )
      expect(readBroadcast(await next(subscription))).toEqual({
        topic: ROOM,
        event: 'new_msg',
        payload: { body: 'hello', user: { id: 7, tags: ['a'] } },
      })
    })

    it('dispatches other messages as they are, also those that come by its dispatcher', async () => {
      const subscription = pubsub.subscribe(ROOM)
      await elixir.eval(`Browser.join(${name}, "${ROOM}")`)
      pubsub.broadcast(ROOM, tuple(atom('plain'), 1), { dispatcher: PHOENIX_CHANNEL })
      expect(await received(elixir)).toBe('{:plain, 1}')
      expect(await next(subscription)).toEqual(tuple(atom('plain'), 1))
      await elixir.eval(`Phoenix.PubSub.broadcast(${name}, "${ROOM}", {:plain, 2}, Phoenix.Channel.Server)`)
      expect(await next(subscription)).toEqual(tuple(atom('plain'), 2))
      expect(await received(elixir)).toBe('{:plain, 2}')
    })

    it.each<[what: string, payload: object]>([
      ['bytes', { deep: [Uint8Array.of(255)] }],
      ['a function', { call: () => 1 }],
      ['a list in place of an object', [1]],
    ])('is not sent %s, which would end its worker', async (_what, payload) => {
      const subscription = pubsub.subscribe(ROOM)
      await elixir.eval(`Browser.join(${name}, "${ROOM}")`)
      expect(() => pubsub.channelBroadcast(ROOM, 'event', payload)).toThrow(
        expect.objectContaining({ code: 'ERR_ENCODE' }),
      )
      pubsub.channelBroadcast(ROOM, 'event', { fine: true })
      expect(await text()).toEqual([null, null, ROOM, 'event', { fine: true }])
      expect(readBroadcast(await next(subscription))?.payload).toEqual({ fine: true })
    })

    it('is not sent a struct of its own that it could not dispatch', async () => {
      await elixir.eval(`Browser.join(${name}, "${ROOM}")`)
      const struct = (payload: Term): Term => ({
        __struct__: atom('Elixir.Phoenix.Socket.Broadcast'),
        topic: ROOM,
        event: 'e',
        payload,
      })
      for (const payload of [Uint8Array.of(255), { deep: [Uint8Array.of(255)] }, 1]) {
        expect(() => pubsub.broadcast(ROOM, struct(payload), { dispatcher: PHOENIX_CHANNEL })).toThrow(
          expect.objectContaining({ code: 'ERR_ENCODE' }),
        )
      }
      pubsub.broadcast(ROOM, struct({ ok: 1 }), { dispatcher: PHOENIX_CHANNEL })
      expect(await text()).toEqual([null, null, ROOM, 'e', { ok: 1 }])
    })

    it('leaves nodes without Phoenix alone', async () => {
      const bare = await scene.elixir()
      await loadPhoenix(bare)
      await bare.eval(':code.purge(Phoenix.Channel.Server); :code.delete(Phoenix.Channel.Server)')
      await startPubSub(bare, name)
      await node.connect(bare.name)
      await meet(pubsub, bare)
      const bareBefore = await workers(bare, name)
      await bare.eval(`Phoenix.PubSub.subscribe(${name}, "${ROOM}")`)
      await elixir.eval(`Browser.join(${name}, "${ROOM}")`)
      const lost = new Promise((resolve) => pubsub.once('dropped', resolve))
      pubsub.channelBroadcast(ROOM, 'event', { a: 1 })
      pubsub.broadcast(ROOM, atom('end'))
      expect(await received(bare)).toBe(':end')
      expect(await text()).toEqual([null, null, ROOM, 'event', { a: 1 }])
      expect(await received(elixir)).toBe(':end')
      expect(await lost).toMatchObject({ cause: 'unknown-dispatcher', count: 1, node: bare.name, topic: ROOM })
      expect(await workers(bare, name)).toBe(bareBefore)
      await node.disconnect(bare.name)
      await sees(bare, 'Node.list(:hidden)', '[]')
    })
  },
  { elixir: true },
)
