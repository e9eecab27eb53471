import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import type { PgScope } from '../../src/node/pg/pg-scope.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, Float, type Pid, type Term, tuple } from '../../src/term/index.ts'
import { startNodeProcess } from '../support/child.ts'
import { type OtpNode, startErl } from '../support/otp.ts'
import { availableReleases, describeOtp, type Release } from '../support/releases.ts'
import { nextEvent, Scene, sees, type TestNode } from '../support/scene.ts'
import { describeForeign, startEiClient } from './support/foreign.ts'

/** For what no event tells of: the busiest machine gets there. */
const waiting = { timeout: 15_000, interval: 20 }

const idle = async (self: Process): Promise<void> => {
  for await (const _ of self);
}

/** Starts a scope that lasts; its pid, as the node prints it. */
const startScope = (otp: OtpNode, scope: string): Promise<string> => otp.eval(`{ok, Scope} = pg:start(${scope}), Scope`)

/** Makes a process of the name `worker` that ends when it is told to, and whoever had the name before end. */
const worker = (name = 'worker'): string => `
  case whereis(${name}) of undefined -> ok; Old -> R = monitor(process, Old), exit(Old, kill), receive {'DOWN', R, _, _, _} -> ok end end,
  W = spawn(fun() -> receive stop -> ok end end), register(${name}, W), W`

/** How many members of a group live on which node. */
const count = (scope: PgScope, group: Term, node: string): number =>
  scope.members(group).filter((pid) => pid.node === node).length

/** Resolves when the condition holds, which only a join or a leave can bring about. */
async function until(scope: PgScope, condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (!condition()) return
      scope.off('join', check).off('leave', check)
      resolve()
    }
    scope.on('join', check).on('leave', check)
  })
}

