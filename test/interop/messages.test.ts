import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import { atom, isTuple, Pid, Reference, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'

const registerMain = 'catch unregister(main), register(main, self())'

describeOtp('messages', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode
  let self: Process

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    self = await openProcess(node, { name: 'inbox' })
    await node.connect(erl.name)
    await erl.eval(registerMain)
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  it('go to a name, and back to the pid that came along', async () => {
    self.send({ name: 'main', node: erl.name }, tuple(self.pid, 'hello'))
    expect(await erl.eval('receive {P, M} -> P ! {self(), M, node(P)}, M end')).toBe('<<"hello">>')
    const [from, text, name] = (await self.receive()) as [Pid, string, Term]
    expect([text, name]).toEqual(['hello', atom(node.name)])
    expect(from.node).toBe(erl.name)
    self.send(from, tuple(atom('again'), 1.5, { a: [1, 2] }))
    expect(await erl.eval('receive M -> M end')).toBe('{again,1.5,#{a => [1,2]}}')
  })

  it('come to a name', async () => {
    expect(await erl.eval(`{inbox, '${node.name}'} ! {self(), 42}, ok`)).toBe('ok')
    const [from, answer] = (await self.receive()) as [Pid, number]
    expect(from).toBeInstanceOf(Pid)
    expect(answer).toBe(42)
  })

  it('come to an alias, until it is gone', async () => {
    const alias = self.alias()
    self.send({ name: 'main', node: erl.name }, alias)
    await erl.eval('receive R when is_reference(R) -> put(alias, R), R ! first end')
    expect(await self.receive()).toBe(atom('first'))
    self.unalias(alias)
    await erl.eval(`get(alias) ! second, {inbox, '${node.name}'} ! third, ok`)
    expect(await self.receive()).toBe(atom('third'))
  })

  it('go to an alias, until it is gone', async () => {
    await erl.eval(`A = alias(), put(alias, A), {inbox, '${node.name}'} ! A, ok`)
    const alias = (await self.receive()) as Reference
    expect(alias).toBeInstanceOf(Reference)
    self.send(alias, 1)
    expect(await erl.eval('receive M -> M end')).toBe('1')
    await erl.eval('unalias(get(alias))')
    self.send(alias, 2)
    self.send({ name: 'main', node: erl.name }, 3)
    expect(await erl.eval('receive M -> M end')).toBe('3')
  })

  it('to nobody vanish, and what follows them arrives', async () => {
    const gone = new Pid(erl.name, 999_999, 0, 1)
    for (const to of [{ name: 'nobody', node: erl.name }, gone] as const) self.send(to, 'lost')
    self.send({ name: 'main', node: erl.name }, 'found')
    expect(await erl.eval('receive M -> M end')).toBe('<<"found">>')
    await erl.eval(`{nobody, '${node.name}'} ! lost, {inbox, '${node.name}'} ! found, ok`)
    expect(await self.receive()).toBe(atom('found'))
  })

  it('are casts too', async () => {
    self.cast({ name: 'main', node: erl.name }, atom('go'))
    expect(await erl.eval('receive M -> M end')).toBe("{'$gen_cast',go}")
  })

  it('dial the node they are for', async () => {
    const other = await scene.erl()
    await other.eval(registerMain)
    self.send({ name: 'main', node: other.name }, 1)
    self.send({ name: 'main', node: other.name }, 2)
    expect(await other.eval('receive A -> receive B -> {A, B} end end')).toBe('{1,2}')
    const third = await scene.node()
    const inbox = await openProcess(third, { name: 'inbox' })
    await other.eval(`{inbox, '${third.name}'} ! {self(), from_afar}, ok`)
    expect(((await inbox.receive()) as Term[])[1]).toBe(atom('from_afar'))
  })

  it('keep their order, however many there are, both ways', async () => {
    const count = 20_000
    const sum = erl.eval(`(fun L(${count}) -> ordered; L(N) -> receive N -> L(N + 1) end end)(0)`)
    for (let i = 0; i < count; i++) {
      if (!self.send({ name: 'main', node: erl.name }, i)) await node.drained(erl.name)
    }
    expect(await sum).toBe('ordered')
    await erl.eval(`[{inbox, '${node.name}'} ! N || N <- lists:seq(0, ${count - 1})], ok`)
    for (let i = 0; i < count; i++) if ((await self.receive()) !== i) expect.unreachable(`message ${i} is out of order`)
  })

  it('arrive in an echo process and come back, with its pid', async () => {
    await erl.eval('register(echo, spawn(fun E() -> receive {P, M} -> P ! {self(), M} end, E() end))')
    self.send({ name: 'echo', node: erl.name }, tuple(self.pid, atom('ping')))
    const reply = await self.receive()
    expect(isTuple(reply) && reply[1]).toBe(atom('ping'))
    const ours = node.spawn(async (me) => {
      for await (const message of me) if (isTuple(message)) me.send(message[0] as Pid, tuple(me.pid, message[1]))
    })
    node.register('echo', ours)
    expect(await erl.eval(`{echo, '${node.name}'} ! {self(), ping}, receive {P, M} -> {node(P), M} end`)).toBe(
      `{'${node.name}',ping}`,
    )
  })
})

describeOtp(
  'messages with Elixir',
  (release) => {
    it('go to names and pids both ways', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      const self = await openProcess(node, { name: 'Elixir.Inbox' })
      await elixir.eval('Process.register(self(), Main)')
      await elixir.eval(`send({Inbox, :"${node.name}"}, {self(), %{text: "grüße", list: [1, nil]}})`)
      const [from, message] = (await self.receive()) as [Pid, Term]
      expect(message).toEqual({ text: 'grüße', list: [1, null] })
      self.send(from, { ok: true })
      self.send({ name: 'Elixir.Main', node: elixir.name }, tuple(atom('ok'), null))
      expect(await elixir.eval('receive do m -> receive do n -> {m, n} end end')).toBe('{%{ok: true}, {:ok, nil}}')
    })
  },
  { elixir: true },
)
