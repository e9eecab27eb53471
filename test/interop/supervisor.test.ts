import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NamedAddress } from '../../src/process/address.ts'
import type { ExitError } from '../../src/process/exit-reason.ts'
import type { ServerProcess } from '../../src/process/gen-server.ts'
import type { Process } from '../../src/process/process.ts'
import type { ChildSpec } from '../../src/process/supervisor/options.ts'
import { atom, isTuple, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'
import { loadModule } from './support/modules.ts'

// The same tree twice, in Erlang and in TypeScript: what one does is the oracle for the other. The children tell who runs the
// script.
const tree = '-module(tree). -export([init/1]). init(Tree) -> {ok, Tree}.'
const leaf = `
  -module(leaf).
  -export([start_link/3, init/1, handle_call/3, handle_cast/2, terminate/2]).
  start_link(Main, Id, Fails) -> gen_server:start_link(leaf, {Main, Id, Fails}, []).
  init({Main, Id, Fails}) ->
    process_flag(trap_exit, true),
    Key = {Main, Id}, Count = persistent_term:get(Key, 0) + 1, persistent_term:put(Key, Count),
    case lists:member(Count, Fails) of
      true -> Main ! {failed, Id}, {stop, nope};
      false -> Main ! {started, Id}, {ok, {Main, Id}}
    end.
  handle_call({stop, R}, _, S) -> {stop, R, ok, S}.
  handle_cast(_, S) -> {noreply, S}.
  terminate(R, {Main, Id}) -> Main ! {terminated, Id, R}.`

interface Leaf {
  readonly id: string
  readonly restart?: 'permanent' | 'transient' | 'temporary'
  /** Which of its starts fail: 1 is the first. */
  readonly fails?: readonly number[]
}

interface Tree {
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one'
  readonly restarts: number
  readonly leaves: readonly Leaf[]
}

const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]

/** What the scripts use: `S` is the supervisor. */
const words = `
  Next = fun() -> receive {started, _} = E -> E; {failed, _} = E -> E; {terminated, _, _} = E -> E after 20000 -> nothing end end,
  Events = fun(N) -> [Next() || _ <- lists:seq(1, N)] end,
  Children = fun() -> [{Id, is_pid(Pid), Type} || {Id, Pid, Type, _} <- supervisor:which_children(S)] end,
  Counts = fun() -> lists:sort(supervisor:count_children(S)) end,
  Pid = fun(Id) -> element(2, lists:keyfind(Id, 1, supervisor:which_children(S))) end,
  Kill = fun(Id, N) -> exit(Pid(Id), kill), Events(N) end,
  Stop = fun(Id, Reason, N) ->
    P = Pid(Id), M = monitor(process, P),
    gen_server:call(P, {stop, Reason}),
    receive {'DOWN', M, _, _, _} -> ok end,
    Events(N)
  end,
  Idle = fun Idle(Active) -> case lists:keyfind(active, 1, supervisor:count_children(S)) of {_, Active} -> ok; _ -> Idle(Active) end end,`

function specsOf(leaves: readonly Leaf[]): string[] {
  return leaves.map(({ id, restart = 'permanent', fails = [] }) => {
    return `#{id => ${id}, start => {leaf, start_link, [self(), ${id}, [${fails}]]}, restart => ${restart}}`
  })
}

