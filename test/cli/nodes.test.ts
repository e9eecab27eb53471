import { afterAll, beforeAll, expect, it } from 'vitest'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, type TestNode } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'
import { runCommand } from './support.ts'

let scene: Scene
const run = (...args: string[]) => runCommand([...args, '--cookie', 'secret'], { epmdPort: scene.epmdPort })

/** What holds for every kind of node. */
function visits(node: () => { readonly name: string }): void {
  it('ping: pong, and pang with the reason', async () => {
    const { name } = node()
    const pong = await run('ping', name)
    expect(pong.text).toMatch(new RegExp(`^pong from ${name} in [\\d.]+ ms$`))
    expect(pong.code).toBe(0)
    const wrong = await runCommand(['ping', name, '--cookie', 'wrong', '--json'], { epmdPort: scene.epmdPort })
    expect(JSON.parse(wrong.text)).toMatchObject({ node: name, answer: 'pang', code: 'ERR_CONNECT_COOKIE' })
    expect(wrong.text).not.toContain('secret')
    expect(wrong.code).toBe(1)
  })

  it('call: the reply, no such process, no reply in time', async () => {
    const { name } = node()
    const reply = await run('call', name, 'echo', '{temperature, 1.0, #{a => <<"hi">>}, [1, 2]}', '--json')
    expect(JSON.parse(reply.text)).toEqual({
      node: name,
      name: 'echo',
      reply: '{temperature,1.0,#{a => <<"hi">>},[1,2]}',
    })
    expect(reply.code).toBe(0)
    const nobody = await run('call', name, 'nobody', 'ping')
    expect(nobody.text).toContain(`call to nobody on ${name}: no such process`)
    expect(nobody.code).toBe(1)
    const late = await run('call', name, 'mute', 'ping', '--timeout', '1500')
    expect(late.text).toContain('no reply within 1500 ms')
    expect(late.code).toBe(1)
  })

  it('send: fails where nobody has the name', async () => {
    const { code, text } = await run('send', node().name, 'nobody', 'ping')
    expect(text).toContain(`no process is registered as nobody on ${node().name}`)
    expect(code).toBe(1)
  })
}

describeTools('visiting a node of ours', ['epmd'], () => {
  let node: TestNode
  let other: TestNode
  const received: Term[] = []

  beforeAll(async () => {
    scene = await Scene.open()
    node = await scene.node({ floats: 'exact' })
    other = await scene.node({ connectTo: node.name })
    await node.ready()
    await node.start({ handleCall: (request: Term) => request }, { name: 'echo' })
    node.spawn((self) => self.receive(() => false, { timeout: Number.POSITIVE_INFINITY }), { name: 'mute' })
    const inbox = async (self: AsyncIterable<Term>) => {
      for await (const message of self) received.push(message)
    }
    node.spawn(inbox, { name: 'inbox' })
  })
  afterAll(async () => await scene[Symbol.asyncDispose]())

  visits(() => node)

  it('send: small and big messages arrive before it says so', async () => {
    const { code, text } = await run('send', node.name, 'inbox', '{hello, [1, <<"two">>]}')
    expect(text).toBe(`sent to inbox on ${node.name}`)
    expect(code).toBe(0)
    const big = 'x'.repeat(100_000)
    expect((await run('send', node.name, 'inbox', `<<"${big}">>`)).code).toBe(0)
    expect(received).toEqual([tuple(atom('hello'), [1, 'two']), big])
  })

  it('rpc: exposed functions, and no other', async () => {
    node.expose('Elixir.Math', {
      add: (x, y) => x + y,
      toss: () => {
        throw atom('ball')
      },
    })
    const sum = await run('rpc', node.name, 'Elixir.Math:add', '[1, 2]')
    expect(sum.text).toBe('3')
    expect(sum.code).toBe(0)
    const raised = await run('rpc', node.name, 'Elixir.Math:toss')
    expect(raised.text).toContain(`rpc to ${node.name}: 'Elixir.Math':toss/0 threw ball`)
    expect(raised.code).toBe(1)
    const undefinedThere = await run('rpc', node.name, 'erlang:halt', '--json')
    expect(JSON.parse(undefinedThere.text).error).toMatchObject({ code: 'ERR_RPC_UNDEF' })
    expect(undefinedThere.code).toBe(1)
  })

  it('nodes: whom it is connected to, without the one that asks', async () => {
    const { code, text } = await run('nodes', node.name, '--json')
    expect(JSON.parse(text)).toEqual({ node: node.name, visible: [], hidden: [other.name] })
    expect(code).toBe(0)
  })

  it('leaves no trace: guests are not registered, and gone when they are done', async () => {
    const names = await run('ping', node.name)
    expect(names.code).toBe(0)
    await expect.poll(() => node.nodes()).toEqual([other.name])
    const listed = await runCommand(['names', '--json'], { epmdPort: scene.epmdPort })
    const alive = [node.name, other.name].map((name) => name.split('@')[0]).sort()
    expect(JSON.parse(listed.text).names.map(({ name }: { name: string }) => name)).toEqual(alive)
  })

  it('does without EPMD where it is given a port', async () => {
    const { code } = await runCommand(['ping', `${node.name}:${node.listening?.port}`, '--cookie', 'secret'])
    expect(code).toBe(0)
  })

  it('says that the EPMD does not know a node', async () => {
    const { code, text } = await run('call', 'nobody@127.0.0.1', 'x', 'y')
    expect(text).toContain('knows no node "nobody"')
    expect(text).toContain('tsunagi names')
    expect(code).toBe(1)
  })
})

