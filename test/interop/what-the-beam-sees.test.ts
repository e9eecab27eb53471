import { expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'

/** The table "What a BEAM node sees" of `docs/nodes.md`, row by row. */
describeOtp('what a BEAM node sees of ours', (release) => {
  it.each(['hidden', 'visible'] as const)('when that is %s', async (kind) => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const visible = kind === 'visible'
    const node = await scene.node({ visible, connectTo: erl.name })
    await node.start({ handleCall: (request) => request }, { name: 'echo' })
    node.expose('shop', { price: () => 5 })
    await node.ready({ timeout: 20_000 })
    const us = `'${node.name}'`
    const ask = (expression: string) => erl.eval(expression.replaceAll('US', us))

    // Lists of nodes.
    await sees(erl, '{nodes(), nodes(hidden)}', visible ? `{[${us}],[]}` : `{[],[${us}]}`)
    expect(await ask('{nodes(connected), lists:member(US, nodes(known))}')).toBe(`{[${us}],true}`)
    expect(await ask('lists:keyfind(US, 1, erlang:nodes(connected, #{node_type => true}))')).toBe(
      `{${us},#{node_type => ${kind}}}`,
    )

    // The port mapper lists it among all others.
    expect(await ask('{ok, Names} = erl_epmd:names({127,0,0,1}), length(Names)')).toBe('2')

    // Whatever names the node works.
    expect(await ask('net_adm:ping(US)')).toBe('pong')
    expect(await ask('gen_server:call({echo, US}, hello)')).toBe('hello')
    expect(await ask("R = monitor(process, {nobody, US}), receive {'DOWN', R, _, _, Why} -> Why end")).toBe('noproc')
    expect(await ask('erpc:call(US, shop, price, [])')).toBe('5')
    expect(await ask('try erpc:call(US, os, cmd, [ls]) catch error:{exception, Why, _} -> Why end')).toBe('undef')

    // What picks its nodes from `nodes()` finds only a visible one.
    expect(await ask('element(1, gen_server:multi_call([node() | nodes()], echo, hello, 5000))')).toBe(
      visible ? `[{${us},hello}]` : '[]',
    )
    expect(await ask('lists:member(5, element(1, rpc:multicall(shop, price, [])))')).toBe(String(visible))

    // `global` waits for nobody.
    expect(await ask('global:sync()')).toBe('ok')
    expect(await ask('global:register_name(the_shell, self())')).toBe('yes')
    expect(await ask('global:trans({lock, self()}, fun() -> held end)')).toBe('held')

    // Tools that bring their own modules along are told that those are not there.
    expect(await ask('element(1, rpc:call(US, observer_backend, sys_info, []))')).toBe('badrpc')
    expect(await ask('element(1, rpc:call(US, code, ensure_loaded, [lists]))')).toBe('badrpc')

    // It goes as it came.
    await ask('erlang:monitor_node(US, true)')
    const gone = ask('receive {nodedown, US} -> gone end')
    await node.close()
    expect(await gone).toBe('gone')
    expect(await ask('nodes(connected)')).toBe('[]')
  })
})
