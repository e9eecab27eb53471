import { expect, it } from 'vitest'
import type { CallContext } from '../../src/node/rpc/exposed.ts'
import { ErlangError } from '../../src/process/exit-reason.ts'
import { atom, Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, type TestNode } from '../support/scene.ts'

interface Pair {
  readonly erl: OtpNode
  readonly node: TestNode
  /** Evaluates on `erl`; `TS` is our node. */
  readonly to: (expression: string) => Promise<string>
}

async function pair(scene: Scene, options: Parameters<Scene['node']>[0] = {}): Promise<Pair> {
  const erl = await scene.erl()
  const node = await scene.node(options)
  await node.connect(erl.name)
  return { erl, node, to: (expression) => erl.eval(expression.replaceAll('TS', `'${node.name}'`)) }
}

/** What is different in every run. */
const unique = (text: string) => text.replaceAll(/<\d+\.\d+\.\d+>/g, 'PID').replaceAll(/#Ref<[\d.]+>/g, 'REF')

const math = {
  add: (a: number, b: number) => a + b,
  later: async (value: Term) => value,
  divide: (a: number, b: number) => {
    if (b === 0) throw new ErlangError(atom('badarith'))
    return a / b
  },
  broken: () => {
    throw new TypeError('no')
  },
  leave(this: CallContext) {
    this.self.exit(atom('gone'))
  },
  toss: () => {
    throw atom('ball')
  },
  symbol: () => ({ deep: [Symbol('x')] }),
}

/** A function that runs until the test ends it, and what it saw. */
function held() {
  const calls: { context: CallContext; aborted: Promise<unknown>; finish: () => void }[] = []
  let woken = (): void => {}
  return {
    calls,
    async hold(this: CallContext) {
      let finish = (): void => {}
      const finished = new Promise<void>((resolve) => {
        finish = resolve
      })
      const aborted = new Promise((resolve) => {
        this.signal.addEventListener('abort', () => resolve(this.signal.reason), { once: true })
      })
      calls.push({ context: this, aborted, finish })
      woken()
      await finished
      return 'held'
    },
    /** Resolves when so many were called. */
    async called(count: number): Promise<void> {
      while (calls.length < count) {
        await new Promise<void>((resolve) => {
          woken = resolve
        })
      }
    },
  }
}

describeOtp('a function that is not exposed', (release) => {
  // Each is asked of our node and of a real one; both have no such function.
  const questions = [
    `erpc:call(TS, nope, f, [1, 2])`,
    `erpc:call(TS, nope, f, [1, 2], 15000)`,
    `erpc:call(TS, erlang, nope, [])`,
    `erpc:call(TS, erlang, apply, [nope, f, [1]])`,
    `erpc:call(TS, fun nope:f/0)`,
    `erpc:call(TS, nope, f, [1 | 2])`,
    `erpc:receive_response(erpc:send_request(TS, nope, f, []), 15000)`,
    `erpc:multicall([TS, TS], nope, f, [<<"x">>], 15000)`,
    `erpc:cast(TS, nope, f, [])`,
    `erpc:multicast([TS], nope, f, [])`,
    `rpc:call(TS, nope, f, [1])`,
    `rpc:call(TS, nope, f, [1], 15000)`,
    `rpc:call(TS, nope, f, [1], infinity)`,
    `rpc:call(TS, true, nil, [])`,
    `rpc:multicall([TS], nope, f, [])`,
    `rpc:multicall([TS], nope, f, [], 15000)`,
    `rpc:yield(rpc:async_call(TS, nope, f, []))`,
    `rpc:nb_yield(rpc:async_call(TS, nope, f, []), 15000)`,
    `rpc:block_call(TS, nope, f, [1])`,
    `rpc:block_call(TS, nope, f, [1], 15000)`,
    `rpc:cast(TS, nope, f, [])`,
    `rpc:eval_everywhere([TS], nope, f, [])`,
    `rpc:sbcast([TS], no_such_name, hello) =:= {[], [TS]}`,
    `rpc:server_call(TS, rex, rex, {sbcast, no_such_name, hello})`,
    `rpc:abcast([TS], no_such_name, hello)`,
    `gen_server:call({rex, TS}, {call, nope, f, [], self()})`,
    `gen_server:call({rex, TS}, {call, nope, f, [], user})`,
    `begin {rex, TS} ! {self(), {call, nope, f, [1], user}}, receive {rex, Reply} -> Reply end end`,
    `begin {rex, TS} ! {self(), features_request}, receive {features_reply, N, L} -> {N =:= TS, L} end end`,
    `begin P = spawn_link(TS, nope, f, [1]), receive {'EXIT', P, Why} -> Why end end`,
    `begin {P, M} = spawn_monitor(TS, nope, f, [1]), receive {'DOWN', M, process, P, Why} -> Why end end`,
    `begin P = spawn(TS, nope, f, [1]), M = monitor(process, P), receive {'DOWN', M, process, P, _} -> is_pid(P) end end`,
    `begin {P, M} = spawn_opt(TS, nope, f, [], [monitor, {priority, low}, {min_heap_size, 99}, {fullsweep_after, 9}]),
       receive {'DOWN', M, process, P, Why} -> Why end end`,
    `begin {P, M} = spawn_opt(TS, nope, f, [], [{monitor, [{tag, gone}, {alias, demonitor}]}, {max_heap_size, #{size => 0}}]),
       receive {gone, M, process, P, Why} -> Why end end`,
    `begin R = spawn_request(TS, nope, f, [], [monitor, {reply_tag, done}]),
       receive {done, R, ok, P} -> receive {'DOWN', R, process, P, Why} -> Why end end end`,
    `begin R = spawn_request(TS, nope, f, [], [{reply, error_only}, monitor]),
       receive {'DOWN', R, process, _, Why} -> Why; Other -> Other end end`,
    `begin R = spawn_request(TS, nope, f, [], [no_option]), receive {spawn_reply, R, error, Why} -> Why end end`,
    `begin R = spawn_request(TS, nope, f, [], [{priority, most}]), receive {spawn_reply, R, error, Why} -> Why end end`,
    `begin R = spawn_request(TS, nope, f, [], [{max_heap_size, #{size => x}}]), receive {spawn_reply, R, error, Why} -> Why end end`,
  ]

  it.each(['hidden', 'visible'] as const)(
    'is answered as a real node does that has no such function (%s)',
    async (kind) => {
      await using scene = await Scene.open(release)
      const { erl, node } = await pair(scene, { visible: kind === 'visible' })
      const real = await scene.erl({ hidden: true })
      const ask = async (name: string, question: string): Promise<string> =>
        unique(
          await erl.eval(
            `process_flag(trap_exit, true), TS = '${name}', try ${question} of Value -> Value catch Class:Reason -> {Class, Reason} end`,
          ),
        ).replaceAll(name, 'TS')
      for (const question of questions) {
        const [ours, theirs] = [await ask(node.name, question), await ask(real.name, question)]
        expect({ question, answer: ours }).toEqual({ question, answer: theirs })
      }
      expect(await erl.eval('receive Left -> Left after 0 -> nothing end')).toBe('nothing')
    },
  )

  it('is undefined too where it comes as a closure', async () => {
    await using scene = await Scene.open(release)
    const { to } = await pair(scene)
    const undef = /^\{error,\{exception,undef,\[\{#Fun<.*>,\[\],\[\]\},\{erlang,apply,2,\[\]\}\]\}\}$/
    expect(await to('try erpc:call(TS, fun() -> ok end) catch C:R -> {C, R} end')).toMatch(undef)
    const spawned = `begin {P, M} = spawn_monitor(TS, fun() -> ok end), receive {'DOWN', M, process, P, Why} -> Why end end`
    expect(await to(spawned)).toMatch(/^\{undef,\[\{#Fun<.*>,\[\],\[\]\}/)
  })

  it('leaves no process, monitor or link behind', async () => {
    await using scene = await Scene.open(release)
    const { erl, node, to } = await pair(scene, { mesh: false })
    await to('rpc:call(TS, nope, f, [])')
    const before = node.counts
    await to(`[rpc:call(TS, nope, f, [N]) || N <- lists:seq(1, 200)]`)
    await to(`process_flag(trap_exit, true), [spawn_link(TS, nope, f, [N]) || N <- lists:seq(1, 200)], ok`)
    await to(`[receive {'EXIT', _, {undef, _}} -> ok end || _ <- lists:seq(1, 200)], ok`)
    expect(await to('rpc:call(TS, nope, f, [])')).toMatch(/undef/)
    expect(node.counts).toEqual(before)
    expect(await erl.eval('erlang:process_info(self(), monitors)')).toBe('{monitors,[]}')
  })
})

describeOtp('an exposed function', (release) => {
  it('answers every way to call it', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    node.expose('Elixir.Math', math)
    for (const [call, answer] of [
      [`erpc:call(TS, 'Elixir.Math', add, [1, 2])`, '3'],
      [`erpc:call(TS, 'Elixir.Math', add, [1, 2], 15000)`, '3'],
      [`erpc:call(TS, fun() -> ok end, 15000)`, /undef/],
      [`erpc:call(TS, erlang, apply, ['Elixir.Math', add, [1, 2]])`, '3'],
      [`erpc:call(TS, erlang, apply, [fun 'Elixir.Math':add/2, [1, 2]])`, '3'],
      [`erpc:call(TS, 'Elixir.Math', later, [{a, [1.5, #{b => <<"c">>}]}])`, '{a,[1.5,#{b => <<"c">>}]}'],
      [`erpc:receive_response(erpc:send_request(TS, 'Elixir.Math', add, [1, 2]))`, '3'],
      [`erpc:multicall([TS, TS], 'Elixir.Math', add, [1, 2])`, '[{ok,3},{ok,3}]'],
      [`rpc:call(TS, 'Elixir.Math', add, [1, 2])`, '3'],
      [`rpc:multicall([TS], 'Elixir.Math', add, [1, 2])`, '{[3],[]}'],
      [`rpc:yield(rpc:async_call(TS, 'Elixir.Math', add, [1, 2]))`, '3'],
      [`rpc:block_call(TS, 'Elixir.Math', add, [1, 2])`, '3'],
      [`gen_server:call({rex, TS}, {call, 'Elixir.Math', add, [1, 2], self()})`, '3'],
      [`begin {rex, TS} ! {self(), {call, 'Elixir.Math', add, [1, 2], user}}, receive {rex, R} -> R end end`, '3'],
      [
        `begin {P, M} = spawn_monitor(TS, 'Elixir.Math', add, [1, 2]), receive {'DOWN', M, _, P, R} -> R end end`,
        'normal',
      ],
      [
        `try erpc:call(TS, 'Elixir.Math', add, [1]) catch C:R -> {C, R} end`,
        `{error,{exception,undef,[{'Elixir.Math',add,[1],[]}]}}`,
      ],
      [`try erpc:call(TS, 'Elixir.Math', constructor, []) catch C:R -> {C, R} end`, /undef/],
      [`try erpc:call(TS, 'Elixir.Math', '__proto__', []) catch C:R -> {C, R} end`, /undef/],
      [`try erpc:call(TS, '__proto__', toString, []) catch C:R -> {C, R} end`, /undef/],
    ] as const) {
      const given = await to(call.includes('fun() ->') ? `try ${call} catch C:R -> {C, R} end` : call)
      if (typeof answer === 'string') expect({ call, given }).toEqual({ call, given: answer })
      else expect(given).toMatch(answer)
    }
  })

  it('raises what it throws, with class and reason', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    node.expose('Elixir.Math', math)
    const here = (name: string, arity: number) => `[{'Elixir.Math',${name},${arity},[]}]`
    for (const [call, erpc, rpc] of [
      [
        'divide, [1, 0]',
        `{error,{exception,badarith,${here('divide', 2)}}}`,
        `{badrpc,{'EXIT',{badarith,${here('divide', 2)}}}}`,
      ],
      [
        'broken, []',
        `{error,{exception,{'TypeError',<<"no">>},${here('broken', 0)}}}`,
        `{badrpc,{'EXIT',{{'TypeError',<<"no">>},${here('broken', 0)}}}}`,
      ],
      ['leave, []', '{exit,{exception,gone}}', `{badrpc,{'EXIT',gone}}`],
      ['toss, []', '{throw,ball}', 'ball'],
      [
        'symbol, []',
        '{error,{exception,{unencodable,<<"a symbol has no Erlang form, at result.deep[0]">>},[]}}',
        `{badrpc,{'EXIT',{{unencodable,<<"a symbol has no Erlang form, at result.deep[0]">>},[]}}}`,
      ],
    ] as const) {
      expect(await to(`try erpc:call(TS, 'Elixir.Math', ${call}) catch C:R -> {C, R} end`)).toBe(erpc)
      expect(await to(`rpc:call(TS, 'Elixir.Math', ${call})`)).toBe(rpc)
      expect(await to(`rpc:block_call(TS, 'Elixir.Math', ${call})`)).toBe(rpc)
      expect(await to(`gen_server:call({rex, TS}, {call, 'Elixir.Math', ${call}, self()})`)).toBe(rpc)
    }
    expect(node.log.messages('error')).toEqual([])
  })

  it('crashes its process when it was spawned: monitors and links tell why, and the log where', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    node.expose('Elixir.Math', math)
    const end = (call: string) =>
      to(
        `begin {P, M} = spawn_monitor(TS, 'Elixir.Math', ${call}), receive {'DOWN', M, process, P, Why} -> Why end end`,
      )
    expect(await end('divide, [1, 0]')).toBe('{badarith,[]}')
    expect(await end('broken, []')).toMatch(/^\{\{'TypeError',<<"no">>\},\[\{/)
    expect(await end('leave, []')).toBe('gone')
    expect(await end('toss, []')).toBe('{{nocatch,ball},[]}')
    expect(await end('symbol, []')).toBe('normal')
    expect(node.log.messages('error').join('\n')).toMatch(/TypeError: no/)
  })

  it('knows who calls', async () => {
    await using scene = await Scene.open(release)
    const { erl, node, to } = await pair(scene)
    node.expose('who', {
      calls() {
        return [this.caller === erl.name, this.from.node === erl.name, this.self.pid.node === node.name]
      },
    })
    expect(await to('erpc:call(TS, who, calls, [])')).toBe('[true,true,true]')
    expect(await to('rpc:block_call(TS, who, calls, [])')).toBe('[true,true,true]')
  })

  it('gets its arguments as its exposure wants them', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    const kind = (value: Term) => atom(Object.prototype.toString.call(value))
    node.expose('plain', { kind })
    node.expose('exact', { kind }, { terms: { binaries: 'bytes', maps: 'map' } })
    for (const by of ['erpc:call', 'rpc:block_call'] as const) {
      expect(await to(`${by}(TS, plain, kind, [<<"a">>])`)).toBe(`'[object String]'`)
      expect(await to(`${by}(TS, exact, kind, [<<"a">>])`)).toBe(`'[object Uint8Array]'`)
      expect(await to(`${by}(TS, exact, kind, [#{a => 1}])`)).toBe(`'[object Map]'`)
    }
    const spawned = `begin {P, M} = spawn_monitor(TS, exact, kind, [1]), receive {'DOWN', M, _, P, R} -> R end end`
    expect(await to(spawned)).toBe('normal')
  })

  it('is gone when its exposure is closed, and can be exposed again', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    const exposure = node.expose('Elixir.Math', math)
    await exposure.close()
    await exposure.close()
    expect(await to(`rpc:call(TS, 'Elixir.Math', add, [1, 2])`)).toBe(
      `{badrpc,{'EXIT',{undef,[{'Elixir.Math',add,[1,2],[]}]}}}`,
    )
    node.expose('Elixir.Math', math)
    expect(await to(`rpc:call(TS, 'Elixir.Math', add, [1, 2])`)).toBe('3')
  })

  it('casts run, and messages for names arrive, without an answer', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    const inbox = await openProcess(node, { name: 'inbox' })
    node.expose('tell', { inbox: (word: Term) => node.send('inbox', word) })
    for (const cast of ['erpc:cast(TS', 'erpc:multicast([TS]', 'rpc:cast(TS', 'rpc:eval_everywhere([TS]'] as const) {
      await to(`${cast}, tell, inbox, [hello])`)
      expect(await inbox.receive()).toBe(atom('hello'))
    }
    expect(await to(`gen_server:cast({rex, TS}, {cast, tell, inbox, [old], self()})`)).toBe('ok')
    expect(await inbox.receive()).toBe(atom('old'))
    expect(await to(`rpc:sbcast([TS], inbox, #{a => <<"b">>}) =:= {[TS], []}`)).toBe('true')
    expect(await inbox.receive()).toEqual({ a: 'b' })
    expect(await to(`rpc:abcast([TS], inbox, hello)`)).toBe('abcast')
    expect(await inbox.receive()).toBe(atom('hello'))
    expect(await to(`{rex, TS} ! {self(), {send, inbox, hello}}, ok`)).toBe('ok')
    expect(await inbox.receive()).toEqual(tuple(expect.any(Pid) as Pid, atom('hello')))
  })
})

describeOtp('the process of an exposed function', (release) => {
  it('lives while the function runs, is killed by an exit signal, and tells its monitor', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    const job = held()
    node.expose('job', { hold: job.hold })
    await to(`begin put(job, spawn_monitor(TS, job, hold, [])), ok end`)
    await job.called(1)
    const { context, aborted } = job.calls[0] as (typeof job.calls)[0]
    expect(await to('{P, _} = get(job), exit(P, normal), exit(P, kill), ok')).toBe('ok')
    await aborted
    expect(context.self.signal.aborted).toBe(true)
    expect(await to(`{P, M} = get(job), receive {'DOWN', M, process, P, Why} -> Why end`)).toBe('killed')
  })

  it('ends with the process it is linked with, and ends that', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene)
    const job = held()
    node.expose('job', { hold: job.hold })
    await to(`put(owner, spawn(fun() -> spawn_link(TS, job, hold, []), receive stop -> exit(done) end end)), ok`)
    await job.called(1)
    await to('get(owner) ! stop, ok')
    expect(await job.calls[0]?.aborted).toMatchObject({ reason: atom('done') })
    await to(`put(owner, spawn_monitor(fun() -> spawn_link(TS, job, hold, []), receive never -> ok end end)), ok`)
    await job.called(2)
    node.exit(job.calls[1]?.context.self.pid as Pid, atom('oops'))
    expect(await to(`{P, M} = get(owner), receive {'DOWN', M, process, P, Why} -> Why end`)).toBe('oops')
  })

  it('hears by its signal that the caller gave up, ended, or went down with its node', async () => {
    await using scene = await Scene.open(release)
    const { erl, node, to } = await pair(scene, { mesh: false })
    const job = held()
    node.expose('job', { hold: job.hold })
    const before = node.counts
    expect(await to('catch erpc:call(TS, job, hold, [], 50)')).toMatch(/erpc,timeout/)
    await job.called(1)
    await job.calls[0]?.aborted
    expect(job.calls[0]?.context.self.signal.aborted).toBe(false)
    job.calls[0]?.finish()
    await to('put(caller, spawn(fun() -> erpc:call(TS, job, hold, []) end)), ok')
    await job.called(2)
    await to('exit(get(caller), kill), ok')
    await job.calls[1]?.aborted
    job.calls[1]?.finish()
    await to('put(caller, spawn(fun() -> erpc:call(TS, job, hold, []) end)), ok')
    await job.called(3)
    const down = nextEvent(node, 'nodedown', erl.name)
    erl.kill()
    await down
    await job.calls[2]?.aborted
    job.calls[2]?.finish()
    while (node.counts.processes > before.processes) await new Promise((resolve) => setImmediate(resolve))
    expect(node.counts).toMatchObject({ processes: before.processes, references: 0 })
  })

  it('is one of so many for a peer: more are refused as OTP refuses', async () => {
    await using scene = await Scene.open(release)
    const { node, to } = await pair(scene, { limits: { spawnedPerPeer: 2 } })
    const job = held()
    node.expose('job', { hold: job.hold })
    await to('put(calls, [erpc:send_request(TS, job, hold, []) || _ <- [1, 2]]), ok')
    await job.called(2)
    expect(await to('try erpc:call(TS, job, hold, []) catch C:R -> {C, R} end')).toBe('{error,{erpc,system_limit}}')
    expect(await to('rpc:call(TS, job, hold, [])')).toBe(`{badrpc,{'EXIT',system_limit}}`)
    expect(await to('rpc:block_call(TS, job, hold, [])')).toBe(`{badrpc,{'EXIT',system_limit}}`)
    expect(await to('try spawn_link(TS, job, hold, []) catch C:R -> {C, R} end')).toBe('{error,system_limit}')
    for (const call of job.calls) call.finish()
    expect(await to('[erpc:receive_response(Id, 15000) || Id <- get(calls)]')).toBe('[<<"held">>,<<"held">>]')
    await to('put(calls, [erpc:send_request(TS, job, hold, [])]), ok')
    await job.called(3)
    job.calls[2]?.finish()
    expect(await to('[erpc:receive_response(Id, 15000) || Id <- get(calls)]')).toBe('[<<"held">>]')
  })
})

describeOtp(
  'from Elixir',
  (release) => {
    it('exposed functions are called, spawned and undefined as those of any module', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      await node.connect(elixir.name)
      const inbox = await openProcess(node, { name: 'inbox' })
      node.expose('Elixir.Math', { ...math, tell: (word: Term) => node.send('inbox', word) })
      const to = (expression: string) => elixir.eval(expression.replaceAll('TS', `:"${node.name}"`))
      expect(await to(':erpc.call(TS, Math, :add, [1, 2])')).toBe('3')
      expect(await to(':rpc.call(TS, Math, :toss, [])')).toBe(':ball')
      expect(await to('try do :erpc.call(TS, Math, :nope, []) rescue e -> e end')).toContain(
        '%ErlangError{original: {:exception, :undef, [{Math, :nope, [], []}]}',
      )
      await to('Node.spawn(TS, Math, :tell, [:hello])')
      expect(await inbox.receive()).toBe(atom('hello'))
      await to('Node.spawn_monitor(TS, Math, :leave, [])')
      expect(await to('receive do {:DOWN, _, :process, _, reason} -> reason end')).toBe(':gone')
    })
  },
  { elixir: true },
)
