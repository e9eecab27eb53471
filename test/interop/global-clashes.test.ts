import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, isTuple, type Pid, type Term } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene } from '../support/scene.ts'
import {
  connectOnce,
  isOtp,
  meshed,
  PATIENCE,
  peersOf,
  pidText,
  startCluster,
  until,
  whereis,
} from './support/global-cluster.ts'

const X = atom('x')

/** A process with a name, on either kind of node: what it was told, and whether it lives. */
interface Named {
  readonly node: OtpNode | LocalNode
  readonly pid: string
  told(): Promise<string[]>
  isAlive(): Promise<boolean>
}

/** Registers a process of a node globally as `x`, there. `resolve` is `Module:Function`. */
async function register(node: OtpNode | LocalNode, resolve: string): Promise<Named> {
  return isOtp(node) ? await registerOtp(node, resolve) : await registerOurs(node, resolve)
}

async function registerOtp(node: OtpNode, resolve: string): Promise<Named> {
  const start =
    'spawn(fun() -> F = fun F(L) -> receive {told, P} -> P ! lists:reverse(L), F(L); M -> F([M | L]) end end, F([]) end)'
  const [module, name] = resolve.split(':') as [string, string]
  const run = `begin P = ${start}, put(named, P), global:register_name(x, P, fun '${module}':'${name}'/3) end`
  expect(await node.eval(run)).toBe('yes')
  const pid = await whereis(node, X)
  return {
    node,
    pid,
    told: async () => {
      const text = await node.eval('begin get(named) ! {told, self()}, receive L -> [element(1, M) || M <- L] end end')
      return text
        .slice(1, -1)
        .split(',')
        .filter((it) => it !== '')
    },
    isAlive: async () => (await node.eval('is_process_alive(get(named))')) === 'true',
  }
}

async function registerOurs(node: LocalNode, resolve: string): Promise<Named> {
  const process: Process = await openProcess(node)
  const [module, name] = resolve.split(':') as [string, string]
  expect(await node.global.registerName(X, process.pid, { resolve: [module, name] })).toBe('yes')
  return {
    node,
    pid: pidText(process.pid),
    told: async () => {
      const told: string[] = []
      while (process.mailboxLength > 0) {
        const message = await process.receive()
        told.push(isTuple(message) ? String(message[0]) : String(message))
      }
      return told
    },
    isAlive: async () => !process.signal.aborted,
  }
}

/** Cuts the connection between two nodes. */
async function cut(from: OtpNode | LocalNode, to: { readonly name: string }): Promise<void> {
  if (isOtp(from)) await from.eval(`erlang:disconnect_node('${to.name}')`, { apart: true })
  else await from.disconnect(to.name)
}

const CONFLICT = 'global_name_conflict'

