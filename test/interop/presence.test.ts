/**
 * Presence between nodes of ours and of Elixir: what Phoenix.Tracker's own replication tests show, in both directions.
 * `PHOENIX_PUBSUB=…/phoenix_pubsub npx vitest run test/interop/presence.test.ts` runs them against that checkout.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Presence } from '../../src/pubsub/presence/presence.ts'
import type { PresenceEvents } from '../../src/pubsub/presence/presence-events.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom, Float, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, sees, type TestNode } from '../support/scene.ts'
import { meet, startPubSub, stopPubSub } from './support/phoenix.ts'
import { loadTracker, shards, startTracker, times } from './support/tracker.ts'

const TOPIC = 'rööm:1'
const waiting = { timeout: 25_000, interval: 20 }

/** Who is on a topic, without the references, sorted by key. */
function listed(presence: Presence, topic = TOPIC): [Term, Term][] {
  return presence
    .present(topic)
    .map(({ key, meta }): [Term, Term] => {
      const { phx_ref: _, phx_ref_prev: __, ...rest } = meta as Record<string, Term>
      return [key, rest]
    })
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}

/** Waits until these, and nobody else, are on a topic. */
async function lists(presence: Presence, expected: readonly [Term, Term][], topic = TOPIC): Promise<void> {
  await vi.waitFor(() => expect(listed(presence, topic)).toEqual(expected), waiting)
}

/** The next event of a presence for which `match` holds. */
async function next<E extends keyof PresenceEvents>(
  presence: Presence,
  event: E,
  match: (...args: PresenceEvents[E]) => boolean = () => true,
): Promise<PresenceEvents[E]> {
  return await new Promise((resolve) => {
    const listener = (...args: unknown[]): void => {
      if (!match(...(args as PresenceEvents[E]))) return
      presence.off(event, listener as never)
      resolve(args as PresenceEvents[E])
    }
    presence.on(event, listener as never)
  })
}

