import { expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import { atom, type Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, type TestNode } from '../support/scene.ts'

const EXIT = atom('EXIT')
const DOWN = atom('DOWN')

interface Pair {
  readonly erl: OtpNode
  readonly node: TestNode
  /** Ours; the evaluator of `erl` is registered there as `main`. */
  readonly self: Process
}

async function pair(scene: Scene, options: { trapExit?: boolean } = {}): Promise<Pair> {
  const erl = await scene.erl()
  const node = await scene.node()
  const self = await openProcess(node, { name: 'inbox', ...options })
  await node.connect(erl.name)
  await erl.eval('register(main, self()), process_flag(trap_exit, true)')
  return { erl, node, self }
}

/** A process of `erl` that waits for `{exit, Reason}`; tells us its pid. */
async function theirProcess({ erl, node, self }: Pair): Promise<Pid> {
  await erl.eval(`{inbox, '${node.name}'} ! spawn(fun() -> receive {exit, Reason} -> exit(Reason) end end), ok`)
  return (await self.receive()) as Pid
}

/** Gives `erl` a pid of ours as `get(theirs)`. */
async function tell({ erl, self }: Pair, pid: Pid): Promise<void> {
  self.send({ name: 'main', node: erl.name }, tuple(atom('pid'), pid))
  await erl.eval('receive {pid, P} -> put(theirs, P) end')
}

/** Waits until the other side has handled all that we sent so far: signals of a pair of processes keep their order. */
async function settled({ erl, self }: Pair): Promise<void> {
  self.send({ name: 'main', node: erl.name }, atom('settled'))
  await erl.eval('receive settled -> ok end')
}

/** Waits until we have handled all that `erl` sent so far. */
async function arrived({ erl, node, self }: Pair): Promise<void> {
  await erl.eval(`{inbox, '${node.name}'} ! arrived, ok`)
  await self.receive((message) => message === atom('arrived'))
}

describeOtp('links', (release) => {
  it('tell ours how theirs ended', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene, { trapExit: true })
    const { self } = both
    for (const reason of ['normal', 'shutdown', 'oops'] as const) {
      const theirs = await theirProcess(both)
      self.link(theirs)
      self.send(theirs, tuple(atom('exit'), atom(reason)))
      expect(await self.receive()).toEqual(tuple(EXIT, theirs, atom(reason)))
    }
    const gone = await theirProcess(both)
    self.exit(gone, atom('kill'))
    self.link(gone)
    expect(await self.receive()).toEqual(tuple(EXIT, gone, atom('noproc')))
  })

  it('tell theirs how ours ended', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene)
    const { erl, node } = both
    const ours = await openProcess(node)
    await tell(both, ours.pid)
    await erl.eval('link(get(theirs))')
    await arrived(both)
    node.exit(ours.pid, tuple(atom('gone'), 1))
    expect(await erl.eval("receive {'EXIT', P, Reason} -> {P =:= get(theirs), Reason} end")).toBe('{true,{gone,1}}')
    await erl.eval('link(get(theirs))')
    expect(await erl.eval("receive {'EXIT', P, Reason} -> {P =:= get(theirs), Reason} end")).toBe('{true,noproc}')
  })

  it('end the process that does not trap exits, on both sides', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene)
    const { erl, node, self } = both
    const victim = await openProcess(node)
    const theirs = await theirProcess(both)
    victim.link(theirs)
    const ended = new Promise((resolve) => victim.signal.addEventListener('abort', resolve))
    self.send(theirs, tuple(atom('exit'), atom('oops')))
    await ended
    expect(victim.signal.reason).toMatchObject({ code: 'ERR_EXIT', reason: atom('oops') })

    const ours = await openProcess(node)
    await tell(both, ours.pid)
    await erl.eval(`
      Ours = get(theirs),
      Main = self(),
      {Linked, _} = spawn_monitor(fun() -> link(Ours), Main ! linked, receive never -> ok end end),
      put(linked, Linked),
      receive linked -> ok end`)
    expect(await erl.eval('process_info(get(linked), links) =:= {links, [get(theirs)]}')).toBe('true')
    await arrived(both)
    node.exit(ours.pid, atom('oops'))
    expect(await erl.eval("receive {'DOWN', _, process, _, Reason} -> Reason end")).toBe('oops')
  })

  it('are taken away again', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene, { trapExit: true })
    const { erl, node, self } = both
    const theirs = await theirProcess(both)
    self.link(theirs)
    self.unlink(theirs)
    self.send(theirs, tuple(atom('exit'), atom('oops')))
    self.monitor(theirs)
    expect(((await self.receive()) as Term[])[0]).toBe(DOWN)
    expect(self.mailboxLength).toBe(0)

    const ours = await openProcess(node)
    await tell(both, ours.pid)
    await erl.eval('link(get(theirs)), unlink(get(theirs)), put(ref, monitor(process, get(theirs))), ok')
    await arrived(both)
    node.exit(ours.pid, atom('oops'))
    expect(
      await erl.eval("Ref = get(ref), receive {'DOWN', Ref, process, _, _} -> process_info(self(), messages) end"),
    ).toBe('{messages,[]}')
  })

  it('carry exit/2 both ways', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene, { trapExit: true })
    const { erl, node, self } = both
    await tell(both, self.pid)
    await erl.eval('exit(get(theirs), please)')
    expect((await self.receive()) as Term[]).toMatchObject({ 0: EXIT, 2: atom('please') })
    const doomed = await openProcess(node, { trapExit: true })
    const ended = new Promise((resolve) => doomed.signal.addEventListener('abort', resolve))
    await tell(both, doomed.pid)
    await erl.eval('exit(get(theirs), kill)')
    await ended
    expect(doomed.signal.reason).toMatchObject({ reason: atom('killed') })

    await erl.eval(`{inbox, '${node.name}'} ! self(), ok`)
    const main = (await self.receive()) as Pid
    self.exit(main, tuple(atom('please'), [1]))
    expect(await erl.eval("receive {'EXIT', P, Reason} -> {P =:= get(theirs), node(P), Reason} end")).toBe(
      `{false,'${node.name}',{please,[1]}}`,
    )
  })

  it('break when the node goes, on both sides', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene, { trapExit: true })
    const { erl, node, self } = both
    const theirs = await theirProcess(both)
    self.link(theirs)
    const ref = self.monitor({ name: 'main', node: erl.name })
    await tell(both, self.pid)
    await erl.eval('link(get(theirs)), put(ref, monitor(process, get(theirs))), ok')
    await settled(both)
    await arrived(both)
    await node.disconnect(erl.name)
    const messages = [await self.receive(), await self.receive()] as Term[][]
    expect(messages).toContainEqual(tuple(EXIT, theirs, atom('noconnection')))
    expect(messages.find((message) => message[0] === DOWN)).toMatchObject({ 1: ref, 4: atom('noconnection') })
    expect(
      await erl.eval(`
        Ref = get(ref), Ours = get(theirs),
        receive {'EXIT', Ours, A} -> receive {'DOWN', Ref, process, Ours, B} -> {A, B} end end`),
    ).toBe('{noconnection,noconnection}')
  })
})

