import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ExitError } from '../../src/process/exit-reason.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, type Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'

const EXIT = atom('EXIT')
const BOOM = atom('boom')
const NOPROC = atom('noproc')
const NOCONNECTION = atom('noconnection')

const down = (ref: Term, object: Term, reason: Term): Term => tuple(atom('DOWN'), ref, atom('process'), object, reason)

/** Waits until a process has ended. */
function reasonOf({ signal }: Process): Promise<Term> {
  return new Promise((resolve) => {
    const ended = (): void => resolve((signal.reason as ExitError).reason)
    if (signal.aborted) ended()
    else signal.addEventListener('abort', ended, { once: true })
  })
}

// The exit rules, seen from both sides: what real processes do is the oracle.
describeOtp('processes', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode
  /** Starts a process there that does nothing, and brings its pid here. */
  let there: (traps?: boolean) => Promise<Pid>

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    await node.connect(erl.name)
    const inbox = await openProcess(node, { name: 'inbox' })
    there = async (traps = false) => {
      await erl.eval(`
        catch exit(whereis(other), kill),
        {inbox, '${node.name}'} ! spawn(fun() ->
          catch unregister(other), register(other, self()), process_flag(trap_exit, ${traps}),
          (fun Loop(Seen) -> receive {seen, From} -> From ! {seen, Seen}, Loop([]); M -> Loop([M | Seen]) end end)([])
        end)`)
      return (await inbox.receive()) as Pid
    }
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  /** What the last process `there` got, as Erlang prints it. */
  const seen = () => erl.eval('other ! {seen, self()}, receive {seen, S} -> S end')
  /** Brings a pid of ours there, under a name. */
  const bring = async (pid: Pid) => {
    const inbox = await erl.eval('catch unregister(shell), register(shell, self())')
    expect(inbox).toBe('true')
    node.send({ name: 'shell', node: erl.name }, tuple(atom('pid'), pid))
  }

  it('linked from here end with those there, and tell them how they ended', async () => {
    const pid = await there()
    const [self, trapping] = [await openProcess(node), await openProcess(node, { trapExit: true })]
    self.link(pid)
    trapping.link(pid)
    trapping.exit(pid, BOOM)
    expect(await trapping.receive()).toEqual(tuple(EXIT, pid, BOOM))
    expect(await reasonOf(self)).toBe(BOOM)

    const other = await there(true)
    const third = await openProcess(node)
    third.link(other)
    third.send(other, atom('after_the_link'))
    node.exit(third.pid, atom('kill'))
    await expect.poll(seen).toMatch(/^\[\{'EXIT',<.*>,killed\},after_the_link\]$/)
  })

  it('linked from there end with ours, and the other way round', async () => {
    const self = await openProcess(node)
    await bring(self.pid)
    const reason = await erl.eval(`
      receive {pid, P} -> process_flag(trap_exit, true), link(P), exit(P, boom),
      receive {'EXIT', P, R} -> R end end`)
    expect(reason).toBe('boom')

    const trapping = await openProcess(node, { trapExit: true })
    await bring(trapping.pid)
    await erl.eval('receive {pid, P} -> spawn(fun() -> link(P), exit(over) end) end')
    expect(await trapping.receive()).toMatchObject([EXIT, expect.anything(), atom('over')])
  })

  it('unlinked from either side do not end', async () => {
    const pid = await there(true)
    const self = await openProcess(node)
    self.link(pid)
    self.unlink(pid)
    self.link(pid)
    self.unlink(pid)
    await bring(self.pid)
    expect(await erl.eval('receive {pid, P} -> link(P), unlink(P), link(P), unlink(P) end')).toBe('true')
    const ref = self.monitor(pid)
    node.exit(pid, atom('kill'))
    expect(await self.receive()).toEqual(down(ref, pid, atom('killed')))
    expect(self.signal.aborted).toBe(false)
  })

  it('linked or monitored that are not there answer noproc', async () => {
    const pid = await there()
    const self = await openProcess(node, { trapExit: true })
    const first = self.monitor(pid)
    self.exit(pid, atom('kill'))
    expect(await self.receive()).toEqual(down(first, pid, atom('killed')))
    self.link(pid)
    expect(await self.receive()).toEqual(tuple(EXIT, pid, NOPROC))
    const refs = [self.monitor(pid), self.monitor({ name: 'nobody', node: erl.name })]
    expect(await self.receive()).toEqual(down(refs[0], pid, NOPROC))
    expect(await self.receive()).toEqual(down(refs[1], tuple(atom('nobody'), atom(erl.name)), NOPROC))

    const gone = await openProcess(node)
    await bring(gone.pid)
    node.exit(gone.pid, BOOM)
    expect(
      await erl.eval(`
        receive {pid, P} ->
          process_flag(trap_exit, true), link(P), R1 = receive {'EXIT', P, A} -> A end,
          M1 = monitor(process, P), R2 = receive {'DOWN', M1, process, P, B} -> B end,
          M2 = monitor(process, {nobody, '${node.name}'}),
          R3 = receive {'DOWN', M2, process, {nobody, '${node.name}'}, C} -> C end,
          {R1, R2, R3}
        end`),
    ).toBe('{noproc,noproc,noproc}')
  })

  it('monitored from there fire with what ours threw, by pid and by name, and not once demonitored', async () => {
    const boom = node.spawn(
      async (self) => {
        await self.receive()
        throw new TypeError('no such sensor')
      },
      { name: 'sensor' },
    )
    await bring(boom)
    const reasons = await erl.eval(`
      receive {pid, P} ->
        M1 = monitor(process, P), M2 = monitor(process, {sensor, '${node.name}'}), M3 = monitor(process, P),
        demonitor(M3), P ! go,
        R1 = receive {'DOWN', M1, process, P, A} -> A end,
        R2 = receive {'DOWN', M2, process, {sensor, '${node.name}'}, B} -> B end,
        {{'TypeError', Text}, [{_, _, 0, Where} | _]} = R1,
        {R1 =:= R2, Text, proplists:get_value(file, Where), process_info(self(), messages)}
      end`)
    expect(reasons).toBe('{true,<<"no such sensor">>,"otp.test.ts",{messages,[]}}')
  })

  it('trapping exits get exit/2 from there as messages, but for kill', async () => {
    const self = await openProcess(node, { trapExit: true })
    await bring(self.pid)
    expect(await erl.eval('receive {pid, P} -> exit(P, normal), exit(P, boom), put(p, P), ok end')).toBe('ok')
    expect(await self.receive()).toMatchObject([EXIT, expect.anything(), atom('normal')])
    expect(await self.receive()).toMatchObject([EXIT, expect.anything(), BOOM])
    await bring(self.pid)
    expect(
      await erl.eval(
        'receive {pid, P} -> M = monitor(process, P), exit(P, kill), receive {_, M, _, _, R} -> R end end',
      ),
    ).toBe('killed')
  })

  it('have aliases that work from there', async () => {
    const self = await openProcess(node)
    const alias = self.alias({ once: true })
    await bring(self.pid)
    self.send({ name: 'shell', node: erl.name }, tuple(atom('alias'), alias))
    expect(await erl.eval('receive {pid, P} -> receive {alias, A} -> A ! one, A ! two, P ! three end end')).toBe(
      'three',
    )
    expect(await self.receive()).toBe(atom('one'))
    expect(await self.receive()).toBe(atom('three'))
  })

  it('that are servers stop for sys:terminate and gen_server:stop, and answer what sys asks', async () => {
    const ends: Term[] = []
    const server = await node.start({ terminate: (reason) => void ends.push(reason) })
    await bring(server.pid)
    expect(
      await erl.eval(`
        receive {pid, P} ->
          {'EXIT', {{unknown_system_msg, _}, _}} = (catch sys:replace_state(P, fun(S) -> S end)),
          M = monitor(process, P),
          Stopped = gen_server:stop(P, shutdown, 5000),
          {Stopped, receive {'DOWN', M, _, _, R} -> R end}
        end`),
    ).toBe('{ok,shutdown}')
    expect(ends).toEqual([atom('shutdown')])
  })

  it('hear noconnection on both sides when the link goes down', async () => {
    const pid = await there(true)
    const self = await openProcess(node, { trapExit: true })
    self.link(pid)
    const ref = self.monitor(pid)
    await bring(self.pid)
    await erl.eval(`
      receive {pid, P} ->
        catch exit(whereis(watcher), kill),
        spawn(fun() ->
          register(watcher, self()), M = monitor(process, P),
          receive {'DOWN', M, _, _, R} -> receive {ask, From} -> From ! R end end
        end)
      end`)
    const call = node.call({ name: 'other', node: erl.name }, 1)
    await Promise.all([
      expect(call).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' }),
      erl.eval(`erlang:disconnect_node('${node.name}')`),
    ])
    const got = [await self.receive(), await self.receive()]
    expect(got).toContainEqual(tuple(EXIT, pid, NOCONNECTION))
    expect(got).toContainEqual(down(ref, pid, NOCONNECTION))
    expect(await erl.eval('watcher ! {ask, self()}, receive R -> R end')).toBe('noconnection')
    await expect.poll(seen).toMatch(/\{'EXIT',<.*>,noconnection\}/)
    await node.connect(erl.name)
  })
})