describeOtp('pg', (release) => {
  let scene: Scene
  let scopes = 0

  beforeAll(async () => {
    scene = await Scene.open(release)
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  describe.each(['hidden', 'visible'] as const)('to a node of ours that is %s', (kind) => {
    let erl: OtpNode
    let node: TestNode
    /** The name of the scope of this test, for us and for Erlang. */
    let name: string
    let quoted: string

    beforeAll(async () => {
      erl = await scene.erl()
      node = await scene.node({ visible: kind === 'visible' })
      await node.connect(erl.name)
    })

    beforeEach(() => {
      name = `Elixir.Scope${++scopes}`
      quoted = `'${name}'`
    })

    afterEach(async () => {
      await node.pg(name).close()
    })

    /** Its scope is the one that was started first: nothing we sent made it crash. */
    const unharmed = async (pid: string): Promise<void> => {
      expect(await erl.eval(`whereis(${quoted})`)).toBe(pid)
      expect(erl.output.filter((line) => /badarg|badkey|badmatch|CRASH/.test(line))).toEqual([])
    }

    it('shows its members and sees ours, as often as they joined', async () => {
      const pid = await startScope(erl, quoted)
      await erl.eval(`${worker()}, pg:join(${quoted}, g, [W, W])`)
      const scope = node.pg(name)
      await until(scope, () => scope.members(atom('g')).length === 2)
      expect(scope.groups()).toEqual([atom('g')])
      expect(scope.localMembers(atom('g'))).toEqual([])
      const mine = node.spawn(idle)
      scope.join(atom('g'), mine)
      scope.join(atom('g'), [mine, mine])
      const ours = `length([P || P <- pg:get_members(${quoted}, g), node(P) =:= '${node.name}'])`
      await sees(erl, `{${ours}, length(pg:get_local_members(${quoted}, g))}`, '{3,2}')
      expect(await erl.eval(`pg:which_local_groups(${quoted})`)).toBe('[g]')
      expect(scope.leave(atom('g'), mine)).toBe(true)
      await sees(erl, ours, '2')
      node.exit(mine, atom('gone'))
      await sees(erl, `${ours}`, '0')
      await erl.eval(`pg:leave(${quoted}, g, whereis(worker))`)
      await until(scope, () => scope.members(atom('g')).length === 1)
      await erl.eval(`exit(whereis(worker), kill)`)
      await until(scope, () => scope.groups().length === 0)
      await sees(erl, `pg:which_groups(${quoted})`, '[]')
      await unharmed(pid)
    })

    it('knows members we had before it started its scope, and tells of its own', async () => {
      const scope = node.pg(name)
      const mine = node.spawn(idle)
      scope.join(atom('g'), [mine, mine])
      scope.join('text', mine)
      const pid = await startScope(erl, quoted)
      await erl.eval(`${worker()}, pg:join(${quoted}, h, W)`)
      await sees(erl, `[length(pg:get_members(${quoted}, G)) || G <- [g, <<"text">>]]`, '[2,1]')
      await until(scope, () => scope.members(atom('h')).length === 1)
      expect(await erl.eval(`lists:sort(pg:which_groups(${quoted}))`)).toBe('[g,h,<<"text">>]')
      await unharmed(pid)
    })

    it('meets us again when its scope was killed and started anew', async () => {
      await startScope(erl, quoted)
      const scope = node.pg(name)
      const mine = node.spawn(idle)
      scope.join(atom('g'), mine)
      await erl.eval(`${worker()}, pg:join(${quoted}, g, W)`)
      await until(scope, () => scope.members(atom('g')).length === 2)
      await sees(erl, `length(pg:get_members(${quoted}, g))`, '2')
      for (let round = 0; round < 3; round++) {
        const left = new Promise((resolve) => scope.once('leave', resolve))
        await erl.eval(
          `R = monitor(process, ${quoted}), exit(whereis(${quoted}), kill), receive {'DOWN', R, _, _, _} -> ok end`,
        )
        await left
        expect(scope.members(atom('g'))).toEqual([mine])
        const pid = await startScope(erl, quoted)
        await erl.eval(`pg:join(${quoted}, g, whereis(worker))`)
        await until(scope, () => scope.members(atom('g')).length === 2)
        await sees(erl, `length(pg:get_members(${quoted}, g))`, '2')
        expect(scope.leave(atom('g'), mine)).toBe(true)
        scope.join(atom('g'), mine)
        await sees(erl, `length(pg:get_members(${quoted}, g))`, '2')
        await unharmed(pid)
      }
    })

    it('loses our members when we close the scope, and has those of the next one', async () => {
      const pid = await startScope(erl, quoted)
      const scope = node.pg(name)
      const mine = node.spawn(idle)
      scope.join(atom('g'), [mine, mine])
      scope.join(atom('h'), mine)
      await sees(erl, `lists:sort(pg:which_groups(${quoted}))`, '[g,h]')
      await scope.close()
      await sees(erl, `pg:which_groups(${quoted})`, '[]')
      expect(node.nodes()).toContain(erl.name)
      node.pg(name).join(atom('g'), mine)
      await sees(erl, `length(pg:get_members(${quoted}, g))`, '1')
      node.pg(name).leave(atom('g'), mine)
      await sees(erl, `pg:get_members(${quoted}, g)`, '[]')
      await unharmed(pid)
    })

    it('finds the members of both sides again after the link was cut, by either side', async () => {
      const pid = await startScope(erl, quoted)
      const scope = node.pg(name)
      const mine = node.spawn(idle)
      scope.join(atom('g'), mine)
      await erl.eval(`${worker()}, pg:join(${quoted}, g, W)`)
      await until(scope, () => scope.members(atom('g')).length === 2)
      const cuts = [() => node.disconnect(erl.name), () => erl.eval(`erlang:disconnect_node('${node.name}')`)]
      for (const cut of cuts) {
        const down = nextEvent(node, 'nodedown', erl.name)
        await cut()
        await down
        expect(scope.members(atom('g'))).toEqual([mine])
        await sees(erl, `length(pg:get_members(${quoted}, g))`, '1')
        await node.connect(erl.name)
        await until(scope, () => scope.members(atom('g')).length === 2)
        await sees(erl, `length(pg:get_members(${quoted}, g))`, '2')
        scope.leave(atom('g'), mine)
        await sees(erl, `length(pg:get_members(${quoted}, g))`, '1')
        scope.join(atom('g'), mine)
      }
      await unharmed(pid)
    })

    it('hears of our joins and leaves by its monitors, and we of its by ours, in their order', async () => {
      const pid = await startScope(erl, quoted)
      const scope = node.pg(name)
      const [p, q] = [node.spawn(idle), node.spawn(idle)]
      scope.join(atom('first'), p)
      await sees(erl, `length(pg:get_members(${quoted}, first))`, '1')
      expect(
        await erl.eval(
          `{Ref, []} = pg:monitor(${quoted}, g), put(g, Ref), {All, #{first := [_]}} = pg:monitor_scope(${quoted}), put(all, All), ok`,
        ),
      ).toBe('ok')
      scope.join(atom('g'), [p, q])
      scope.leave(atom('g'), p)
      scope.join(atom('h'), q)
      node.exit(q, atom('gone'))
      const heard = `
        Collect = fun Collect(0, Heard) -> lists:reverse(Heard);
          Collect(N, Heard) -> receive {Ref, What, Group, Pids} -> Collect(N - 1, [{Ref =:= get(g), What, Group, length(Pids)} | Heard]) end
        end,
        All = Collect(8, []),
        {[{W, G, N} || {true, W, G, N} <- All], [{W, G, N} || {false, W, G, N} <- All]}`
      const inG = '{join,g,2},{leave,g,1},{leave,g,1}'
      const [g, all] = ((await erl.eval(heard)).match(/\[[^\]]*\]/g) ?? []) as [string, string]
      expect(g).toBe(`[${inG}]`)
      // In which order it leaves its two groups when it ends is nobody's promise.
      expect(all).toMatch(
        /^\[\{join,g,2\},\{leave,g,1\},\{join,h,1\},(\{leave,g,1\},\{leave,h,1\}|\{leave,h,1\},\{leave,g,1\})\]$/,
      )
      await erl.eval(`pg:demonitor(${quoted}, get(g)), pg:demonitor(${quoted}, get(all))`)

      const monitor = scope.monitorScope()
      await erl.eval(`${worker('w1')}`)
      await erl.eval(`${worker('w2')}`)
      await erl.eval(`
        [W1, W2] = [whereis(w1), whereis(w2)],
        pg:join(${quoted}, g, [W1, W2, W1]),
        pg:leave(${quoted}, g, [W1]),
        pg:join(${quoted}, h, W1),
        pg:leave(${quoted}, g, W2),
        [pg:join(${quoted}, {n, N}, W2) || N <- lists:seq(1, 50)]`)
      const text: string[] = []
      for await (const { group, pids, type } of monitor) {
        text.push(`${type} ${String(group)} ${pids.length}`)
        if (text.length === 54) break
      }
      const numbered = Array.from({ length: 50 }, (_, i) => `join {n,${i + 1}} 1`)
      expect(text).toEqual(['join g 3', 'leave g 1', 'join h 1', 'leave g 1', ...numbered])
      await unharmed(pid)
    })

    it('has the same groups as we, whatever terms their names are', async () => {
      const pid = await startScope(erl, quoted)
      const scope = node.pg(name)
      const mine = node.spawn(idle)
      const names: [Term, string][] = [
        [1, '1'],
        [new Float(1), '1.0'],
        ['a', '<<"a">>'],
        [atom('a'), 'a'],
        [tuple('a', [1, 2]), '{<<"a">>,[1,2]}'],
        [{ a: 1 }, '#{a => 1}'],
        [new Map<Term, Term>([['a', 1]]), '#{<<"a">> => 1}'],
        [2n ** 70n, '1180591620717411303424'],
        [Uint8Array.of(255), '<<255>>'],
        [[], '[]'],
      ]
      for (const [group] of names) scope.join(group, mine)
      for (const [, text] of names) await sees(erl, `length(pg:get_members(${quoted}, ${text}))`, '1')
      expect(await erl.eval(`length(pg:which_groups(${quoted}))`)).toBe(String(names.length))
      await erl.eval(`${worker()}, [pg:join(${quoted}, G, W) || G <- pg:which_groups(${quoted})]`)
      await until(scope, () => names.every(([group]) => scope.members(group).length === 2))
      expect(scope.groups()).toHaveLength(names.length)
      for (const [group] of names) scope.leave(group, mine)
      await sees(erl, `[G || G <- pg:which_groups(${quoted}), length(pg:get_members(${quoted}, G)) =/= 1]`, '[]')
      await unharmed(pid)
    })

    it('agrees with us after any joins, leaves, deaths and cuts on both sides', async () => {
      const pid = await startScope(erl, quoted)
      const scope = node.pg(name)
      await erl.eval(`put(workers, [])`)
      let mine: Pid[] = []
      const groups = ['a', 'b', 'c'].map((group) => atom(group))
      const random = (below: number): number => Math.floor(Math.random() * below)
      const any = <T>(list: readonly T[]): T => list[random(list.length)] as T
      for (let round = 0; round < 8; round++) {
        // Their side runs beside ours.
        const theirs = erl.eval(
          `
          lists:foreach(fun(_) ->
            Group = lists:nth(rand:uniform(3), [a, b, c]),
            Workers = get(workers),
            case {rand:uniform(4), Workers} of
              {1, _} -> put(workers, [spawn(fun() -> receive stop -> ok end end) | Workers]);
              {_, []} -> ok;
              {2, [W | Rest]} when length(Rest) > 2 -> exit(W, kill), put(workers, Rest);
              {3, _} -> pg:leave(${quoted}, Group, lists:nth(rand:uniform(length(Workers)), Workers));
              {_, _} -> pg:join(${quoted}, Group, [lists:nth(rand:uniform(length(Workers)), Workers) || _ <- lists:seq(1, rand:uniform(3))])
            end
          end, lists:seq(1, 60))`,
        )
        for (let step = 0; step < 60; step++) {
          const what = random(5)
          if (what === 0 || mine.length === 0) mine.push(node.spawn(idle))
          else if (what === 1 && mine.length > 3) node.exit(mine.shift() as Pid, atom('gone'))
          else if (what === 2) scope.leave(any(groups), [any(mine), any(mine)])
          else
            scope.join(
              any(groups),
              Array.from({ length: 1 + random(3) }, () => any(mine)),
            )
          if (step % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        if (round === 3) {
          const down = nextEvent(node, 'nodedown', erl.name)
          await node.disconnect(erl.name)
          await down
          await node.connect(erl.name)
        }
        await theirs
      }
      for (const group of groups) {
        const local = scope.localMembers(group).length
        await sees(
          erl,
          `length([P || P <- pg:get_members(${quoted}, ${group.name}), node(P) =:= '${node.name}'])`,
          String(local),
        )
        const remote = `length(pg:get_local_members(${quoted}, ${group.name}))`
        // Their scope may still have to hear that some of its members are dead.
        await vi.waitFor(
          async () => expect(await erl.eval(remote)).toBe(String(count(scope, group, erl.name))),
          waiting,
        )
      }
      for (const one of mine) node.exit(one, atom('gone'))
      mine = []
      await erl.eval(`[exit(W, kill) || W <- get(workers)]`)
      await sees(erl, `[G || G <- pg:which_groups(${quoted}), pg:get_members(${quoted}, G) =/= []]`, '[]')
      await until(scope, () => scope.groups().length === 0)
      await unharmed(pid)
    })
  })

  if (Number(release.otp) >= 29) {
    it('understands version 1 of the protocol', async () => {
      const erl = await scene.erl()
      const node = await scene.node()
      await node.connect(erl.name)
      const pid = await startScope(erl, 'pg')
      const scope = node.pg()
      await erl.eval(`${worker()}, pg:join(before, [W, W])`)
      await until(scope, () => scope.members(atom('before')).length === 2)
      // What a scope says that speaks it, so that we are spoken to in it.
      const there = { name: 'pg', node: erl.name }
      const peers = `[V || M <- tuple_to_list(sys:get_state(pg)), is_map(M), {_, V, _} <- maps:values(M)]`
      expect(await erl.eval(peers)).toBe('[0]')
      node.send(there, tuple(atom('$gen_cast'), tuple(atom('local_data'), scope.pid, 1, {})))
      await sees(erl, peers, '[1]')
      await erl.eval(`W = whereis(worker), pg:join(g, [W, W]), pg:leave(before, W), pg:join({h, 1}, W)`)
      await until(scope, () => scope.members(tuple(atom('h'), 1)).length === 1)
      expect([scope.members(atom('g')).length, scope.members(atom('before')).length]).toEqual([2, 1])
      const left = new Promise((resolve) => scope.once('leave', resolve))
      node.send(there, tuple(atom('discover'), scope.pid, 1))
      await erl.eval(`pg:leave(g, whereis(worker))`)
      await left
      await erl.eval(`exit(whereis(worker), kill)`)
      await until(scope, () => scope.groups().length === 0)
      // Our own news go on in version 0.
      const mine = node.spawn(idle)
      scope.join(atom('g'), mine)
      await sees(erl, `length(pg:get_members(g))`, '1')
      scope.leave(atom('g'), mine)
      await sees(erl, `pg:get_members(g)`, '[]')
      expect(await erl.eval('whereis(pg)')).toBe(pid)
    })
  }

  it('sees the members of a node that is killed leave, on either side', async () => {
    const [erl, other] = await Promise.all([scene.erl({ hidden: true }), scene.erl({ hidden: true })])
    const node = await scene.node()
    await Promise.all([node.connect(erl.name), node.connect(other.name)])
    const pid = await startScope(erl, 'pg')
    await startScope(other, 'pg')
    const scope = node.pg()
    const mine = node.spawn(idle)
    scope.join(atom('g'), mine)
    for (const otp of [erl, other]) await otp.eval(`${worker()}, pg:join(g, W)`)
    await until(scope, () => scope.members(atom('g')).length === 3)
    await sees(erl, `length(pg:get_members(g))`, '2')
    const down = nextEvent(node, 'nodedown', other.name)
    other.kill()
    await down
    expect(count(scope, atom('g'), other.name)).toBe(0)
    expect(scope.members(atom('g'))).toHaveLength(2)

    const victim = scene.name('victim')
    const program = `
      import { atom, startNode } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const node = await startNode(${JSON.stringify({
        name: victim,
        cookie: 'secret',
        connectTo: [erl.name, node.name],
        epmd: { port: scene.epmdPort, serve: false },
      })})
      node.pg().join(atom('g'), node.spawn(async (self) => { for await (const _ of self); }))
      console.log('joined')`
    const child = scene.own(startNodeProcess(['--input-type=module', '--eval', program]))
    await child.waitForOutput(/joined/)
    await until(scope, () => count(scope, atom('g'), victim) === 1)
    await sees(erl, `length(pg:get_members(g))`, '3')
    child.kill('SIGKILL')
    await until(scope, () => count(scope, atom('g'), victim) === 0)
    await sees(erl, `length(pg:get_members(g))`, '2')
    await node.close()
    await sees(erl, `[node(P) || P <- pg:get_members(g)] =:= [node()]`, 'true')
    expect(await erl.eval('whereis(pg)')).toBe(pid)
  })

  it('is found by a BEAM that dials us, and two nodes of ours know each other beside it', async () => {
    const erl = await scene.erl()
    const [a, b] = [await scene.node(), await scene.node()]
    const pid = await startScope(erl, "'Elixir.Phoenix.PubSub'")
    const both: LocalNode[] = [a, b]
    const scopes = both.map((each) => each.pg('Elixir.Phoenix.PubSub'))
    for (const [i, each] of both.entries()) (scopes[i] as PgScope).join(atom('adapter'), each.spawn(idle))
    await erl.eval(`${worker()}, pg:join('Elixir.Phoenix.PubSub', adapter, W)`)
    await b.connect(a.name)
    for (const each of both) {
      expect(await erl.eval(`net_kernel:hidden_connect_node('${each.name}')`)).toBe('true')
    }
    for (const scope of scopes) await until(scope, () => scope.members(atom('adapter')).length === 3)
    await sees(erl, `length(pg:get_members('Elixir.Phoenix.PubSub', adapter))`, '3')
    expect(await erl.eval(`whereis('Elixir.Phoenix.PubSub')`)).toBe(pid)
  })
})

const [oldest, newest] = [availableReleases()[0], availableReleases().at(-1)]

describeForeign('libei', () => {
  it('is told nothing of pg, which it would hand to its program', async () => {
    await using scene = await Scene.open()
    const node = await scene.node()
    node.pg().join(atom('g'), node.spawn(idle))
    const up = once(node, 'nodeup')
    const client = scene.own(startEiClient({ node: node.name, cookie: 'secret', epmdPort: scene.epmdPort }))
    await client.waitForOutput(/^waiting/)
    const [name] = (await up) as [string]
    node.pg('later').join(atom('g'), node.spawn(idle))
    node.send({ name: 'anybody', node: name }, 'hello')
    await client.waitForOutput(/^got/)
    await node.close()
    await client.exited
    expect(client.output.filter((line) => line.startsWith('got'))).toHaveLength(1)
  })
})

if (oldest !== newest) {
  describe('pg between releases that do not know each other', () => {
    it(`serves ${oldest?.title} and ${newest?.title} at once`, async () => {
      await using scene = await Scene.open()
      const start = async (release: Release | undefined): Promise<OtpNode> => {
        if (release === undefined) throw new Error('there is no such release')
        const name = scene.name('erl')
        // Hidden, so that no scope of one release ever meets one of the other.
        return scene.own(await startErl({ release, name, epmdPort: scene.epmdPort, hidden: true }))
      }
      const erls = await Promise.all([start(oldest), start(newest)])
      const node = await scene.node()
      for (const { name } of erls) await node.connect(name)
      const pids = await Promise.all(erls.map((erl) => startScope(erl, 'pg')))
      const scope = node.pg()
      const mine = node.spawn(idle)
      scope.join(atom('g'), [mine, mine])
      for (const erl of erls) await erl.eval(`${worker()}, pg:join(g, W)`)
      await until(scope, () => scope.members(atom('g')).length === 4)
      for (const erl of erls) await sees(erl, 'length(pg:get_members(g))', '3')
      scope.leave(atom('g'), mine)
      for (const erl of erls) await sees(erl, 'length(pg:get_members(g))', '2')
      node.exit(mine, atom('gone'))
      for (const erl of erls) await sees(erl, 'length(pg:get_members(g))', '1')
      for (const [i, erl] of erls.entries()) expect(await erl.eval('{whereis(pg), nodes()}')).toBe(`{${pids[i]},[]}`)
    })
  })
}