describeOtp('monitors', (release) => {
  it('tell ours how theirs ended, by pid and by name', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene)
    const { erl, node, self } = both
    const theirs = await theirProcess(both)
    const ref = self.monitor(theirs)
    self.send(theirs, tuple(atom('exit'), tuple(atom('because'), 'text')))
    expect(await self.receive()).toEqual(tuple(DOWN, ref, atom('process'), theirs, tuple(atom('because'), 'text')))
    const again = self.monitor(theirs)
    expect(await self.receive()).toEqual(tuple(DOWN, again, atom('process'), theirs, atom('noproc')))

    await erl.eval('register(named, spawn(fun() -> receive {exit, Reason} -> exit(Reason) end end))')
    const named = self.monitor({ name: 'named', node: erl.name })
    self.send({ name: 'named', node: erl.name }, tuple(atom('exit'), atom('shutdown')))
    const who = tuple(atom('named'), atom(erl.name))
    expect(await self.receive()).toEqual(tuple(DOWN, named, atom('process'), who, atom('shutdown')))

    const nowhere = scene.name('nobody')
    const lost = self.monitor({ name: 'named', node: nowhere })
    const whom = tuple(atom('named'), atom(nowhere))
    expect(await self.receive()).toEqual(tuple(DOWN, lost, atom('process'), whom, atom('noconnection')))
    expect(node.nodes()).toEqual([erl.name])
  })

  it('tell theirs how ours ended, by pid and by name', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene)
    const { erl, node } = both
    const ours = await openProcess(node, { name: 'named' })
    await tell(both, ours.pid)
    await erl.eval(`put(a, monitor(process, get(theirs))), put(b, monitor(process, {named, '${node.name}'})), ok`)
    await erl.eval(`put(c, monitor(process, get(theirs))), demonitor(get(c)), {named, '${node.name}'} ! seen, ok`)
    expect(await ours.receive()).toBe(atom('seen'))
    node.exit(ours.pid, atom('done'))
    const down = (key: string) => `(fun(R) -> receive {'DOWN', R, process, W, X} -> {W, X} end end)(get(${key}))`
    expect(await erl.eval(`{element(2, ${down('a')}), ${down('b')}}`)).toBe(`{done,{{named,'${node.name}'},done}}`)
    await erl.eval('put(a, monitor(process, get(theirs)))')
    expect(await erl.eval(`element(2, ${down('a')})`)).toBe('noproc')
    expect(await erl.eval('process_info(self(), messages)')).toBe('{messages,[]}')
  })

  it('fire on both sides when a node is killed', async () => {
    await using scene = await Scene.open(release)
    const both = await pair(scene)
    const { erl, node, self } = both
    const theirs = await theirProcess(both)
    const ref = self.monitor(theirs)
    await settled(both)
    const down = nextEvent(node, 'nodedown', erl.name)
    erl.kill()
    expect(await self.receive()).toEqual(tuple(DOWN, ref, atom('process'), theirs, atom('noconnection')))
    await down
  })
})