describeOtp(
  'Phoenix.Tracker',
  (release) => {
    let scene: Scene
    let elixir: OtpNode
    let node: TestNode
    let pubsub: PubSub
    /** Of the pub/sub and of the tracker of this test, here and in Elixir. */
    let bus: string
    let name: string
    let tests = 0
    let unharmed: (() => Promise<void>) | undefined

    beforeAll(async () => {
      scene = await Scene.open(release)
      elixir = await scene.elixir()
      await loadTracker(elixir)
      node = await scene.node()
      await node.connect(elixir.name)
    })

    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]()
    })

    beforeEach(async () => {
      bus = `Test${++tests}.PubSub`
      name = `Test${tests}.Presence`
      await startPubSub(elixir, bus)
      pubsub = node.pubsub(bus)
      await meet(pubsub, elixir)
      unharmed = undefined
    })

    afterEach(async () => {
      await unharmed?.()
      await pubsub.close()
      await elixir.eval(`with pid when pid != nil <- Process.whereis(${name}), do: Supervisor.stop(pid)`)
      await stopPubSub(elixir, bus)
      await elixir.eval('Spy.flush()')
    })

    /** Starts the tracker there, which has to live to the end of the test. */
    const start = async (poolSize = 1): Promise<void> => {
      await startTracker(elixir, name, bus, { ...times, poolSize })
      const before = await shards(elixir, name, poolSize)
      unharmed = async () => expect(await shards(elixir, name, poolSize)).toBe(before)
    }
    const open = (options = {}): Presence => pubsub.presence({ name, ...times, anyTerms: true, ...options })
    const track = (who: string, key: string, meta = '%{}', topic = TOPIC) =>
      elixir.eval(`Spy.track(${name}, :${who}, "${topic}", ${key}, ${meta})`)
    /** Waits until these, and nobody else, are on a topic there. */
    const listsThere = (expected: string, topic = TOPIC) =>
      sees(elixir, `Spy.list(${name}, "${topic}") == ${expected}`, 'true')

    it('shows on both sides who is on a topic, with all that is said of them', async () => {
      await start()
      const presence = open()
      const alice =
        '%{name: "Älice", age: 7, ratio: 1.0, tags: [:a, "b", {1, nil}], deep: %{"k" => <<255>>}, none: nil}'
      const bob = '%{device: "phone", float: 2.0, pair: {:ok, 1}, yes: true, big: 123456789012345678901234567890}'
      await track('alice', '"alice"', alice)
      presence.track(TOPIC, 'bob', {
        device: 'phone',
        float: new Float(2),
        pair: tuple(atom('ok'), 1),
        yes: true,
        big: 123456789012345678901234567890n,
      })
      await listsThere(`[{"alice", ${alice}}, {"bob", ${bob}}]`)
      await lists(presence, [
        [
          'alice',
          {
            name: 'Älice',
            age: 7,
            ratio: 1,
            tags: [atom('a'), 'b', tuple(1, null)],
            deep: new Map([['k', Uint8Array.of(255)]]),
            none: null,
          },
        ],
        [
          'bob',
          { device: 'phone', float: 2, pair: tuple(atom('ok'), 1), yes: true, big: 123456789012345678901234567890n },
        ],
      ])
      expect(await elixir.eval(`[{pid, _}] = Phoenix.Tracker.get_by_key(${name}, "${TOPIC}", "bob"); node(pid)`)).toBe(
        `:"${node.name}"`,
      )
      const [first, second] = presence.present(TOPIC).sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1))
      expect([first?.pid.node, first?.node]).toEqual([elixir.name, elixir.name])
      expect([second?.pid.node, second?.node]).toEqual([node.name, node.name])
      expect(presence.topics()).toEqual([TOPIC])
    })

    it('knows at once who was there before it, and is known', async () => {
      await start()
      for (let i = 0; i < 50; i++) await track(`p${i}`, String(i), `%{n: ${i}}`)
      const presence = open()
      for (let i = 50; i < 100; i++) presence.track(TOPIC, i, { n: i })
      await presence.ready()
      expect([...presence.list(TOPIC).keys()].filter((key) => (key as number) < 50)).toHaveLength(50)
      await listsThere('for(i <- 0..99, do: {i, %{n: i}})')
      await elixir.eval('for i <- 0..49, do: Spy.kill(:"p#{i}")')
      await vi.waitFor(() => expect(presence.list(TOPIC).size).toBe(50), waiting)
    })

    it('is known to a tracker that starts later, and knows it', async () => {
      const presence = open()
      presence.track(TOPIC, 'early', {})
      await start()
      await track('late', '"late"')
      await listsThere('[{"early", %{}}, {"late", %{}}]')
      await lists(presence, [
        ['early', {}],
        ['late', {}],
      ])
    })

    it('tells of updates in both directions as a leave and a join that belong together', async () => {
      await start()
      const presence = open()
      const handle = presence.track(TOPIC, 'ours', { away: false })
      await listsThere('[{"ours", %{away: false}}]')
      await elixir.eval('Spy.flush()')
      const before = handle.ref as string
      expect(handle.update((meta) => ({ ...meta, away: true }))).toBe(true)
      const diff = await elixir.eval('receive do {:diff, topic, joins, leaves} -> {topic, joins, leaves} end')
      expect(diff).toContain(`phx_ref_prev: "${before}"`)
      expect(
        await elixir.eval(
          `{"${TOPIC}", [{"ours", %{away: true, phx_ref: "${handle.ref}", phx_ref_prev: "${before}"}}],
            [{"ours", %{away: false, phx_ref: "${before}"}}]} == ${diff}`,
        ),
      ).toBe('true')

      await track('theirs', '"theirs"', '%{n: 1}')
      await vi.waitFor(() => expect(presence.get(TOPIC, 'theirs')).toHaveLength(1), waiting)
      const [{ phx_ref }] = presence.get(TOPIC, 'theirs') as [{ phx_ref: string }]
      const changed = next(presence, 'diff')
      await elixir.eval(`Spy.update(${name}, :theirs, "${TOPIC}", "theirs", fn meta -> %{meta | n: 2} end)`)
      const [{ joins, leaves }] = await changed
      expect(leaves.map(({ meta }) => meta)).toEqual([{ n: 1, phx_ref }])
      expect(joins.map(({ meta }) => meta)).toMatchObject([{ n: 2, phx_ref_prev: phx_ref }])
      await lists(presence, [
        ['ours', { away: true }],
        ['theirs', { n: 2 }],
      ])
    })

    it('lets go of who leaves, and of who ends, in both directions', async () => {
      await start()
      const presence = open()
      const worker = await openProcess(node)
      const handles = ['a', 'b', 'c'].map((key) => presence.track(TOPIC, key, {}, key === 'c' ? { pid: worker } : {}))
      for (const key of ['x', 'y']) await track(key, `"${key}"`)
      await listsThere('for(key <- ~w(a b c x y), do: {key, %{}})')
      await vi.waitFor(() => expect(presence.list(TOPIC).size).toBe(5), waiting)
      handles[0]?.untrack()
      node.exit(worker.pid, atom('kill'))
      await elixir.eval(`Spy.untrack(${name}, :x, "${TOPIC}", "x")`)
      await elixir.eval('Spy.kill(:y)')
      await listsThere('[{"b", %{}}]')
      await lists(presence, [['b', {}]])
      expect(handles.map(({ closed }) => closed)).toEqual([true, false, true])
    })

    it('keeps a key as often as processes have it', async () => {
      await start()
      const presence = open()
      const phone = presence.track(TOPIC, 'ann', { device: 'phone' })
      presence.track(TOPIC, 'ann', { device: 'tablet' })
      await track('browser', '"ann"', '%{device: "browser"}')
      await listsThere(`for(device <- ~w(browser phone tablet), do: {"ann", %{device: device}})`)
      await vi.waitFor(() => expect(presence.get(TOPIC, 'ann')).toHaveLength(3), waiting)
      phone.untrack()
      await listsThere(`for(device <- ~w(browser tablet), do: {"ann", %{device: device}})`)
      expect(presence.list(TOPIC).get('ann')).toHaveLength(2)
    })

    it('spreads topics over shards as the others do', async () => {
      await start(5)
      const presence = open({ poolSize: 5 })
      for (let i = 0; i < 20; i++) {
        presence.track(`topic ${i}`, 'ours', { i })
        await track('theirs', '"theirs"', `%{i: ${i}}`, `topic ${i}`)
      }
      for (let i = 0; i < 20; i++) {
        await listsThere(`[{"ours", %{i: ${i}}}, {"theirs", %{i: ${i}}}]`, `topic ${i}`)
        await lists(
          presence,
          [
            ['ours', { i }],
            ['theirs', { i }],
          ],
          `topic ${i}`,
        )
      }
      expect(presence.topics()).toHaveLength(20)
    })

    it('says so when a node has another number of shards', async () => {
      await start()
      const presence = open({ poolSize: 2 })
      const told = next(presence, 'mismatch')
      for (let i = 0; i < 10; i++) await track('theirs', '"theirs"', '%{}', `topic ${i}`)
      const [{ node: who }] = await told
      expect(who).toBe(elixir.name)
      expect(
        node.log.messages('warn').filter((line) => line.includes(`${elixir.name} has another poolSize`)),
      ).toHaveLength(1)
    })

    it('broadcasts diffs here as Phoenix.Presence does', async () => {
      await start()
      const presence = open()
      const stream = pubsub.subscribe(TOPIC)
      await track('theirs', '"theirs"', '%{n: 1}')
      const { value } = await stream.next()
      const [{ phx_ref }] = presence.get(TOPIC, 'theirs') as [{ phx_ref: string }]
      expect(value).toEqual({
        __struct__: atom('Elixir.Phoenix.Socket.Broadcast'),
        topic: TOPIC,
        event: 'presence_diff',
        payload: { joins: new Map([['theirs', { metas: [{ n: 1, phx_ref }] }]]), leaves: new Map() },
      })
      stream.close()
    })

    it('lets the others go at once when it closes with permdown, and they it', async () => {
      await start()
      const presence = open({ permdownOnShutdown: true })
      presence.track(TOPIC, 'ours')
      await track('theirs', '"theirs"')
      await listsThere('[{"ours", %{}}, {"theirs", %{}}]')
      await vi.waitFor(() => expect(presence.list(TOPIC).size).toBe(2), waiting)
      presence.close()
      await listsThere('[{"theirs", %{}}]')

      const again = open({ permdownOnShutdown: true })
      again.track(TOPIC, 'back')
      await listsThere('[{"back", %{}}, {"theirs", %{}}]')
      await again.ready()
      await unharmed?.()
      unharmed = undefined
      const gone = next(again, 'nodegone')
      await elixir.eval(`Phoenix.Tracker.graceful_permdown(${name})`)
      await gone
      expect(listed(again)).toEqual([['back', {}]])
      expect(again.nodes()).toEqual([])
    })

    it('takes what restarts without a word for another one', async () => {
      await start()
      const presence = open()
      presence.track(TOPIC, 'first')
      await track('theirs', '"theirs"')
      await listsThere('[{"first", %{}}, {"theirs", %{}}]')
      await presence.ready()
      presence.close()
      const again = open()
      again.track(TOPIC, 'second')
      await listsThere('[{"second", %{}}, {"theirs", %{}}]')
      await lists(again, [
        ['second', {}],
        ['theirs', {}],
      ])

      await unharmed?.()
      await elixir.eval(`Supervisor.stop(${name})`)
      await start()
      await track('anew', '"anew"')
      await lists(again, [
        ['anew', {}],
        ['second', {}],
      ])
      await listsThere('[{"anew", %{}}, {"second", %{}}]')
    })

    it('takes no harm from what is no message of a tracker, and does none', async () => {
      await start()
      const presence = open()
      presence.track(TOPIC, 'ours')
      await track('theirs', '"theirs"')
      await listsThere('[{"ours", %{}}, {"theirs", %{}}]')
      await vi.waitFor(() => expect(presence.list(TOPIC).size).toBe(2), waiting)
      const topic = `phx_presence:Elixir.${name}_shard0`
      const bad = [
        '{:pub, :heartbeat, {node(), 1}, :empty, {{node(), 1}, %{1 => 2}}}',
        '{:pub, :heartbeat, {:"other@host", 1}, :empty, {{:"other@host", 1}, %{}}}',
        '{:pub, :heartbeat, {node(), 1}, %{}, {{node(), 1}, %{}}}',
        '{:pub, :transfer_ack, make_ref(), {node(), 1}, {1, 2}}',
        '{:pub, :graceful_permdown, nil}',
        '{:pub, :whatever}',
        ':nonsense',
      ]
      for (const message of bad) {
        await elixir.eval(`Phoenix.PubSub.direct_broadcast(:"${node.name}", ${bus}, "${topic}", ${message})`)
      }
      await vi.waitFor(() => expect(presence.refused).toEqual({ malformed: bad.length }), waiting)
      presence.track(TOPIC, 'more')
      await listsThere('[{"more", %{}}, {"ours", %{}}, {"theirs", %{}}]')
      expect(presence.list(TOPIC).size).toBe(3)
    })
  },
  { elixir: true },
)