describeOtp('a name that two parts of a cluster have', (release) => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.open(release)
  })
  afterEach(async () => {
    await scene[Symbol.asyncDispose]()
  })

  // The lesser node asks, so that both kinds get to.
  for (const [who, names] of [
    ['the BEAM node', { otp: 'aa', ours: 'zz' }],
    ['our node', { otp: 'zz', ours: 'aa' }],
  ] as const) {
    test(`the standard resolve functions decide as in OTP when ${who} asks`, PATIENCE, async () => {
      const { otp, ours } = await startCluster(scene, { otp: 1, ours: 1, names })
      const [a, f] = [otp[0] as OtpNode, ours[0] as LocalNode]
      const lesser = a.name < f.name ? a : f
      for (const [index, resolve] of ['random_exit_name', 'random_notify_name', 'notify_all_name'].entries()) {
        await cut(index % 2 === 0 ? a : f, index % 2 === 0 ? f : a)
        await until(async () => expect([...(await peersOf(a)), ...(await peersOf(f))]).toEqual([]))
        const named = [await register(a, `global:${resolve}`), await register(f, `global:${resolve}`)]
        await connectOnce(index % 2 === 0 ? f : a, index % 2 === 0 ? a : f)
        await meshed(a, f)
        const [keeps, loses] = (lesser === a ? named : named.reverse()) as [Named, Named]
        const holder = resolve === 'notify_all_name' ? 'undefined' : keeps.pid
        await until(async () => {
          for (const node of [a, f]) expect(await whereis(node, X), `${resolve} at ${node.name}`).toBe(holder)
          expect(await loses.isAlive()).toBe(resolve !== 'random_exit_name')
        })
        expect(await keeps.isAlive()).toBe(true)
        if (resolve !== 'random_exit_name') await until(async () => expect(await loses.told()).toEqual([CONFLICT]))
        expect(await keeps.told()).toEqual(resolve === 'notify_all_name' ? [CONFLICT] : [])
        if (isOtp(lesser)) await lesser.eval('global:unregister_name(x)')
        else await lesser.global.unregisterName(X)
      }
    })
  }

  test('a BEAM node has the clash decided by ours, where the process with the name lives there', PATIENCE, async () => {
    // a and f are one part with a process at f, c is the other; a, the least, asks global:resolve_it/4 of f.
    const { otp, ours } = await startCluster(scene, { otp: 1, ours: 1, names: { otp: 'aa', ours: 'mm' } })
    const [a, f] = [otp[0] as OtpNode, ours[0] as LocalNode]
    const c = await scene.erl({ name: scene.name('zz') })
    const asked: string[] = []
    f.expose('Elixir.Resolver', {
      theirs: (name: Term, pid1: Pid, pid2: Pid) => {
        asked.push(String(name))
        return pid1.node === c.name ? pid1 : pid2
      },
    })
    for (const [resolve, at] of [
      ['global:random_exit_name', 'f'],
      ['Elixir.Resolver:theirs', 'c'],
    ] as const) {
      const [mine, theirs] = [await register(f, resolve), await register(c, resolve)]
      await connectOnce(c, a)
      await meshed(a, f, c)
      const holder = at === 'f' ? mine : theirs
      await until(async () => {
        for (const node of [a, f, c]) expect(await whereis(node, X), `${resolve} at ${node.name}`).toBe(holder.pid)
      })
      expect(await mine.isAlive()).toBe(true)
      await until(async () => expect(await theirs.isAlive()).toBe(at === 'c'))
      await a.eval('global:unregister_name(x)')
      await c.eval('global:disconnect()')
      await meshed(a, f)
    }
    expect(asked).toEqual(['x'])
  })

  test(
    'our node has the clash decided by a BEAM node, where the process with the name lives there',
    PATIENCE,
    async () => {
      const { otp, ours } = await startCluster(scene, { otp: 1, ours: 1, names: { otp: 'mm', ours: 'aa' } })
      const [b, f] = [otp[0] as OtpNode, ours[0] as LocalNode]
      const c = await scene.erl({ name: scene.name('zz') })
      const [mine, theirs] = [
        await register(b, 'global:random_notify_name'),
        await register(c, 'global:random_notify_name'),
      ]
      await connectOnce(c, f)
      await meshed(b, f, c)
      for (const node of [b, f, c]) expect(await whereis(node, X)).toBe(mine.pid)
      await until(async () => expect(await theirs.told()).toEqual([CONFLICT]))
    },
  )

  test(
    'a resolve function nobody has leaves the name as between BEAM nodes, whoever is the other',
    PATIENCE,
    async () => {
      const outcomes: string[] = []
      for (const second of ['BEAM', 'ours'] as const) {
        const a = await scene.erl({ name: scene.name(`aa${second}`) })
        const name = scene.name(`zz${second}`)
        const z = second === 'BEAM' ? await scene.erl({ name }) : await scene.node({ name, visible: true })
        const named = [await register(a, 'nobody:has_it'), await register(z, 'nobody:has_it')]
        await connectOnce(z, a)
        await meshed(a, z)
        const holder = await whereis(a, X)
        expect(await whereis(z, X)).toBe(holder)
        outcomes.push(
          `${named.findIndex(({ pid }) => pid === holder)} ${await Promise.all(named.map((it) => it.isAlive()))}`,
        )
      }
      expect(outcomes[1]).toBe(outcomes[0])
    },
  )

  test('and when it is our node that has to decide', PATIENCE, async () => {
    const f = await scene.node({ name: scene.name('aa'), visible: true })
    const z = await scene.erl({ name: scene.name('zz') })
    const [, theirs] = [await register(f, 'nobody:has_it'), await register(z, 'nobody:has_it')]
    await connectOnce(z, f)
    await meshed(f, z)
    for (const node of [f, z]) expect(await whereis(node, X)).toBe(theirs.pid)
  })
})
