import { afterAll, beforeAll, expect, it } from 'vitest'
import { ExitError } from '../../src/process/exit-reason.ts'
import type { From } from '../../src/process/from.ts'
import { GenServer, noReply } from '../../src/process/gen-server.ts'
import { atom, isTuple, type Term, type Tuple, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, sees, type TestNode } from '../support/scene.ts'
import { loadModule } from './support/modules.ts'

/** The same server twice, in Erlang and in TypeScript: what one does is the oracle for the other. */
const life = `
  -module(life).
  -export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).
  init(Main) -> {ok, {Main, none, []}, {continue, from_init}}.
  handle_call(pid, _, S) -> {reply, self(), S};
  handle_call({reply, X}, _, S) -> {reply, X, S};
  handle_call(later, From, {M, _, L}) -> {noreply, {M, From, L}};
  handle_call({continue, X}, _, S) -> {reply, ok, S, {continue, X}};
  handle_call({timeout, Ms}, _, S) -> {reply, ok, S, Ms};
  handle_call(log, _, {M, F, L}) -> {reply, lists:reverse(L), {M, F, []}};
  handle_call(trap, _, S) -> process_flag(trap_exit, true), {reply, ok, S};
  handle_call({stop, R}, _, S) -> {stop, R, stopping, S};
  handle_call({exit, R}, _, _) -> exit(R).
  handle_cast({answer, X}, {M, From, L}) -> gen_server:reply(From, X), {noreply, {M, none, L}};
  handle_cast(X, {M, F, L}) -> {noreply, {M, F, [{cast, X} | L]}}.
  handle_info(timeout, {M, _, _} = S) -> M ! {idle, S} , {noreply, S};
  handle_info(X, {M, F, L}) -> {noreply, {M, F, [{info, X} | L]}}.
  handle_continue(X, {M, F, L}) -> {noreply, {M, F, [{continue, X} | L]}}.
  terminate(R, {M, _, _}) -> M ! {terminated, R}.`

class Life extends GenServer {
  readonly main: { readonly name: string; readonly node: string }
  asker: From | undefined
  log: Term[] = []

  constructor(node: string) {
    super()
    this.main = { name: 'main', node }
  }

  override init() {
    this.continue(atom('from_init'))
  }

  override handleCall(request: Term, from: From) {
    const [what, value] = isTuple(request) ? request : [request, undefined]
    switch (what) {
      case atom('pid'):
        return this.self.pid
      case atom('reply'):
        return value
      case atom('later'):
        this.asker = from
        return noReply
      case atom('continue'):
        this.continue(value)
        return atom('ok')
      case atom('timeout'):
        this.timeout(value as number)
        return atom('ok')
      case atom('log'):
        return this.log.splice(0)
      case atom('trap'):
        this.self.trapExit = true
        return atom('ok')
      case atom('stop'):
        this.stop(value)
        return atom('stopping')
      default:
        throw new ExitError(value)
    }
  }

  override handleCast(message: Term) {
    if (isTuple(message)) this.asker?.reply(message[1])
    else this.log.push(tuple(atom('cast'), message))
  }

  override handleInfo(message: Term) {
    if (message === atom('timeout')) this.self.send(this.main, tuple(atom('idle'), 'ts'))
    else this.log.push(tuple(atom('info'), message))
  }

  override handleContinue(argument: Term) {
    this.log.push(tuple(atom('continue'), argument))
  }

  override terminate(reason: Term) {
    this.self.send(this.main, tuple(atom('terminated'), reason))
  }
}

