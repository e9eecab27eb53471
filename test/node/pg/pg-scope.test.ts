import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DFLAG, ourFlags } from '../../../src/dist/flags.ts'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { PgEvent } from '../../../src/node/pg/groups.ts'
import { PgScope } from '../../../src/node/pg/pg-scope.ts'
import type { ScopeEvents, ScopeServer } from '../../../src/node/pg/scope-server.ts'
import type { Process } from '../../../src/process/process.ts'
import { atom, Float, ImproperList, mapGet, Pid, type Term, tuple } from '../../../src/term/index.ts'
import { RawPeer } from '../../support/raw-peer.ts'
import { Cluster, event } from '../cluster.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(() => cluster[Symbol.asyncDispose]())

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'

const idle = async (self: Process): Promise<void> => {
  for await (const _ of self);
}
const keys = (pids: Iterable<Pid>): string[] => Array.from(pids, ({ key }) => key).sort()

/** Resolves when a group has exactly these members. */
async function has(scope: PgScope, group: Term, pids: readonly Pid[]): Promise<void> {
  const wanted = keys(pids).join()
  await until(scope, () => keys(scope.members(group)).join() === wanted)
}

/** Resolves when the condition holds, which only a join or a leave can bring about. */
async function until(scope: PgScope, condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (!condition()) return
      scope.off('join', check).off('leave', check)
      resolve()
    }
    scope.on('join', check).on('leave', check)
  })
}

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of events) list.push(item)
  return list
}

async function pair(): Promise<[LocalNode, LocalNode]> {
  const a = await cluster.start('a')
  const b = await cluster.start('b', { connectTo: A })
  await Promise.all([a.ready(), b.ready()])
  return [a, b]
}

describe('a scope', () => {
  it('survives a peer that goes and was in more groups than a call takes arguments', () => {
    let happens: ScopeEvents | undefined
    const server = { closed: false } as unknown as ScopeServer
    const scope = new PgScope(
      'pg',
      (events) => {
        happens = events
        return server
      },
      () => {},
    )
    let heard = 0
    scope.on('leave', () => heard++)
    happens?.changed(new Array<PgEvent>(500_000).fill({ type: 'leave', group: 'g', pids: [] }))
    expect(heard).toBe(500_000)
  })

  it('is one object per name, whose process has that name, until it is closed', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    expect(node.pg()).toBe(scope)
    expect(node.pg(atom('pg'))).toBe(scope)
    expect(scope.name).toBe('pg')
    expect(node.whereis('pg')).toBe(scope.pid)
    expect(node.pg('other')).not.toBe(scope)
    await scope.close()
    await scope.close()
    expect([scope.closed, node.whereis('pg')]).toEqual([true, undefined])
    expect(() => scope.join('g', [])).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => scope.leave('g', [])).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => scope.monitor('g')).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect([scope.members('g'), scope.groups()]).toEqual([[], []])
    expect(node.pg()).not.toBe(scope)
    node.spawn(idle, { name: 'taken' })
    expect(() => node.pg('taken')).toThrowError(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    for (const bad of ['', 'undefined', 1 as unknown as string]) {
      expect(() => node.pg(bad)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    }
    const other = node.pg('other')
    await node.close()
    expect(other.closed).toBe(true)
    expect(() => node.pg('new')).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('cannot be killed and serves no calls', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    node.exit(scope.pid, atom('kill'))
    expect(node.whereis('pg')).toBe(scope.pid)
    expect(await node.call('pg', atom('monitor'))).toEqual(tuple(atom('error'), atom('not_supported')))
    node.send('pg', tuple(atom('join'), scope.pid, atom('g'), scope.pid))
    node.send('pg', tuple(atom('DOWN'), 1))
    expect(scope.groups()).toEqual([])
  })

  it('knows its own members as often as they joined, until they leave or end', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const [p, q] = [node.spawn(idle), node.spawn(idle)]
    scope.join('g', p)
    scope.join('g', [p, q])
    scope.join(tuple('h', 1), { pid: q })
    expect(keys(scope.members('g'))).toEqual(keys([p, p, q]))
    expect(keys(scope.localMembers('g'))).toEqual(keys([p, p, q]))
    expect(scope.groups()).toEqual(['g', tuple('h', 1)])
    expect(scope.localGroups()).toEqual(scope.groups())
    expect(scope.members(tuple('h', 1))).toEqual([q])
    expect(scope.leave('g', [p, q, q])).toBe(true)
    expect(scope.members('g')).toEqual([p])
    expect(scope.leave('g', q)).toBe(false)
    expect(scope.leave('none', p)).toBe(false)
    scope.join('g', [p, p])
    scope.join('h', p)
    node.exit(p, 'gone')
    expect([scope.members('g'), scope.members('h')]).toEqual([[], []])
    expect(scope.groups()).toEqual([tuple('h', 1)])
    scope.join('g', p)
    scope.join('g', [])
    expect(scope.members('g')).toEqual([])
    const server = await node.start({})
    scope.join('servers', server)
    expect(scope.members('servers')).toEqual([server.pid])
    await server.close()
    expect(scope.members('servers')).toEqual([])
  })

  it('takes any term for a group, as Erlang tells terms apart', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const pid = node.spawn(idle)
    const groups: Term[] = [1, new Float(1), 2n ** 70n, 'a', atom('a'), null, true, [1, 'x'], tuple(1, 'x'), { a: 1 }]
    groups.push(new Map([['a', 1]]), new ImproperList([1], 2), pid, Uint8Array.of(255), [], tuple(), {})
    for (const group of groups) scope.join(group, pid)
    expect(scope.groups()).toHaveLength(groups.length)
    for (const group of groups) expect(scope.members(group)).toEqual([pid])
    expect(scope.members(1n)).toEqual([pid])
    expect(scope.members(new TextEncoder().encode('a'))).toEqual([pid])
    scope.join(new TextEncoder().encode('a'), pid)
    expect(scope.members('a')).toHaveLength(2)
    const changed = [1, 2]
    scope.join(changed, pid)
    changed.push(3)
    expect(scope.members([1, 2])).toEqual([pid])
    expect(scope.groups().at(-1)).toEqual([1, 2])
  })

  it('refuses what is no group, and pids of others', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const pid = node.spawn(idle)
    for (const group of [-0, tuple(new Float(-0)), { a: [-0] }, new Map([[1, -0]]), new ImproperList([1], -0)]) {
      expect(() => scope.join(group, pid)).toThrow('-0.0')
    }
    scope.join(['f-0;', 0.5], pid)
    for (const group of [Number.NaN, '\ud800', (() => {}) as unknown as Term]) {
      expect(() => scope.join(group, pid)).toThrowError(expect.objectContaining({ code: 'ERR_ENCODE' }))
    }
    const other = new Pid(B, 1, 0, 1)
    for (const member of [other, [pid, other], 'name', undefined, tuple(pid)] as Pid[]) {
      expect(() => scope.join('g', member)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
      expect(() => scope.leave('g', member)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    }
    scope.join('g', new Pid(A, pid.id, pid.serial, node.creation ^ 1))
    expect(scope.groups()).toEqual([['f-0;', 0.5]])
  })
})

