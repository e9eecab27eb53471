import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { connectOnce, isOtp, meshed, PATIENCE, peersOf, until } from './support/global-cluster.ts'
import { nodeProcess } from './support/node-process.ts'

type AnyNode = OtpNode | LocalNode

/** Of which kind each of four nodes is: `b` BEAM, `o` ours. */
const KINDS = ['bbbb', 'obbb', 'bbob', 'oobb', 'oooo'] as const

const OVERLAP = 'in order to prevent overlapping partitions'

describeOtp('partitions of a cluster do not overlap', (release) => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.open(release)
  })
  afterEach(async () => {
    await scene[Symbol.asyncDispose]()
  })

  /** Starts nodes of these kinds, all connected to each other. */
  async function start(kinds: string): Promise<AnyNode[]> {
    const nodes = await Promise.all(
      [...kinds].map((kind): Promise<AnyNode> => {
        const name = scene.name(`n${kind}`)
        return kind === 'b' ? scene.erl({ name }) : scene.node({ name, visible: true })
      }),
    )
    const [first, ...rest] = nodes as [AnyNode, ...AnyNode[]]
    for (const node of rest) {
      await connectOnce(node, first)
      // One after the other: whoever comes while others join waits seconds for its turn.
      await meshed(first, ...rest.slice(0, rest.indexOf(node) + 1))
    }
    return nodes
  }

  async function cut(from: AnyNode, to: { readonly name: string }): Promise<void> {
    if (isOtp(from)) await from.eval(`erlang:disconnect_node('${to.name}')`, { apart: true })
    else await from.disconnect(to.name)
  }

  /** Whom each is connected to in the end, by position. */
  async function picture(nodes: readonly AnyNode[]): Promise<string> {
    const rows: string[] = []
    for (const node of nodes) {
      const peers = await peersOf(node)
      rows.push(nodes.map(({ name }) => (name === node.name ? '.' : peers.includes(name) ? 'x' : '-')).join(''))
    }
    return rows.join(' ')
  }

  // What a cluster of BEAM nodes alone does is the measure. Which of the two that lost each other stays with the rest, if
  // one does, depends on who hears of it first, there as here.
  for (const kinds of KINDS) {
    test(`a lost connection between two of four nodes leaves fully connected parts (${kinds})`, PATIENCE, async () => {
      const nodes = await start(kinds)
      const [first, second, third, fourth] = nodes as [AnyNode, AnyNode, AnyNode, AnyNode]
      await cut(first, second)
      await until(async () => {
        expect(['.--- -.-- --.x --x.', '.-xx -.-- x-.x x-x.', '.--- -.xx -x.x -xx.']).toContain(await picture(nodes))
      })
      // They can all be one cluster again. Who was told to disconnect has to be told to connect.
      await connectOnce(first, second)
      await connectOnce(second, third)
      await connectOnce(first, fourth)
      await meshed(...nodes)
    })
  }

  test('the log says what was done and why, in OTP’s words', PATIENCE, async () => {
    const [a, f, c] = (await start('bob')) as [
      OtpNode,
      LocalNode & { log: { messages(level: string): string[] } },
      OtpNode,
    ]
    await a.eval(`erlang:disconnect_node('${c.name}')`)
    await until(() => expect(f.nodes()).toEqual([]))
    const logged = f.log.messages('warn').filter((line) => line.endsWith(OVERLAP))
    expect(logged.every((line) => line.startsWith(`'global' at node ${f.name} `))).toBe(true)
    expect(logged.length).toBeGreaterThan(0)
  })

  test.each(['BEAM', 'ours'])('a node that is killed (%s) does not part the others', PATIENCE, async (kind) => {
    const nodes = await start('bob')
    const [a] = nodes as [OtpNode, LocalNode, OtpNode]
    const name = scene.name('killed')
    const victim = kind === 'BEAM' ? await scene.erl({ name }) : await nodeProcess(scene, name, { visible: true })
    await a.eval(`net_kernel:connect_node('${name}')`)
    for (const node of nodes) await until(async () => expect(await peersOf(node)).toContain(name))
    await a.eval('global:sync()')
    victim.kill('SIGKILL')
    await meshed(...nodes)
    expect(await a.eval('global:register_name(x, self())')).toBe('yes')
  })

  test(
    'a node of ours that hangs is parted from, holds up nobody then, and comes back when it goes on',
    PATIENCE,
    async () => {
      const nodes = await start('bb')
      const [a, c] = nodes as [OtpNode, OtpNode]
      const name = scene.name('hangs')
      const child = await nodeProcess(scene, name, { visible: true, connectTo: a.name })
      for (const node of nodes) await until(async () => expect(await peersOf(node)).toContain(name))
      await a.eval('global:sync()')
      child.kill('SIGSTOP')
      // As both would when they hear nothing of it for long.
      for (const node of [a, c]) await node.eval(`erlang:disconnect_node('${name}')`)
      await meshed(a, c)
      expect(await c.eval('global:register_name(x, self())')).toBe('yes')
      child.kill('SIGCONT')
      for (const node of nodes) await until(async () => expect(await peersOf(node)).toContain(name))
      for (const node of [a, c]) expect(await node.eval('global:sync()')).toBe('ok')
      const known = `lists:sort(gen_server:call({global_name_server, '${name}'}, get_known))`
      await until(async () => expect(await a.eval(known)).toBe(`['${a.name}','${c.name}']`))
      expect(await c.eval('global:trans({r, self()}, fun() -> done end)')).toBe('done')
    },
  )

  test('a connection that is lost and made anew is one cluster again, with all names', PATIENCE, async () => {
    const [a, f] = (await start('bo')) as [OtpNode, LocalNode]
    await a.eval('global:register_name(x, self())')
    await f.disconnect(a.name)
    await until(async () => expect(await peersOf(a)).toEqual([]))
    expect(f.global.whereisName('x')).toBeUndefined()
    await connectOnce(a, f)
    await meshed(a, f)
    expect(f.global.registeredNames().map(String)).toEqual(['x'])
  })

  test('when our node closes the others stay connected and lose nothing but its names', PATIENCE, async () => {
    const [a, f, c] = (await start('bob')) as [OtpNode, LocalNode, OtpNode]
    await f.global.registerName('x', await f.start({}))
    await a.eval('global:register_name(y, self())')
    await f.close()
    await meshed(a, c)
    await until(async () => expect(await c.eval('global:registered_names()')).toBe('[y]'))
  })

  test('global:disconnect on our node leaves the others connected', PATIENCE, async () => {
    const nodes = await start('bobo')
    const [a, f, c, g] = nodes as [OtpNode, LocalNode, OtpNode, LocalNode]
    expect(f.global.disconnect().sort()).toEqual([a.name, c.name, g.name].sort())
    await until(async () => expect(await picture(nodes)).toBe('.-xx -.-- x-.x x-x.'))
    expect(await c.eval('global:disconnect()')).toContain(g.name)
    await until(async () => expect(await picture(nodes)).toBe('.--x -.-- --.- x--.'))
  })

  describe('no half-way state: what a visible foreign node can do to a cluster, ours does not', () => {
    test('it is known to the global of all nodes, and whoever meets one of them meets it', PATIENCE, async () => {
      const [a, f, c] = (await start('bob')) as [OtpNode, LocalNode, OtpNode]
      for (const node of [a, c]) {
        expect(await node.eval(`lists:member('${f.name}', gen_server:call(global_name_server, get_known))`)).toBe(
          'true',
        )
      }
      const late = await scene.erl()
      await connectOnce(late, c)
      await meshed(a, f, c, late)
    })

    test('locks and transactions of BEAM nodes on all nodes come back', PATIENCE, async () => {
      const [a] = (await start('bob')) as [OtpNode]
      expect(await a.eval('global:trans({r, self()}, fun() -> done end)')).toBe('done')
      expect(await a.eval('global:set_lock({r, 1}), global:del_lock({r, 1})')).toBe('true')
    })

    test('global:sync comes back, also while it joins', PATIENCE, async () => {
      const [a, c] = (await start('bb')) as [OtpNode, OtpNode]
      for (let i = 0; i < 3; i++) {
        const f = await scene.node({ visible: true })
        await connectOnce(f, i % 2 === 0 ? a : c)
        expect(await a.eval('global:sync()')).toBe('ok')
        expect(await c.eval('global:sync()')).toBe('ok')
        await f.close()
      }
    })

    test('names can be registered while it joins, and after it went in the middle of that', PATIENCE, async () => {
      const [a] = (await start('bb')) as [OtpNode]
      for (let i = 0; i < 4; i++) {
        const name = scene.name('killed')
        const child = await nodeProcess(scene, name, { visible: true })
        await a.eval(`net_kernel:connect_node('${name}')`)
        const registered = a.eval(`global:register_name({x, ${i}}, spawn(timer, sleep, [infinity]))`, { apart: true })
        child.kill('SIGKILL')
        expect(await registered).toBe('yes')
      }
      expect(await a.eval('length(global:registered_names())')).toBe('4')
    })

    test(
      'where it may not connect to one of the cluster it leaves that, and the others stay together',
      PATIENCE,
      async () => {
        const [a, c] = (await start('bb')) as [OtpNode, OtpNode]
        const f = await scene.node({ visible: true, allow: [a.name] })
        await connectOnce(f, a)
        await until(() => expect(f.log.messages('error').join()).toContain(`may not connect to ${c.name}`))
        await until(() => expect(f.nodes()).toEqual([]))
        await meshed(a, c)
        expect(await a.eval('global:register_name(x, self())')).toBe('yes')
      },
    )

    test('it speaks the same version as BEAM nodes', PATIENCE, async () => {
      const [a, f] = (await start('bo')) as [OtpNode, LocalNode]
      const ask = (node: string): Promise<string> =>
        a.eval(`gen_server:call({global_name_server, '${node}'}, get_protocol_version)`)
      expect(await ask(f.name)).toBe(await ask(a.name))
    })

    test(
      'with a node that has connect_all off it is connected, and neither waits for the other',
      PATIENCE,
      async () => {
        const a = await scene.erl({ args: ['-connect_all', 'false'] })
        const f = await scene.node({ visible: true })
        await connectOnce(f, a)
        expect(await a.eval('global:register_name(x, self())')).toBe('yes')
        expect(await f.global.registerName('y', await f.start({}))).toBe('yes')
        expect(await a.eval('global:trans({r, self()}, fun() -> done end)')).toBe('done')
        expect(await f.global.trans('r', () => 'done')).toBe('done')
        expect(await f.rpc(a.name, 'erlang', 'node')).toBeDefined()
      },
    )

    test('with connectAll off it stays out of global, as a BEAM node started so', PATIENCE, async () => {
      const [a, c] = (await start('bb')) as [OtpNode, OtpNode]
      const f = await scene.node({ visible: true, connectAll: false })
      await connectOnce(f, a)
      expect(await a.eval('global:register_name(x, self())')).toBe('yes')
      expect(await a.eval('global:trans({r, self()}, fun() -> done end)')).toBe('done')
      expect(await peersOf(f)).toEqual([a.name])
      await f.close()
      await meshed(a, c)
    })

    test('a hidden node of ours is none of global’s business', PATIENCE, async () => {
      const [a, c] = (await start('bb')) as [OtpNode, OtpNode]
      const f = await scene.node()
      await connectOnce(f, a)
      await meshed(a, c)
      expect(await a.eval('nodes(hidden)')).toBe(`['${f.name}']`)
      await a.eval('global:register_name(x, self())')
      expect(String(await f.rpc(a.name, 'global', 'registered_names'))).toBe('x')
      await c.eval(`erlang:disconnect_node('${f.name}')`)
      await meshed(a, c)
    })
  })
})