describeOtp('a supervisor', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode
  let starter: Process
  let scripts = 0

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    await node.connect(erl.name)
    await loadModule(erl, tree)
    await loadModule(erl, leaf)
    await erl.eval('logger:set_primary_config(level, none)')
    starter = await openProcess(node, { name: 'starter' })
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  /** A child of ours that tells `main`. */
  function child({ id, restart = 'permanent', fails = [] }: Leaf, main: NamedAddress): ChildSpec {
    let starts = 0
    return {
      id: atom(id),
      restart,
      trapExit: true,
      server: () => ({
        init(self: ServerProcess) {
          const failed = fails.includes(++starts)
          self.send(main, tuple(atom(failed ? 'failed' : 'started'), atom(id)))
          if (failed) self.exit(atom('nope'))
        },
        handleCall(request: Term, _from, self) {
          if (isTuple(request)) self.stop(request[1])
          return atom('ok')
        },
        terminate: (reason: Term, self: ServerProcess) =>
          void self.send(main, tuple(atom('terminated'), atom(id), reason)),
      }),
    }
  }

  /** What a script answers for a supervisor of OTP and for ours. */
  async function both({ strategy, restarts, leaves }: Tree, script: string): Promise<[string, string]> {
    const specs = specsOf(leaves)
    const flags = `#{strategy => ${strategy}, intensity => ${restarts}, period => 3600}`
    // Each script has a process of its own, so that nothing is left to the next; the supervisor of OTP ends with it.
    const theirs = await erl.eval(
      `process_flag(trap_exit, true),
       {ok, S} = supervisor:start_link(tree, {${flags}, [${specs.join(',')}]}), ${words} ${script}`,
      { apart: true },
    )
    const main = { name: `main${++scripts}`, node: erl.name }
    const answer = erl.eval(
      `register(${main.name}, self()), {starter, '${node.name}'} ! start, S = {app, '${node.name}'}, ${words} ${script}`,
      { apart: true },
    )
    await starter.receive()
    await using _supervisor = await node.supervise({
      name: 'app',
      strategy,
      maxRestarts: restarts,
      maxSeconds: 3600,
      children: leaves.map((one) => child(one, main)),
    })
    const ours = await answer
    return [theirs, ours]
  }

  it.each([
    ['one_for_one', 1],
    ['rest_for_one', 3],
    ['one_for_all', 5],
  ] as const)('%s starts, restarts and lists its children as in OTP', async (strategy, events) => {
    const script = `
      Before = {Events(3), Children(), Counts()},
      {Before, Kill(b, ${events}), Idle(3), Children(), Counts()}`
    const [theirs, ours] = await both({ strategy, restarts: 5, leaves: three }, script)
    expect(ours).toBe(theirs)
  })

  it('ends, restarts and deletes children that a BEAM node names, as in OTP', async () => {
    const script = `
      Events(3),
      [
        supervisor:terminate_child(S, b), Next(), Children(), Counts(),
        element(1, supervisor:restart_child(S, b)), Next(), Children(),
        supervisor:restart_child(S, b), supervisor:delete_child(S, b),
        supervisor:terminate_child(S, b), Next(), supervisor:terminate_child(S, b),
        supervisor:delete_child(S, b), Children(), Counts(),
        supervisor:terminate_child(S, b), supervisor:restart_child(S, b), supervisor:delete_child(S, b),
        supervisor:terminate_child(S, "no id")
      ]`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 5, leaves: three }, script)
    expect(ours).toBe(theirs)
  })

  it('restarts transient and temporary children as OTP does', async () => {
    const leaves: Leaf[] = [
      { id: 'p' },
      { id: 't', restart: 'transient' },
      { id: 'u', restart: 'transient' },
      { id: 'v', restart: 'temporary' },
    ]
    const script = `
      Events(4),
      [
        Stop(t, normal, 1), Idle(3), Children(),
        Stop(u, boom, 2), Idle(3), Children(),
        Stop(v, boom, 1), Idle(2), Children(),
        Stop(p, normal, 2), Idle(2), Children(),
        Stop(u, {shutdown, x}, 1), Idle(1), Children(), Counts()
      ]`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 5, leaves }, script)
    expect(ours).toBe(theirs)
  })

  it('gives up as in OTP when it restarts too often', async () => {
    const script = `
      Events(3),
      M = monitor(process, S),
      Once = Kill(a, 1),
      Idle(3),
      exit(Pid(a), kill),
      {Once, Events(2), receive {'DOWN', M, _, _, Reason} -> Reason end}`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 1, leaves: three }, script)
    expect(ours).toBe(theirs)
  })

  it.each([
    ['one_for_one', 3],
    ['rest_for_one', 5],
    ['one_for_all', 11],
  ] as const)('%s goes on as in OTP where a restart failed', async (strategy, events) => {
    const leaves = [{ id: 'a' }, { id: 'b', fails: [2, 3] }, { id: 'c' }]
    const script = `Events(3), {Kill(b, ${events}), Idle(3), Children(), Counts()}`
    const [theirs, ours] = await both({ strategy, restarts: 5, leaves }, script)
    expect(ours).toBe(theirs)
  })

  it('gives up as in OTP when restarts fail too often', async () => {
    const leaves = [{ id: 'a' }, { id: 'b', fails: [2, 3, 4, 5, 6] }]
    const script = `
      Events(2),
      M = monitor(process, S),
      {Kill(b, 4), receive {'DOWN', M, _, _, Reason} -> Reason end}`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 3, leaves }, script)
    expect(ours).toBe(theirs)
  })

  it('does not start as in OTP when a child does not', async () => {
    const leaves = [{ id: 'a' }, { id: 'b', fails: [1] }, { id: 'c' }]
    const main = `main${++scripts}`
    const theirs = await erl.eval(
      `process_flag(trap_exit, true), S = none,
       {error, Reason} = supervisor:start_link(tree, {#{}, [${specsOf(leaves).join(',')}]}),
       ${words} {Events(3), Reason}`,
      { apart: true },
    )
    const answer = erl.eval(
      `register(${main}, self()), {starter, '${node.name}'} ! start, S = none,
       ${words} Three = Events(3), receive {reason, Reason} -> {Three, Reason} end`,
      { apart: true },
    )
    await starter.receive()
    const to = { name: main, node: erl.name }
    const start = node.supervise({ children: leaves.map((one) => child(one, to)) })
    await start.catch((error: ExitError) => node.send(to, tuple(atom('reason'), error.reason)))
    expect(await answer).toBe(theirs)
  })

  it('ends its children in order when it is stopped, as in OTP', async () => {
    const script = `
      Events(3),
      M = monitor(process, S),
      Stopped = gen_server:stop(S, shutdown, infinity),
      {Stopped, Events(3), receive {'DOWN', M, _, _, Reason} -> Reason end}`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 5, leaves: three }, script)
    expect(ours).toBe(theirs)
  })

  it('takes its children with it when it is killed, as in OTP', async () => {
    const script = `
      Events(3),
      M = monitor(process, Pid(a)),
      {status, Supervisor, _, _} = sys:get_status(S),
      exit(Supervisor, kill),
      {lists:sort(Events(3)), receive {'DOWN', M, _, _, Reason} -> Reason end}`
    const [theirs, ours] = await both({ strategy: 'one_for_one', restarts: 5, leaves: three }, script)
    expect(ours).toBe(theirs)
  })

  it('starts nothing a peer asks for, and outlives whatever it is asked', async () => {
    const supervisor = await node.supervise({
      name: 'app',
      children: [{ id: 'text', process: (self) => self.receive() }],
    })
    const here = `{app, '${node.name}'}`
    const spec = '#{id => x, start => {erlang, halt, []}}'
    expect(await erl.eval(`supervisor:start_child(${here}, ${spec})`)).toBe('{error,not_allowed}')
    expect(await erl.eval(`supervisor:start_child(${here}, [1])`)).toBe('{error,not_allowed}')
    expect(await erl.eval(`supervisor:get_childspec(${here}, text)`)).toBe('{error,{bad_call,{get_childspec,text}}}')
    expect(await erl.eval(`gen_server:call(${here}, {a, b, c})`)).toBe('{error,{bad_call,{a,b,c}}}')
    await erl.eval(`gen_server:cast(${here}, {try_again_restart, text}), ${here} ! what, ${here} ! {'EXIT', self(), x}`)
    // A string is a binary there; an atom of the same text finds the child as well.
    expect(
      await erl.eval(`[{Id, Type, Modules} || {Id, _, Type, Modules} <- supervisor:which_children(${here})]`),
    ).toBe('[{<<"text">>,worker,[]}]')
    if (Number(release.otp) >= 29) {
      expect(await erl.eval(`{ok, {Id, P, worker, []}} = supervisor:which_child(${here}, text), {Id, is_pid(P)}`)).toBe(
        '{<<"text">>,true}',
      )
    }
    expect(await erl.eval(`supervisor:terminate_child(${here}, text)`)).toBe('ok')
    expect(await supervisor.countChildren()).toMatchObject({ specs: 1, active: 0 })
    await supervisor.close()
  })
})