describeOtp('a GenServer', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    await node.connect(erl.name)
    await loadModule(erl, life)
    await erl.eval('register(main, self())')
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  /** The values of an expression for a server of OTP and for ours, `S` in it, its pid `P`. */
  async function both(expression: string): Promise<[string, string]> {
    const script = (setup: string, server: string) => `
      ${setup} S = ${server}, P = gen_server:call(S, pid),
      Log = fun() -> gen_server:call(S, log) end,
      Down = fun(Act) ->
        M = monitor(process, P), Act(),
        Reason = receive {'DOWN', M, _, _, R} -> R end,
        {Reason, receive {terminated, T} -> {terminated, T} after 0 -> gone end}
      end,
      Value = begin ${expression} end, catch exit(P, kill), Value`
    const theirs = await erl.eval(script('{ok, Pid} = gen_server:start(life, self(), []),', 'Pid'))
    await using ours = await node.start(() => new Life(erl.name), { name: 'life' })
    const own = await erl.eval(script('', `{life, '${node.name}'}`))
    node.exit(ours, atom('kill'))
    return [theirs, own]
  }

  it.each([
    ['answers calls, and continues before the next one', '[gen_server:call(S, {reply, 1}), Log(), Log()]'],
    [
      'answers later, and other calls meanwhile',
      'Id = gen_server:send_request(S, later), {Log(), gen_server:cast(S, {answer, late}), gen_server:receive_response(Id, 20000)}',
    ],
    ['continues after a call', '{gen_server:call(S, {continue, next}), Log()}'],
    ['handles casts and other messages in their order', 'gen_server:cast(S, a), P ! b, gen_server:cast(S, c), Log()'],
    ['hears of its timeout', '{gen_server:call(S, {timeout, 1}), receive {idle, _} -> idle end}'],
    ['hears of no timeout when a message comes before', '{gen_server:call(S, {timeout, 20000}), P ! a, Log()}'],
    ['stops with a reply and terminate', 'Down(fun() -> stopping = gen_server:call(S, {stop, {shutdown, x}}) end)'],
    ['stops for a reason that is not in order', 'Down(fun() -> stopping = gen_server:call(S, {stop, boom}) end)'],
    [
      'ends with what a handler exits with, after terminate, and its caller hears it',
      "Down(fun() -> {'EXIT', {boom, {gen_server, call, [_, {exit, boom}]}}} = (catch gen_server:call(S, {exit, boom})) end)",
    ],
    ['is gone at once for an exit signal', 'Down(fun() -> exit(P, boom) end)'],
    ['ignores an exit signal with normal', 'exit(P, normal), Log()'],
    [
      'gets exit signals as messages when it traps them',
      "gen_server:call(S, trap), exit(P, boom), [{continue, from_init}, {info, {'EXIT', Me, boom}}] = Log(), Me =:= self()",
    ],
    ['is killed all the same', 'gen_server:call(S, trap), Down(fun() -> exit(P, kill) end)'],
    ['stops for gen_server:stop', 'Down(fun() -> gen_server:stop(S, {shutdown, over}, 20000) end)'],
    ['stops for sys:terminate', 'Down(fun() -> ok = sys:terminate(S, shutdown) end)'],
    [
      'does nothing but sys while it is suspended',
      `ok = sys:suspend(S),
       {'EXIT', {timeout, _}} = (catch gen_server:call(S, {reply, never}, 50)),
       {status, P, {module, M}, [_, Suspended | _]} = sys:get_status(S),
       ok = sys:resume(S),
       {status, P, {module, M}, [_, Running | _]} = sys:get_status(S),
       {M, Suspended, Running, gen_server:call(S, {reply, again})}`,
    ],
    ['stops while it is suspended', 'ok = sys:suspend(S), Down(fun() -> ok = sys:terminate(S, boom) end)'],
    ['does not know what sys does not', 'sys:change_code(S, life, 1, x)'],
  ])('%s', async (_title, expression) => {
    const [theirs, ours] = await both(expression)
    expect(ours).toBe(theirs)
  })

  it('shows its fields as its state, but lets nobody replace it', async () => {
    await using server = await node.start(
      class extends GenServer {
        count = 1
        label = 'x'
      },
      { name: 'counter' },
    )
    const here = `{counter, '${node.name}'}`
    const state = '#{count => 1,label => <<"x">>}'
    // OTP 25 hands out what servers of later releases send.
    expect(await erl.eval(`sys:get_state(${here})`)).toBe(release.otp === '25' ? `{ok,${state}}` : state)
    expect(await erl.eval(`catch sys:replace_state(${here}, fun(S) -> S end)`)).toMatch(
      /^\{'EXIT',\{\{unknown_system_msg,\{replace_state,#Fun<.*>\}\},/,
    )
    const debug = `[sys:trace(${here}, true), sys:statistics(${here}, get), sys:no_debug(${here})]`
    expect(await erl.eval(debug)).toBe('[unknown_debug,unknown_debug,unknown_debug]')
    expect(node.whereis('counter')).toEqual(server.pid)
  })

  it('is called with others of its name by multi_call, in time or not', async () => {
    const other = await scene.node()
    await other.connect(erl.name)
    const handleCall = (request: Term) => (request === atom('never') ? noReply : request)
    for (const each of [node, other]) await each.start({ handleCall }, { name: 'many' })
    const call = (request: string, timeout: number) => `
      {Replies, Bad} = gen_server:multi_call(['${node.name}', '${other.name}', node()], many, ${request}, ${timeout}),
      {lists:sort(Replies), lists:sort(Bad), process_info(self(), messages)}`
    const names = [node.name, other.name].sort()
    expect(await erl.eval(call('hello', 20_000))).toBe(
      `{[${names.map((name) => `{'${name}',hello}`).join(',')}],['${erl.name}'],{messages,[]}}`,
    )
    const all = [...names, erl.name].sort().map((name) => `'${name}'`)
    expect(await erl.eval(call('never', 50))).toBe(`{[],[${all.join(',')}],{messages,[]}}`)
  })

  it('calls and casts to those of a name, also to real ones', async () => {
    const second = await scene.erl()
    const bare = await scene.erl()
    for (const each of [erl, second]) {
      if (each !== erl) await loadModule(each, life)
      await each.eval('{ok, _} = gen_server:start({local, servers}, life, self(), []), ok')
    }
    await node.connect(second.name)
    await node.connect(bare.name)
    await node.start({ handleCall: () => atom('ours') }, { name: 'servers' })
    const request = tuple(atom('reply'), atom('theirs'))
    const { replies, badNodes } = await node.multiCall('servers', request, { timeout: 20_000 })
    expect(replies).toEqual(
      new Map([
        [node.name, atom('ours')],
        [erl.name, atom('theirs')],
        [second.name, atom('theirs')],
      ]),
    )
    expect(badNodes).toContain(bare.name)
    const nobody = scene.name('nobody')
    const few = await node.multiCall([second.name, nobody], 'servers', request, { timeout: 20_000 })
    expect(few).toEqual({ replies: new Map([[second.name, atom('theirs')]]), badNodes: [nobody] })
    const late = await node.multiCall([erl.name], 'servers', atom('later'), { timeout: 50 })
    expect(late).toEqual({ replies: new Map(), badNodes: [erl.name] })

    expect(node.abcast([erl.name, second.name], 'servers', atom('hello'))).toBe(true)
    for (const each of [erl, second]) {
      await sees(each, `sys:get_state(servers)`, /\{cast,hello\}/)
      await each.eval('gen_server:stop(servers), receive {terminated, normal} -> ok end')
    }
    node.unregister('servers')
  })

  it('gets what abcast sends', async () => {
    const got: Term[] = []
    const inbox = await openProcess(node)
    const server = await node.start(
      { handleCast: (message: Term) => void inbox.send(inbox.pid, message) },
      { name: 'listener' },
    )
    expect(await erl.eval(`gen_server:abcast(['${node.name}'], listener, {self(), hello})`)).toBe('abcast')
    got.push(((await inbox.receive()) as Tuple)[1])
    expect(got).toEqual([atom('hello')])
    await server.close()
  })
})