describe('scopes of two nodes', () => {
  it('know what was before they met, and what comes after', async () => {
    const [a, b] = await pair()
    const [p, q] = [a.spawn(idle), b.spawn(idle)]
    a.pg().join('g', [p, p])
    b.pg().join('g', q)
    await Promise.all([has(a.pg(), 'g', [p, p, q]), has(b.pg(), 'g', [p, p, q])])
    expect(b.pg().localMembers('g')).toEqual([q])
    a.pg().join({ key: [1, new Float(1)] }, p)
    await has(b.pg(), { key: [1, new Float(1)] }, [p])
    expect(b.pg().localGroups()).toEqual(['g'])
    a.pg().leave('g', p)
    await has(b.pg(), 'g', [p, q])
    a.exit(p, 'gone')
    await until(b.pg(), () => b.pg().groups().length === 1)
    expect(b.pg().members('g')).toEqual([q])
  })

  it('meet when one is opened long after, and again when it was closed', async () => {
    const [a, b] = await pair()
    const [p, q] = [a.spawn(idle), b.spawn(idle)]
    const first = a.pg('late')
    first.join('g', p)
    b.pg('late').join('g', q)
    await has(first, 'g', [p, q])
    await has(b.pg('late'), 'g', [p, q])
    await b.pg('late').close()
    await has(first, 'g', [p])
    expect(b.pg('late').members('g')).toEqual([])
    b.pg('late').join('h', q)
    await has(first, 'h', [q])
    await has(b.pg('late'), 'g', [p])
    expect(a.nodes()).toEqual([B])
  })

  it('lose the members of a node that is cut off, and have them again when it is back', async () => {
    const [a, b] = await pair()
    const [p, q] = [a.spawn(idle), b.spawn(idle)]
    a.pg().join('g', p)
    b.pg().join('g', [q, q])
    b.pg().join('h', q)
    await Promise.all([has(a.pg(), 'g', [p, q, q]), has(a.pg(), 'h', [q]), has(b.pg(), 'g', [p, q, q])])
    const left: [Term, number][] = []
    a.pg().on('leave', (group, pids) => left.push([group, pids.length]))
    const down = event(a, 'nodedown', B)
    await b.disconnect(A)
    await down
    expect(left).toEqual([
      ['g', 2],
      ['h', 1],
    ])
    expect([a.pg().members('g'), a.pg().groups()]).toEqual([[p], ['g']])
    await b.connect(A)
    await Promise.all([has(a.pg(), 'g', [p, q, q]), has(a.pg(), 'h', [q]), has(b.pg(), 'g', [p, q, q])])
  })

  it('leave nothing behind when peers come and go', async () => {
    const a = await cluster.start('a')
    const scope = a.pg()
    scope.join('mine', a.spawn(idle))
    for (let round = 0; round < 20; round++) {
      const raw = await RawPeer.connect(a, { cookie: 'c', creation: round + 1 })
      const [theirs, member] = [1, 2].map((id) => new Pid(raw.name, id, 0, round + 1)) as [Pid, Pid]
      const joined = new Promise((resolve) => scope.once('join', resolve))
      const sync = tuple(atom('sync'), theirs, [tuple('g', [member, member])])
      raw.send(tuple(6, theirs, atom(''), atom('pg')), tuple(atom('$gen_cast'), sync))
      await joined
      const down = event(a, 'nodedown', raw.name)
      await raw[Symbol.asyncDispose]()
      await down
      expect(scope.groups()).toEqual(['mine'])
    }
    expect(cluster.lines('error', '')).toEqual([])
  })

  it('do not listen to those who speak for others', async () => {
    const [a, b] = await pair()
    const [p, q] = [a.spawn(idle), b.spawn(idle)]
    a.pg().join('g', p)
    b.pg().join('g', q)
    await has(a.pg(), 'g', [p, q])
    await using raw = await RawPeer.connect(a, { cookie: 'c', creation: 9 })
    const theirs = new Pid(raw.name, 1, 0, 9)
    const member = new Pid(raw.name, 2, 0, 9)
    const say = (message: Term, to: Pid | string = 'pg'): void => {
      if (typeof to === 'string') raw.send(tuple(6, theirs, atom(''), atom(to)), message)
      else raw.send(tuple(22, theirs, to), message)
    }
    const scopes = [b.pg().pid, a.pg().pid, new Pid(raw.name, 1, 0, 8), new Pid('x@y', 1, 0, 9)]
    for (const scope of scopes) {
      for (const to of ['pg', a.pg().pid]) {
        say(tuple(atom('leave'), scope, q, ['g']), to)
        say(tuple(atom('join'), scope, 'g', scope), to)
        say(tuple(atom('$gen_cast'), tuple(atom('sync'), scope, [])), to)
        say(tuple(atom('discover'), scope), to)
      }
    }
    say(tuple(atom('DOWN'), 1, atom('process'), b.pg().pid, atom('noproc')))
    say(tuple(atom('$gen_cast'), tuple(atom('sync'), theirs, [tuple('raw', [member, q, p])])))
    await has(a.pg(), 'raw', [member])
    expect(keys(a.pg().members('g'))).toEqual(keys([p, q]))
    expect(a.pg().groups()).toEqual(['g', 'raw'])
    expect(a.nodes()).toContain(raw.name)
  })

  it('are sought only on peers that have named processes', async () => {
    const a = await cluster.start('a')
    a.pg('sought').join('g', a.spawn(idle))
    /** Whether a peer with these flags was asked, once it has heard what it hears first. */
    const asked = async (flags: bigint): Promise<boolean> => {
      await using raw = await RawPeer.connect(a, { cookie: 'c', flags })
      const from = new Pid(raw.name, 1, 0, 77)
      raw.send(
        tuple(6, from, atom(''), atom('net_kernel')),
        tuple(atom('$gen_call'), tuple(from, 'tag'), tuple(atom('is_auth'), atom(raw.name))),
      )
      const frames = await raw.receive((frames) => (frames.some((frame) => frame.includes('yes')) ? frames : undefined))
      return frames.some((frame) => frame.includes('sought'))
    }
    expect(await asked(ourFlags())).toBe(true)
    for (const without of [DFLAG.SPAWN, DFLAG.ALIAS]) expect(await asked(ourFlags({ without }))).toBe(false)
    expect(a.pg('sought').members('g')).toHaveLength(1)
  })

  it('agree on 100,000 members, on the first sync and on changes', async () => {
    const [a, b] = await pair()
    const pids = Array.from({ length: 100_000 }, () => a.spawn(idle))
    a.pg().join('many', pids)
    const first = b.pg()
    let [joined, left] = [0, 0]
    first.on('join', (_, { length }) => {
      joined += length
    })
    first.on('leave', (_, { length }) => {
      left += length
    })
    await until(first, () => joined === 100_000)
    expect(first.members('many').length).toBe(100_000)
    for (const pid of pids.slice(0, 20_000)) a.pg().join('more', pid)
    await until(first, () => joined === 120_000)
    a.pg().leave('many', pids)
    await until(first, () => left === 100_000)
    expect(first.members('more').length).toBe(20_000)
    expect(first.groups()).toEqual(['more'])
  }, 120_000)
})

