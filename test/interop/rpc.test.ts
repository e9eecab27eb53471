import { expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'

describeOtp('what our node does not offer', (release) => {
  it('is refused at once and never leaves anybody waiting', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    await node.connect(erl.name)
    const to = (expression: string) => erl.eval(expression.replaceAll('TS', `'${node.name}'`))
    expect(await to('rpc:call(TS, erlang, node, [])')).toMatch(/^\{badrpc,/)
    expect(await to('rpc:call(TS, erlang, node, [], infinity)')).toMatch(/^\{badrpc,/)
    expect(await to('rpc:cast(TS, erlang, node, [])')).toBe('true')
    expect(await to('rpc:multicall([TS], erlang, node, [])')).toMatch(/badrpc/)
    expect(await to('try erpc:call(TS, erlang, node, []) catch C:R -> {C, R} end')).toBe('{error,{erpc,notsup}}')
  })

  it('ends a remote spawn with a reason', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    await node.connect(erl.name)
    expect(await erl.eval(`catch spawn_monitor('${node.name}', erlang, node, [])`)).toMatch(/^\{'EXIT',\{notsup,/)
    const spawned = `
      process_flag(trap_exit, true),
      Pid = spawn_link('${node.name}', erlang, node, []),
      receive {'EXIT', Pid, Reason} -> Reason end`
    expect(await erl.eval(spawned)).toBe('notsup')
    const requested = `
      Id = spawn_request('${node.name}', erlang, node, [], [{reply, yes}]),
      receive {spawn_reply, Id, error, Why} -> Why end`
    expect(await erl.eval(requested)).toBe('notsup')
    expect(
      await erl.eval(`catch gen_server:call({net_kernel, '${node.name}'}, {spawn, erlang, node, [], self()})`),
    ).toBe('{error,not_supported}')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })
})