describeOtp('visiting an Erlang node', (release) => {
  let erl: OtpNode

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    await erl.eval(`register(echo, spawn(fun F() -> receive
      {'$gen_call', From, Request} -> gen:reply(From, Request), F() end end))`)
    await erl.eval('register(mute, spawn(fun() -> receive never -> ok end end))')
    await erl.eval('register(inbox, self())')
  })
  afterAll(async () => await scene[Symbol.asyncDispose]())

  visits(() => erl)

  it('send: the message is there', async () => {
    expect((await run('send', erl.name, 'inbox', '{hello, 1.0, <<"two">>}')).code).toBe(0)
    expect(await erl.eval('receive {hello, _, _} = M -> M end')).toBe('{hello,1.0,<<"two">>}')
  })

  it('rpc: what a function returns, raises, or does not in time', async () => {
    const sum = await run('rpc', erl.name, 'lists:sum', '[[1, 2, 3]]')
    expect(sum.text).toBe('6')
    expect(sum.code).toBe(0)
    const exact = await run('rpc', erl.name, 'erlang:float', '[1]', '--json')
    expect(JSON.parse(exact.text)).toEqual({ node: erl.name, module: 'erlang', function: 'float', result: '1.0' })
    const raised = await run('rpc', erl.name, 'erlang:div', '[1, 0]')
    expect(raised.text).toContain("erlang:'div'/2 raised badarith")
    expect(raised.code).toBe(1)
    const late = await run('rpc', erl.name, 'timer:sleep', '[infinity]', '--timeout', '1500')
    expect(late.text).toContain('no answer within 1500 ms')
    expect(late.code).toBe(1)
  })

  it('nodes: visible and hidden ones, without the one that asks', async () => {
    const visible = await scene.erl()
    const hidden = await scene.node()
    await erl.eval(`net_adm:ping('${visible.name}')`)
    expect(await hidden.ping(erl.name)).toBe('pong')
    const { text } = await run('nodes', erl.name)
    expect(text).toMatch(new RegExp(`^${visible.name} +visible\n${hidden.name} +hidden$`))
  })

  it('names: those in Erlang’s own EPMD', async () => {
    const { code, text } = await runCommand(['names'], { epmdPort: scene.epmdPort })
    expect(text).toMatch(new RegExp(`^${erl.name.split('@')[0]} +\\d+$`, 'm'))
    expect(code).toBe(0)
  })

  it('connects to short names too', async () => {
    const short = await scene.erl({ sname: 'shorty@localhost' })
    expect((await run('ping', short.name)).text).toContain('pong')
  })
})
