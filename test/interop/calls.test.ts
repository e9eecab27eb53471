import { afterAll, beforeAll, expect, it } from 'vitest'
import type { From } from '../../src/process/from.ts'
import { noReply } from '../../src/process/gen-server.ts'
import { atom, isTuple, type Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, type TestNode } from '../support/scene.ts'

// What a gen_server does with these requests, without a module to compile. A new one takes the name of the one before.
const erlangServer = `
  catch unregister(server),
  Tester = self(),
  spawn(fun() ->
    register(server, self()),
    Tester ! registered,
    (fun Loop(Late) ->
      receive
        {'$gen_call', From, echo} -> gen_server:reply(From, echo), Loop(Late);
        {'$gen_call', From, {add, A, B}} -> gen_server:reply(From, A + B), Loop(Late);
        {'$gen_call', _, crash} -> exit({crashed, on_purpose});
        {'$gen_call', From, later} -> Loop(From);
        {'$gen_call', From, now} -> gen_server:reply(Late, too_late), gen_server:reply(From, done), Loop(none);
        {'$gen_cast', {From, cast}} -> From ! cast_seen, Loop(Late)
      end
    end)(none)
  end),
  receive registered -> ok end`

/** Answers `[tag, …]` requests; keeps who asked for `later`. */
function server() {
  let late: From | undefined
  return {
    handleCall(request: Term, from: From): Term | typeof noReply {
      if (request === atom('echo')) return atom('echo')
      if (request === atom('crash')) throw new Error('on purpose')
      if (request === atom('later')) {
        late = from
        return noReply
      }
      if (request === atom('now')) {
        late?.reply(atom('too_late'))
        return atom('done')
      }
      if (isTuple(request)) return (request[1] as number) + (request[2] as number)
      return noReply
    },
    handleCast(message: Term): void {
      if (isTuple(message)) cast?.(message)
    },
  }
}
let cast: ((message: Term) => void) | undefined

describeOtp('calls', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode
  const there = () => ({ name: 'server', node: erl.name })

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node()
    await node.connect(erl.name)
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  it('are answered by an Erlang server, by name and by pid', async () => {
    await erl.eval(erlangServer)
    expect(await node.call(there(), atom('echo'))).toBe(atom('echo'))
    expect(await node.call(there(), tuple(atom('add'), 2, 3))).toBe(5)
    const inbox = await openProcess(node)
    inbox.send(there(), tuple(atom('$gen_cast'), tuple(inbox.pid, atom('cast'))))
    expect(await inbox.receive()).toBe(atom('cast_seen'))
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => node.call(there(), tuple(atom('add'), i, i))),
    )
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i))
  })

  it('time out, and their late replies are dropped', async () => {
    await erl.eval(erlangServer)
    const self = await openProcess(node)
    await expect(self.call(there(), atom('later'), { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await self.call(there(), atom('now'))).toBe(atom('done'))
    expect(self.mailboxLength).toBe(0)
  })

  it('reject with the exit reason of the server, with noproc, and with their signal', async () => {
    await erl.eval(erlangServer)
    const aborted = new AbortController()
    const waiting = node.call(there(), atom('later'), { signal: aborted.signal })
    aborted.abort(new Error('never mind'))
    await expect(waiting).rejects.toThrow('never mind')
    const reason = tuple(atom('crashed'), atom('on_purpose'))
    await expect(node.call(there(), atom('crash'))).rejects.toMatchObject({ code: 'ERR_CALL_EXIT', reason })
    await expect(node.call(there(), atom('echo'))).rejects.toMatchObject({ code: 'ERR_NOPROC' })
    const nowhere = { name: 'server', node: scene.name('nobody') }
    await expect(node.call(nowhere, atom('echo'))).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
  })

  it('come from Erlang and are answered', async () => {
    const ref = await node.start(server(), { name: 'server' })
    const here = `{server, '${node.name}'}`
    expect(await erl.eval(`{gen_server:call(${here}, echo), gen_server:call(${here}, {add, 2, 3})}`)).toBe('{echo,5}')
    const asked = new Promise<Term>((resolve) => {
      cast = resolve
    })
    expect(await erl.eval(`gen_server:cast(${here}, {cast, self()})`)).toBe('ok')
    const pid = ((await asked) as Term[])[1] as Pid
    expect(pid.node).toBe(erl.name)
    const inbox = await openProcess(node, { name: 'inbox' })
    inbox.send(pid, ref.pid)
    expect(await erl.eval('receive P -> gen_server:call(P, echo) end')).toBe('echo')
    // As rpc:multicall does: many servers at once.
    expect(await erl.eval(`gen_server:multi_call(['${node.name}'], server, echo)`)).toBe(`{[{'${node.name}',echo}],[]}`)
  })

  it('time out there, and our late reply reaches no mailbox', async () => {
    const here = `{server, '${node.name}'}`
    expect(
      await erl.eval(`
        Timeout = (catch gen_server:call(${here}, later, 50)),
        done = gen_server:call(${here}, now),
        {element(1, element(2, Timeout)), process_info(self(), messages)}`),
    ).toBe('{timeout,{messages,[]}}')
  })

  it('exit there with the reason of our server, and with noproc', async () => {
    const here = `{server, '${node.name}'}`
    const crash = await erl.eval(`catch gen_server:call(${here}, crash)`)
    expect(crash).toMatch(/^\{'EXIT',\{\{.*on purpose/)
    expect(crash).toContain(`{gen_server,call,[{server,'${node.name}'},crash]}`)
    expect(await erl.eval(`catch gen_server:call(${here}, echo)`)).toMatch(/^\{'EXIT',\{noproc,/)
    expect(node.log.messages('error').filter((line) => line.includes('on purpose'))).toHaveLength(1)
  })

  it('reject on both sides when the node of the server is killed', async () => {
    const victim = await scene.erl()
    await victim.eval(erlangServer)
    const call = node.call({ name: 'server', node: victim.name }, atom('later'), { timeout: Number.POSITIVE_INFINITY })
    const rejected = expect(call).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
      reason: tuple(atom('nodedown'), atom(victim.name)),
    })
    await nextEvent(node, 'nodeup', victim.name)
    const down = nextEvent(node, 'nodedown', victim.name)
    victim.kill()
    await rejected
    expect((await down)[1].reason).toBe('connection_closed')

    const own = await scene.node()
    let reached: () => void
    const asked = new Promise<void>((resolve) => {
      reached = resolve
    })
    const handleCall = (): typeof noReply => {
      reached()
      return noReply
    }
    await own.start({ handleCall }, { name: 'server' })
    expect(await erl.eval(`net_adm:ping('${own.name}')`)).toBe('pong')
    const exit = erl.eval(`catch gen_server:call({server, '${own.name}'}, echo, infinity)`)
    await asked
    await own.disconnect(erl.name)
    expect(await exit).toMatch(new RegExp(`^\\{'EXIT',\\{\\{nodedown,'${own.name}'\\},`))
  })
})
