import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'

const PEER_COOKIE = `PEER${randomBytes(12).toString('hex')}`
const TOKEN = `TOKEN${randomBytes(12).toString('hex')}`

describeOtp('what a BEAM node can find out of a node', (release) => {
  it('has no secret in it, whatever process it looks into', async () => {
    await using scene = await Scene.open(release)
    const cookie = `OWN${randomBytes(12).toString('hex')}`
    const node = await scene.node({
      cookie,
      cookies: { 'other@127.0.0.1': PEER_COOKIE },
      dashboard: { port: 0, token: TOKEN },
      visible: true,
    })
    const erl = await scene.erl({ cookie })
    await node.connect(erl.name)
    node.pubsub('App')
    await node.store({ name: 'kv' }).ready()
    const names = node.registered()
    expect(names.length).toBeGreaterThan(5)
    const list = names.map((name) => `'${name}'`).join(',')
    const told = await erl.eval(`
      Ask = fun(F, N) -> catch sys:F({N, '${node.name}'}, 300) end,
      Seen = [{N, Ask(get_state, N), Ask(get_status, N)} || N <- [${list}]],
      Infos = [catch erpc:call('${node.name}', M, F, A, 2000) || {M, F, A} <- [{erlang, get_cookie, []},
        {auth, get_cookie, []}, {os, getenv, []}, {application, get_all_env, [kernel]}, {sys, get_state, [net_kernel]},
        {erlang, apply, [erlang, get_cookie, []]}]],
      lists:flatten(io_lib:format("~0p", [{Seen, Infos}]))`)
    expect(told.length).toBeGreaterThan(500)
    for (const secret of [cookie, PEER_COOKIE, TOKEN]) expect(told).not.toContain(secret)
  })
})