describeOtp(
  'links and monitors with Elixir',
  (release) => {
    it('hold both ways', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      const self = await openProcess(node, { name: 'inbox', trapExit: true })
      await elixir.eval(`
        {:ok, agent} = Agent.start(fn -> 42 end)
        Process.flag(:trap_exit, true)
        send({:inbox, :"${node.name}"}, {agent, self()})`)
      const [agent, main] = (await self.receive()) as [Pid, Pid]
      self.link(agent)
      const ref = self.monitor(agent)
      self.send(main, self.pid)
      await elixir.eval('receive do pid -> Process.put(:pid, pid); Process.link(pid); Process.monitor(pid) end')
      self.exit(agent, atom('shutdown'))
      const messages = [await self.receive(), await self.receive()]
      expect(messages).toContainEqual(tuple(EXIT, agent, atom('shutdown')))
      expect(messages).toContainEqual(tuple(DOWN, ref, atom('process'), agent, atom('shutdown')))
      await elixir.eval(`send({:inbox, :"${node.name}"}, :linked)`)
      expect(await self.receive()).toBe(atom('linked'))
      node.exit(self.pid, atom('kill'))
      expect(
        await elixir.eval(`
          pid = Process.get(:pid)
          receive do {:EXIT, ^pid, a} -> receive do {:DOWN, _, :process, ^pid, b} -> {a, b} end end`),
      ).toBe('{:killed, :killed}')
    })
  },
  { elixir: true },
)
