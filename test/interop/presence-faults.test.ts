/** Presence when nodes stop, end, come back, or are cut off: everybody agrees again. */
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Presence } from '../../src/pubsub/presence/presence.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees, type TestNode } from '../support/scene.ts'
import { meet, startPubSub } from './support/phoenix.ts'
import { loadTracker, shortTimes, startTracker } from './support/tracker.ts'

const waiting = { timeout: 25_000, interval: 20 }
const BUS = 'Faults.PubSub'
const NAME = 'Faults.Presence'
const TOPIC = 'room'

interface Ours {
  readonly node: TestNode
  readonly pubsub: PubSub
  readonly presence: Presence
}

describeOtp(
  'Phoenix.Tracker, when nodes fail',
  (release) => {
    let scene: Scene

    beforeEach(async () => {
      scene = await Scene.open(release)
    })

    afterEach(async () => {
      await scene?.[Symbol.asyncDispose]()
    })

    const startTheirs = async (name?: string): Promise<OtpNode> => {
      // What a tracker asks a node for would otherwise bring a link back that was cut.
      const args = ['-kernel', 'dist_auto_connect', 'never']
      const elixir = await scene.elixir(name === undefined ? { args } : { args, name })
      await loadTracker(elixir)
      await startPubSub(elixir, BUS)
      await startTracker(elixir, NAME, BUS, shortTimes)
      return elixir
    }

    const startOurs = async (peers: readonly OtpNode[], name?: string): Promise<Ours> => {
      const node = await scene.node(name === undefined ? {} : { name })
      for (const peer of peers) await node.connect(peer.name)
      const pubsub = node.pubsub(BUS)
      for (const peer of peers) await meet(pubsub, peer)
      return { node, pubsub, presence: pubsub.presence({ name: NAME, ...shortTimes }) }
    }

    const track = (elixir: OtpNode, who: string) =>
      elixir.eval(`Spy.track(${NAME}, :${who}, "${TOPIC}", "${who}", %{})`)

    /** Waits until all of them list these, and nobody else. */
    const allList = async (whom: readonly (OtpNode | Presence)[], ...keys: string[]): Promise<void> => {
      for (const each of whom) {
        if ('list' in each) {
          await vi.waitFor(() => expect([...each.list(TOPIC).keys()].sort()).toEqual(keys.toSorted()), waiting)
        } else {
          const list = `[${keys.toSorted().map((key) => `{"${key}", %{}}`)}]`
          await sees(each, `Spy.list(${NAME}, "${TOPIC}") == ${list}`, 'true')
        }
      }
    }

    it('agrees with a node that stood still, once it goes on', async () => {
      const elixir = await startTheirs()
      const { presence } = await startOurs([elixir])
      await track(elixir, 'theirs')
      const mine = presence.track(TOPIC, 'ours')
      await allList([elixir, presence], 'ours', 'theirs')
      const down = once(presence, 'nodedown')
      elixir.kill('SIGSTOP')
      expect(await down).toEqual([elixir.name])
      expect([...presence.list(TOPIC).keys()]).toEqual(['ours'])
      expect(presence.nodes()).toMatchObject([{ name: elixir.name, up: false }])
      presence.track(TOPIC, 'meanwhile')
      mine.untrack()
      const up = once(presence, 'nodeup')
      elixir.kill('SIGCONT')
      expect(await up).toEqual([elixir.name])
      await allList([elixir, presence], 'meanwhile', 'theirs')
    })

    it('lets go of a node that was killed, forgets it, and takes its successor for another one', async () => {
      const elixir = await startTheirs()
      const { node, pubsub, presence } = await startOurs([elixir])
      await track(elixir, 'theirs')
      presence.track(TOPIC, 'ours')
      await allList([elixir, presence], 'ours', 'theirs')
      const [down, gone] = [once(presence, 'nodedown'), once(presence, 'nodegone')]
      elixir.kill('SIGKILL')
      expect(await down).toEqual([elixir.name])
      await allList([presence], 'ours')
      expect(await gone).toEqual([elixir.name])
      expect(presence.size).toBe(1)
      await elixir[Symbol.asyncDispose]()

      const again = await startTheirs(elixir.name)
      await node.connect(again.name)
      await meet(pubsub, again)
      await track(again, 'anew')
      await allList([again, presence], 'anew', 'ours')
    })

    it('agrees again after the link was cut and both went on', async () => {
      const elixir = await startTheirs()
      const { node, presence } = await startOurs([elixir])
      await track(elixir, 'stays')
      await track(elixir, 'leaves')
      const mine = presence.track(TOPIC, 'ours')
      await allList([elixir, presence], 'leaves', 'ours', 'stays')
      const [cut, down] = [nextEvent(node, 'nodedown', elixir.name), once(presence, 'nodedown')]
      await node.disconnect(elixir.name)
      await cut
      await elixir.eval('Spy.kill(:leaves)')
      await track(elixir, 'new')
      mine.untrack()
      presence.track(TOPIC, 'mine')
      await down
      await allList([presence], 'mine')
      await allList([elixir], 'new', 'stays')
      await node.connect(elixir.name)
      await allList([elixir, presence], 'mine', 'new', 'stays')
    })

    it('goes through a rolling restart of a cluster of both kinds', async () => {
      const [first, second] = [await startTheirs(), await startTheirs()]
      await first.eval(`Node.connect(:"${second.name}")`)
      const one = await startOurs([first, second])
      await track(first, 'first')
      await track(second, 'second')
      one.presence.track(TOPIC, 'one')
      await allList([first, second, one.presence], 'first', 'one', 'second')

      // One of ours, with the same name, who at once tracks somebody again.
      await one.node.close()
      const two = await startOurs([first, second], one.node.name)
      two.presence.track(TOPIC, 'two')
      await two.presence.ready({ nodes: 2, timeout: 25_000 })
      await allList([first, second, two.presence], 'first', 'second', 'two')

      // One of theirs.
      await first[Symbol.asyncDispose]()
      const third = await startTheirs(first.name)
      await third.eval(`Node.connect(:"${second.name}")`)
      await two.node.connect(third.name)
      await track(third, 'third')
      await allList([second, third, two.presence], 'second', 'third', 'two')

      // One that comes last knows everybody.
      const last = await startOurs([second, third])
      await last.node.connect(two.node.name)
      await last.presence.ready({ nodes: 3, timeout: 25_000 })
      expect([...last.presence.list(TOPIC).keys()].sort()).toEqual(['second', 'third', 'two'])
    })
  },
  { elixir: true },
)