describe('a monitor', () => {
  it('gives the members there are, and who joins and leaves since, in order', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const [p, q] = [node.spawn(idle), node.spawn(idle)]
    scope.join('g', p)
    const group = scope.monitor('g')
    const whole = scope.monitorScope()
    expect(group.members).toEqual([p])
    expect(mapGet(whole.groups, 'g')).toEqual([p])
    scope.join('g', [q, q])
    scope.join('h', q)
    scope.leave('g', [q, p])
    node.exit(q, 'gone')
    await scope.close()
    const inGroup: PgEvent[] = [
      { type: 'join', group: 'g', pids: [q, q] },
      { type: 'leave', group: 'g', pids: [q, p] },
      { type: 'leave', group: 'g', pids: [q] },
    ]
    expect(await all(group)).toEqual(inGroup)
    const [first, ...rest] = inGroup as [PgEvent, PgEvent, PgEvent]
    const [joined, left] = (['join', 'leave'] as const).map((type) => ({ type, group: 'h', pids: [q] }))
    expect(await all(whole)).toEqual([first, joined, ...rest, left])
  })

  it('ends with its signal, and holds no more than it was told to', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const pid = node.spawn(idle)
    const abort = new AbortController()
    const monitor = scope.monitor('g', { signal: abort.signal, capacity: 2 })
    for (let time = 0; time < 5; time++) scope.join('g', pid)
    expect([monitor.length, monitor.dropped]).toEqual([2, 3])
    abort.abort()
    expect(await all(monitor)).toEqual([])
    expect(await all(scope.monitorScope({ signal: abort.signal }))).toEqual([])
    for (const bad of [{ capacity: 0 }, { sgnal: 1 }, { to: 'x' }, { to: pid, signal: abort.signal }]) {
      expect(() => scope.monitor('g', bad as object)).toThrowError(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
      )
    }
  })

  it('sends messages to a process, until it is taken away or the process ends', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const pid = node.spawn(idle)
    const messages: Term[] = []
    let heard = (): void => {}
    const observer = node.spawn(async (self) => {
      for await (const message of self) {
        messages.push(message)
        heard()
      }
    })
    const group = scope.monitor('g', { to: observer })
    const whole = scope.monitorScope({ to: observer })
    expect([group.members, whole.groups.size]).toEqual([[], 0])
    scope.join('g', pid)
    scope.join('h', pid)
    expect(scope.demonitor(whole.ref)).toBe(true)
    expect(scope.demonitor(whole.ref)).toBe(false)
    scope.leave('h', pid)
    scope.leave('g', pid)
    await new Promise<void>((resolve) => {
      heard = () => {
        if (messages.length === 4) resolve()
      }
      heard()
    })
    expect(messages).toEqual([
      tuple(whole.ref, atom('join'), 'g', [pid]),
      tuple(group.ref, atom('join'), 'g', [pid]),
      tuple(whole.ref, atom('join'), 'h', [pid]),
      tuple(group.ref, atom('leave'), 'g', [pid]),
    ])
    node.exit(observer, 'gone')
    expect(scope.demonitor(group.ref)).toBe(false)
    expect(() => scope.monitor('g', { to: observer })).toThrowError(expect.objectContaining({ code: 'ERR_NOPROC' }))
  })

  it('hears of what listeners change after what changed before', async () => {
    const node = await cluster.start('a')
    const scope = node.pg()
    const pid = node.spawn(idle)
    const heard: string[] = []
    scope.once('join', () => scope.leave('g', pid))
    scope.on('join', (group) => heard.push(`join ${String(group)}`))
    scope.on('leave', (group) => heard.push(`leave ${String(group)}`))
    const monitor = scope.monitorScope()
    scope.join('g', pid)
    expect(heard).toEqual(['join g', 'leave g'])
    const closed = new Promise((resolve) => scope.once('close', () => resolve('closed')))
    await scope.close()
    expect(await closed).toBe('closed')
    expect((await all(monitor)).map(({ type }) => type)).toEqual(['join', 'leave'])
  })
})
