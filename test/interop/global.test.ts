import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import { atom, type Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'
import {
  connectOnce,
  meshed,
  PATIENCE,
  pidText,
  startCluster,
  synced,
  until,
  whereis,
} from './support/global-cluster.ts'

/** Starts a process on a BEAM node that answers `{ping, From}`, and names it there. */
const spawnEcho = (name: string): string =>
  `P = spawn(fun F() -> receive {ping, From} -> From ! {pong, node()}, F(); stop -> ok end end), register(${name}, P), P`

describeOtp('global names and locks in a cluster of BEAM nodes and ours', (release) => {
  let scene: Scene
  let a: OtpNode
  let b: OtpNode
  let f: TestNode
  let g: TestNode
  let all: (OtpNode | LocalNode)[]

  beforeAll(async () => {
    scene = await Scene.open(release)
    const cluster = await startCluster(scene, { otp: 2, ours: 2 })
    ;[a, b] = cluster.otp as [OtpNode, OtpNode]
    ;[f, g] = cluster.ours as [TestNode, TestNode]
    all = [a, b, f, g]
  }, 60_000)
  afterAll(async () => {
    await scene[Symbol.asyncDispose]()
  })

  test('who connected to one node is connected to all, and known to the global of each', PATIENCE, async () => {
    await meshed(...all)
    for (const node of [a, b]) {
      const known = await node.eval('lists:sort(gen_server:call(global_name_server, get_known))')
      for (const ours of [f, g]) expect(known).toContain(`'${ours.name}'`)
    }
  })

  test('a name registered on any node is known on all when that returns', PATIENCE, async () => {
    await a.eval(`global:register_name(beam, begin ${spawnEcho('beam')} end)`)
    const process = await openProcess(f)
    expect(await g.global.registerName(atom('ours'), process.pid)).toBe('yes')
    const beam = await whereis(a, atom('beam'))
    expect(beam).toContain(a.name)
    for (const node of all) {
      expect(await whereis(node, atom('beam'))).toBe(beam)
      expect(await whereis(node, atom('ours'))).toBe(pidText(process.pid))
    }
    expect(await b.eval('lists:sort(global:registered_names())')).toBe('[beam,ours]')
    expect(f.global.registeredNames().map(String).sort()).toEqual(['beam', 'ours'])
  })

  test('messages to a name arrive on either kind of node', PATIENCE, async () => {
    const receiver = await openProcess(g)
    f.global.send(atom('beam'), tuple(atom('ping'), receiver.pid))
    expect(String(await receiver.receive())).toBe(`{pong,'${a.name}'}`)
    await g.global.registerName(atom('receiver'), receiver.pid)
    await b.eval('global:send(receiver, {hello, 1.5})')
    expect(String(await receiver.receive())).toBe('{hello,1.5}')
  })

  test('a GenServer of ours is called through its global name, and we call one of theirs', PATIENCE, async () => {
    const server = await f.start({ handleCall: (request) => tuple(atom('got'), request) })
    expect(await f.global.registerName(atom('server'), server)).toBe('yes')
    expect(await b.eval('gen_server:call({global, server}, {x, 1})')).toBe('{got,{x,1}}')
    await a.eval('global:register_name(their_rex, whereis(rex))')
    const pid = g.global.whereisName(atom('their_rex')) as Pid
    const call = tuple(atom('call'), atom('erlang'), atom('node'), [], pid)
    expect(await g.call(pid, call)).toBe(atom(a.name))
  })

  test('a name can be any term', PATIENCE, async () => {
    const names: [Term, string][] = [
      [tuple('phone', 1.5, 2, [atom('x')]), '{<<"phone">>, 1.5, 2, [x]}'],
      [new Map<Term, Term>([[1, 'one']]), '#{1 => <<"one">>}'],
    ]
    for (const [name, text] of names) {
      const process = await openProcess(g)
      await f.global.registerName(name, process.pid)
      expect(await a.eval(`node(global:whereis_name(${text}))`)).toBe(`'${g.name}'`)
      await b.eval(`global:unregister_name(${text})`)
      expect(g.global.whereisName(name)).toBeUndefined()
    }
  })

  test('a taken name is refused on either kind of node, and can be taken over', PATIENCE, async () => {
    const [one, two] = [await openProcess(f), await openProcess(g)]
    await f.global.registerName(atom('taken'), one.pid)
    expect(await a.eval('global:register_name(taken, self())')).toBe('no')
    expect(await g.global.registerName(atom('taken'), two.pid)).toBe('no')
    expect(await g.global.registerName(atom('second name'), one.pid)).toBe('no')
    expect(await a.eval('global:re_register_name(taken, self())')).toBe('yes')
    expect(await whereis(g, atom('taken'))).toContain(a.name)
    expect(await g.global.reRegisterName(atom('taken'), two.pid)).toBe('yes')
    for (const node of all) expect(await whereis(node, atom('taken'))).toBe(pidText(two.pid))
    await f.global.unregisterName(atom('taken'))
    for (const node of all) expect(await whereis(node, atom('taken'))).toBe('undefined')
  })

  test('a name goes everywhere when its process ends', PATIENCE, async () => {
    const process = await openProcess(f)
    await f.global.registerName(atom('mortal'), process.pid)
    f.exit(process.pid, atom('kill'))
    await until(async () => {
      for (const node of all) expect(await whereis(node, atom('mortal'))).toBe('undefined')
    })
    await b.eval(`global:register_name(mortal, begin ${spawnEcho('mortal')} end)`)
    expect(await whereis(g, atom('mortal'))).toContain(b.name)
    await b.eval('exit(whereis(mortal), kill)')
    await until(async () => {
      for (const node of all) expect(await whereis(node, atom('mortal'))).toBe('undefined')
    })
  })

  test('a lock excludes the other kind, is shared by equal requesters, and is freed', PATIENCE, async () => {
    expect(await a.eval('global:set_lock({resource, one})')).toBe('true')
    expect(await f.global.setLock(atom('resource'), atom('two'), { retries: 0 })).toBe(false)
    expect(await f.global.setLock(atom('resource'), atom('one'), { retries: 0 })).toBe(true)
    await a.eval('global:del_lock({resource, one})')
    expect(await b.eval('global:set_lock({resource, two}, [node() | nodes()], 0)')).toBe('false')
    await f.global.delLock(atom('resource'), atom('one'))
    expect(await b.eval('global:set_lock({resource, two}, [node() | nodes()], 0)')).toBe('true')
    await b.eval('global:del_lock({resource, two})')
  })

  test('a lock is free when the process that holds it ends, on either kind of node', PATIENCE, async () => {
    await a.eval(
      'spawn(fun() -> register(holder, self()), global:set_lock({held, self()}), receive stop -> ok end end)',
    )
    await until(async () => expect(await f.global.setLock(atom('held'), 1, { retries: 0 })).toBe(false))
    await a.eval('exit(whereis(holder), kill)')
    expect(await f.global.setLock(atom('held'), 1)).toBe(true)
    await f.global.delLock(atom('held'), 1)
    const holder = await openProcess(g)
    expect(await g.global.setLock(atom('held'), 1, { process: holder })).toBe(true)
    expect(await b.eval('global:set_lock({held, 2}, [node() | nodes()], 0)')).toBe('false')
    g.exit(holder.pid, atom('kill'))
    expect(await b.eval('global:set_lock({held, 2})')).toBe('true')
    await b.eval('global:del_lock({held, 2})')
  })

  test('no update is lost under trans from both kinds at once', { timeout: 150_000 }, async () => {
    // What is read is written back later, so that two at once would lose one.
    await a.eval(
      'register(keeper, spawn(fun() -> ets:new(counter, [public, named_table]), ' +
        'ets:insert(counter, {n, 0}), receive stop -> ok end end))',
    )
    const [home, table, n] = [`'${a.name}'`, atom('counter'), atom('n')]
    const theirs =
      `global:trans({counting, self()}, fun() -> [{n, V}] = rpc:call(${home}, ets, lookup, [counter, n]), ` +
      `timer:sleep(5), rpc:call(${home}, ets, insert, [counter, {n, V + 1}]) end)`
    const ours = (node: LocalNode): Promise<unknown> =>
      node.global.trans(atom('counting'), async () => {
        const value = (await node.rpc(a.name, 'ets', 'lookup_element', [table, n, 2])) as number
        await new Promise((resolve) => setTimeout(resolve, 5))
        await node.rpc(a.name, 'ets', 'insert', [table, tuple(n, value + 1)])
      })
    const rounds = [a, b].flatMap((node) => [1, 2].map(() => node.eval(theirs, { apart: true, timeout: 120_000 })))
    await Promise.all([...rounds, ours(f), ours(f), ours(g), ours(g)])
    expect(await a.eval('ets:lookup_element(counter, n, 2)')).toBe('8')
  })

  test('a node that joins learns all names, and sync returns on every node', PATIENCE, async () => {
    const early = await openProcess(f)
    await f.global.registerName(atom('early'), early.pid)
    const late = await scene.node({ visible: true })
    await connectOnce(late, g)
    await meshed(...all, late)
    expect(await whereis(late, atom('early'))).toBe(pidText(early.pid))
    const process = await openProcess(late)
    await late.global.registerName(atom('late'), process.pid)
    expect(await whereis(b, atom('late'))).toBe(pidText(process.pid))
    await late.close()
    await meshed(...all)
    for (const node of all) expect(await whereis(node, atom('late'))).toBe('undefined')
    for (const node of all) await synced(node)
  })

  test('global:info/0 and the others that look at a name server get an answer from ours', PATIENCE, async () => {
    const ask = (request: string): Promise<string> =>
      a.eval(`gen_server:call({global_name_server, '${f.name}'}, ${request})`, { apart: true })
    expect(await ask('get_protocol_version')).toBe(
      await a.eval('gen_server:call(global_name_server, get_protocol_version)'),
    )
    expect(await ask('get_known')).toContain(`'${g.name}'`)
    expect(await ask('info')).toContain('{conf,true,true}')
    expect(await ask(`{sync, ['${a.name}', '${b.name}']}`)).toBe('ok')
    expect(await ask('nonsense')).toBe('{error,not_supported}')
  })

  test('nothing was logged that tells of trouble', PATIENCE, () => {
    // Of a node that goes one may hear from another before the own connection to it ends.
    const expected = /in order to prevent overlapping partitions|registered under several names/
    const logged = [f, g].flatMap(({ log }) => [...log.messages('warn'), ...log.messages('error')])
    expect(logged.filter((line) => !expected.test(line))).toEqual([])
    expect([...a.output, ...b.output].filter((line) => /global_name_server|unexpected/.test(line))).toEqual([])
  })
})
