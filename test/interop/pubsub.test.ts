/**
 * What does not need Phoenix: pub/sub with processes of plain Erlang in `pg` groups, several of them at once, so that
 * messages are encoded once for all of their kind.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { Dropped } from '../../src/pubsub/pubsub-events.ts'
import { atom, Bitstring, charlist, Float, ImproperList, type Term, tuple } from '../../src/term/index.ts'
import { Inbox } from '../pubsub/stage.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, type TestNode } from '../support/scene.ts'

const SCOPE = `'Elixir.Phoenix.PubSub'`

/** A process in the first group of a pub/sub, registered under its name, that gives away what it got when it is asked. */
const startWorker = (group: string): string => `
  _ = pg:start(${SCOPE}),
  Loop = fun Loop(Got) ->
    receive
      {take, Who, Count} when length(Got) >= Count -> Who ! {got, lists:reverse(Got)}, Loop([]);
      stop -> ok;
      Message when element(1, Message) =/= take -> Loop([Message | Got])
    end
  end,
  Worker = spawn(fun() -> register('${group}', self()), ok = pg:join(${SCOPE}, '${group}', self()), Loop([]) end),
  put(worker, Worker), ok`

describeOtp('pub/sub with plain Erlang', (release) => {
  let scene: Scene
  let erls: OtpNode[]
  let tests = 0

  beforeAll(async () => {
    scene = await Scene.open(release)
    erls = [await scene.erl(), await scene.erl()]
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  describe.each(['hidden', 'visible'] as const)('on a node of ours that is %s', (kind) => {
    let name: string
    let group: string
    let node: TestNode
    let other: TestNode
    let pubsub: PubSub
    let lost: Dropped[]

    beforeEach(async () => {
      name = `Plain${++tests}.PubSub`
      group = `Elixir.${name}.Adapter`
      for (const erl of erls) await erl.eval(startWorker(group))
      node = await scene.node({ visible: kind === 'visible', limits: { keyAtoms: 5 } as never })
      other = await scene.node({ visible: kind === 'visible' })
      for (const peer of [...erls.map((erl) => erl.name), other.name]) await node.connect(peer)
      pubsub = node.pubsub(name)
      other.pubsub(name)
      await pubsub.ready({ nodes: 3, timeout: 60_000 })
      lost = []
      pubsub.on('dropped', (dropped) => lost.push(dropped))
    })

    afterEach(async () => {
      await node.close()
      await other.close()
      for (const erl of erls) await erl.eval(`'${group}' ! stop, ok`)
    })

    /** Whether the topics, messages and dispatchers that came to a node are these. */
    const take = (erl: OtpNode, count: number, expected: string): Promise<string> =>
      erl.eval(
        `'${group}' ! {take, self(), ${count}}, receive {got, Got} -> [{T, M, D} || {forward_to_local, T, M, D} <- Got] =:= ${expected} end`,
      )

    it('brings a message to each, equal to the one that a plain send brings', async () => {
      const messages: Term[] = [
        { celsius: 21.5, ok: true, none: null, unknown: undefined },
        new Uint8Array([104, 105]),
        tuple(atom('ok'), [1, 2.5, new Float(1), 2n ** 70n, 'tøpic'], tuple()),
        new Map<Term, Term>([[[1], charlist('abc')]]),
        [new Bitstring(new Uint8Array([0xa0]), 3), new ImproperList([1], 2), node.pg().pid],
        'x'.repeat(100_000),
      ]
      for (const message of messages) pubsub.broadcast('tøpic', message)
      for (const erl of erls) {
        for (const message of messages) node.send({ name: group, node: erl.name }, tuple(atom('plain'), message))
        const same = `'${group}' ! {take, self(), ${2 * messages.length}}, receive {got, Got} -> ok end,
          {[M || {forward_to_local, <<"tøpic"/utf8>>, M, 'Elixir.Phoenix.PubSub'} <- Got] =:= [M || {plain, M} <- Got], length(Got)}`
        expect(await erl.eval(same)).toBe(`{true,${2 * messages.length}}`)
      }
      expect(lost).toEqual([])
    })

    it('writes one frame for each', async () => {
      const before = new Map(node.links().map(({ node: peer, messagesOut }) => [peer, messagesOut]))
      pubsub.broadcast('t', 'once')
      for (const { node: peer, messagesOut } of node.links()) expect(messagesOut - before.get(peer)!).toBe(1)
    })

    it('counts the atoms of a message against the share of each of them, and serves those who have no share', async () => {
      const inbox = new Inbox(other.pubsub(name), 't')
      pubsub.broadcast('t', { a: 1, b: 2, c: 3 })
      pubsub.broadcast('t', { d: 1, e: 2, f: 3 })
      pubsub.broadcast('t', atom('last'))
      const expected =
        '[{<<"t">>, #{a => 1, b => 2, c => 3}, \'Elixir.Phoenix.PubSub\'}, {<<"t">>, last, \'Elixir.Phoenix.PubSub\'}]'
      for (const erl of erls) expect(await take(erl, 2, expected)).toBe('true')
      expect(await inbox.atLeast(3)).toEqual([{ a: 1, b: 2, c: 3 }, { d: 1, e: 2, f: 3 }, atom('last')])
      const names = erls.map((erl) => erl.name)
      expect(lost.map(({ cause, node: peer }) => [cause, peer]).sort()).toEqual(
        names.map((peer) => ['atom-limit', peer]).sort(),
      )
    })

    it('sends a retained value as any other', async () => {
      pubsub.broadcast('t', 'kept', { retain: true })
      for (const erl of erls) {
        expect(await take(erl, 1, `[{<<"t">>, <<"kept">>, 'Elixir.Phoenix.PubSub'}]`)).toBe('true')
      }
    })

    it('asks before it sends a dispatcher, and loses nothing of what comes after', async () => {
      pubsub.broadcast('t', 1, { dispatcher: 'Elixir.Nobody' })
      pubsub.broadcast('t', 2)
      for (const erl of erls) {
        expect(await take(erl, 1, `[{<<"t">>, 2, 'Elixir.Phoenix.PubSub'}]`)).toBe('true')
      }
      expect(lost.filter(({ cause }) => cause === 'unknown-dispatcher').map(({ node: peer }) => peer)).toEqual(
        expect.arrayContaining(erls.map((erl) => erl.name)),
      )
    })

    it('sends what had to wait as it was when it was broadcast', async () => {
      const inbox = new Inbox(other.pubsub(name), 't')
      const message: unknown[] = ['as it was']
      pubsub.broadcast('t', 1, { dispatcher: 'Elixir.Nobody' })
      pubsub.broadcast('t', message as Term)
      message[0] = () => {}
      for (const erl of erls) {
        expect(await take(erl, 1, `[{<<"t">>, [<<"as it was">>], 'Elixir.Phoenix.PubSub'}]`)).toBe('true')
      }
      expect(await inbox.atLeast(1)).toEqual([['as it was']])
    })

    it('asks also a node that sent such a dispatcher itself, which may have been for others only', async () => {
      const unknown = new Promise<void>((resolve) => {
        pubsub.on('dropped', ({ cause, node: peer }) => {
          if (cause === 'unknown-dispatcher' && peer === erls[0]!.name) resolve()
        })
      })
      pubsub.subscribe('t')
      await erls[0]!.eval(`{'${group}', '${node.name}'} ! {forward_to_local, <<"t">>, 1, 'Elixir.Ours'}, ok`)
      await unknown
      pubsub.broadcast('t', 1, { dispatcher: 'Elixir.Ours' })
      pubsub.broadcast('t', 2)
      expect(await take(erls[0]!, 1, `[{<<"t">>, 2, 'Elixir.Phoenix.PubSub'}]`)).toBe('true')
    })
  })
})
