import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import { atom, isTuple, type Pid, type Term, type Tuple, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'
import { loadModule } from './support/modules.ts'

/** A process that does what it is told, twice: in Erlang, and in TypeScript below. */
const puppet = `
  -module(puppet).
  -export([start/1]).
  start(Traps) -> spawn(fun() -> process_flag(trap_exit, Traps), loop() end).
  loop() ->
    receive
      {do, link, Pid} -> link(Pid), loop();
      {do, unlink, Pid} -> unlink(Pid), loop();
      {do, exit, Reason} -> exit(Reason);
      {do, exit_self, Reason} -> exit(self(), Reason), loop();
      {do, throw, Value} -> throw(Value);
      {do, return, _} -> ok;
      {ping, From} -> From ! {pong, self()}, loop();
      {'EXIT', From, Reason} -> main() ! {got, From =:= self(), Reason}, loop()
    end.
  main() -> persistent_term:get(main).`

async function play(self: Process, main: Pid): Promise<void> {
  for await (const message of self) {
    if (!isTuple(message)) continue
    const [what, a, b] = message
    if (what === atom('ping')) self.send(a as Pid, tuple(atom('pong'), self.pid))
    else if (what === atom('EXIT')) self.send(main, tuple(atom('got'), self.pid.equals(a), b))
    else if (a === atom('link')) self.link(b as Pid)
    else if (a === atom('unlink')) self.unlink(b as Pid)
    else if (a === atom('exit')) self.exit(b)
    else if (a === atom('exit_self')) self.exit(self.pid, b)
    else if (a === atom('throw')) throw b
    else if (a === atom('return')) return
  }
}

/** What tells of an exit signal that must not be ignored, and that one was. */
const effect = (ignored: boolean) => (ignored ? 'Alive()' : 'Comes()')

const reasons = ['normal', 'kill', 'killed', 'shutdown', '{shutdown,x}', 'boom', '{a,[1,2]}']

// Every rule of exit signals, for a process of OTP and for one of ours.
describeOtp('exit signals', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    await node.connect(erl.name)
    await loadModule(erl, puppet)
    await erl.eval('persistent_term:put(main, self()), logger:set_primary_config(level, none)')
    const maker = await openProcess(node, { name: 'maker' })
    void make(maker)
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  /** Makes a puppet for each `{make, From, Traps}`. */
  async function make(maker: Process): Promise<void> {
    try {
      for (;;) {
        const [, from, traps] = (await maker.receive()) as Tuple as unknown as [Term, Pid, boolean]
        maker.send(
          from,
          node.spawn((self) => play(self, from), { trapExit: traps }),
        )
      }
    } catch {
      // The node was closed.
    }
  }

  /** What happens in a script to a process of OTP and to one of ours, `P`, which traps exits or does not. */
  async function both(traps: boolean, script: string): Promise<[string, string]> {
    const run = (start: string) => `
      P = ${start}, M = monitor(process, P),
      Do = fun(What, Argument) -> P ! {do, What, Argument} end,
      Alive = fun() -> P ! {ping, self()}, receive {pong, P} -> alive; {'DOWN', M, process, P, _} -> down after 20000 -> nothing end end,
      Comes = fun() ->
        receive
          {got, FromItself, Reason} -> {got, FromItself, Reason, Alive()};
          {'DOWN', M, process, P, {Reason, Stack}} when is_list(Stack) -> {down, Reason};
          {'DOWN', M, process, P, Reason} -> {down, Reason}
        after 20000 -> nothing
        end
      end,
      Value = begin ${script} end,
      demonitor(M, [flush]), exit(P, kill), Value`
    const theirs = await erl.eval(run(`puppet:start(${traps})`))
    const ours = await erl.eval(
      run(`begin {maker, '${node.name}'} ! {make, self(), ${traps}}, receive N when is_pid(N) -> N end end`),
    )
    return [theirs, ours]
  }

  for (const traps of [false, true]) {
    const who = traps ? 'that traps exits' : 'that does not trap exits'

    it.each(reasons)(`exit(Pid, %s) to one ${who}`, async (reason) => {
      const [theirs, ours] = await both(traps, `exit(P, ${reason}), ${effect(!traps && reason === 'normal')}`)
      expect(ours).toBe(theirs)
    })

    it.each(reasons)(`exit(self(), %s) by one ${who}`, async (reason) => {
      const [theirs, ours] = await both(traps, `Do(exit_self, ${reason}), Comes()`)
      expect(ours).toBe(theirs)
    })

    it.each(reasons)(`exit(%s) by one linked with one ${who}`, async (reason) => {
      const [theirs, ours] = await both(
        traps,
        `Other = spawn(fun() -> receive go -> exit(${reason}) end end), O = monitor(process, Other),
         Do(link, Other), P ! {ping, self()}, receive {pong, P} -> ok end,
         Other ! go, receive {'DOWN', O, _, _, _} -> ok end, ${effect(!traps && reason === 'normal')}`,
      )
      expect(ours).toBe(theirs)
    })

    it(`a link of one ${who} with one that is gone`, async () => {
      const script = "Gone = spawn(fun() -> ok end), G = monitor(process, Gone), receive {'DOWN', G, _, _, _} -> ok end"
      const [theirs, ours] = await both(traps, `${script}, Do(link, Gone), Comes()`)
      expect(ours).toBe(theirs)
    })
  }

  it.each(reasons)('exit(%s) of a process, seen by its monitor and by who is linked with it', async (reason) => {
    const [theirs, ours] = await both(
      false,
      `process_flag(trap_exit, true), link(P), Do(exit, ${reason}),
       Linked = receive {'EXIT', P, R} -> R end, process_flag(trap_exit, false), {Comes(), Linked}`,
    )
    expect(ours).toBe(theirs)
  })

  it('what a process throws and returns', async () => {
    for (const script of ['Do(throw, value), Comes()', 'Do(throw, {a, 1}), Comes()', 'Do(return, x), Comes()']) {
      const [theirs, ours] = await both(false, script)
      expect(ours).toBe(theirs)
    }
  })

  it('no more once the link was taken away', async () => {
    const script = `
      Other = spawn(fun() -> receive go -> exit(boom) end end), O = monitor(process, Other),
      Do(link, Other), Do(unlink, Other), P ! {ping, self()}, receive {pong, P} -> ok end,
      Other ! go, receive {'DOWN', O, _, _, _} -> ok end, Alive()`
    const [theirs, ours] = await both(false, script)
    expect(ours).toBe(theirs)
  })
})