describeOtp(
  'a supervisor',
  (release) => {
    it('answers the functions of Supervisor', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      await node.connect(elixir.name)
      const inner = { name: 'inner', children: [] }
      await node.supervise({
        name: 'Elixir.App.Supervisor',
        children: [
          { id: atom('Elixir.Worker'), server: { handleCall: () => 1 } },
          { id: atom('Elixir.Inner'), supervisor: inner },
        ],
      })
      const here = `{App.Supervisor, :"${node.name}"}`
      expect(
        await elixir.eval(`for {id, pid, type, _} <- Supervisor.which_children(${here}), do: {id, node(pid), type}`),
      ).toBe(`[{Inner, :"${node.name}", :supervisor}, {Worker, :"${node.name}", :worker}]`)
      expect(await elixir.eval(`Supervisor.count_children(${here}) |> Enum.sort`)).toBe(
        '[active: 2, specs: 2, supervisors: 1, workers: 1]',
      )
      expect(await elixir.eval(`Supervisor.terminate_child(${here}, Worker)`)).toBe(':ok')
      expect(await elixir.eval(`{:ok, pid} = Supervisor.restart_child(${here}, Worker); GenServer.call(pid, 0)`)).toBe(
        '1',
      )
      expect(await elixir.eval(`Supervisor.terminate_child(${here}, Nobody)`)).toBe('{:error, :not_found}')
      expect(await elixir.eval(`Supervisor.start_child(${here}, {Task, fn -> 1 end})`)).toBe('{:error, :not_allowed}')
      expect(await elixir.eval(`Supervisor.stop(${here})`)).toBe(':ok')
      expect(node.registered()).not.toContain('inner')
    })
  },
  { elixir: true },
)
