import { beforeEach, describe, expect, it } from 'vitest'
import { GenServer, type ServerProcess } from '../../src/process/gen-server.ts'
import type { Process } from '../../src/process/process.ts'
import type { ChildSpec, SupervisorOptions } from '../../src/process/supervisor/options.ts'
import type { Supervisor } from '../../src/process/supervisor/supervisor.ts'
import { atom } from '../../src/term/atom.ts'
import type { Pid } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { idle, observer, settled, until, within } from './observe.ts'

const BOOM = atom('boom')
const KILL = atom('kill')
const SHUTDOWN = atom('shutdown')

let a: FakeNode
/** What the children did, in order. */
let events: string[]

beforeEach(() => {
  a = new FakeNetwork().node('a@host')
  events = []
})

/** A server that notes its start and its orderly end. */
function worker(id: string, more: Partial<ChildSpec> = {}): ChildSpec {
  const server = () => ({
    init: () => void events.push(`+${id}`),
    handleCall: (request: Term) => request,
    terminate: () => void events.push(`-${id}`),
  })
  return { id, server, trapExit: true, ...more } as ChildSpec
}

/** The pid of a child, or undefined. */
async function pidOf(supervisor: Supervisor, id: string): Promise<Pid | undefined> {
  return (await supervisor.whichChildren()).find((child) => child.id === id)?.pid
}

/** Ends a child and waits until the supervisor has dealt with it. */
async function crash(supervisor: Supervisor, id: string, reason: Term = KILL): Promise<void> {
  const pid = (await pidOf(supervisor, id)) as Pid
  a.system.exit(pid, reason)
  await until(() => !a.system.isAlive(pid))
  await supervisor.countChildren()
}

describe('a supervisor', () => {
  it('starts its children in order and ends them in the reverse', async () => {
    const supervisor = await a.system.supervise({ name: 'app', children: ['a', 'b', 'c'].map((id) => worker(id)) })
    expect(events).toEqual(['+a', '+b', '+c'])
    expect((await supervisor.whichChildren()).map(({ id, type }) => [id, type])).toEqual([
      ['c', 'worker'],
      ['b', 'worker'],
      ['a', 'worker'],
    ])
    expect(await supervisor.countChildren()).toEqual({ specs: 3, active: 3, supervisors: 0, workers: 3 })
    expect(a.system.supervisor('app').pid).toBe(supervisor.pid)
    await Promise.all([supervisor.close(), supervisor.close(), supervisor[Symbol.asyncDispose]()])
    expect(events.slice(3)).toEqual(['-c', '-b', '-a'])
    expect(a.system.counts).toEqual({ processes: 0, names: 0, references: 0, peers: 0 })
    expect(a.clock.pending).toBe(0)
    await expect(supervisor.countChildren()).rejects.toMatchObject({ code: 'ERR_NOPROC' })
    expect(a.log.messages('error')).toEqual([])
  })

  it('keeps servers, processes, supervisors and whatever can be closed', async () => {
    class Named extends GenServer<number, number> {
      override handleCall(request: number) {
        return request + 1
      }
    }
    const resource = { close: () => void events.push('closed') }
    const disposable = { [Symbol.asyncDispose]: async () => void events.push('disposed') }
    const supervisor = await a.system.supervise({
      children: [
        { id: 'server', server: Named, name: 'named' },
        { id: atom('process'), process: idle, name: 'loop' },
        { id: 'inner', supervisor: { name: 'inner', children: [worker('leaf')] } },
        { id: 'resource', start: () => resource },
        { id: 'disposable', start: async () => disposable },
      ],
    })
    expect(await a.system.call('named', 1)).toBe(2)
    expect(a.system.isAlive(a.system.whereis('loop') as Pid)).toBe(true)
    expect(await a.system.supervisor('inner').countChildren()).toMatchObject({ workers: 1 })
    expect(await supervisor.countChildren()).toEqual({ specs: 5, active: 5, supervisors: 1, workers: 4 })
    await supervisor.close()
    expect(events).toEqual(['+leaf', 'disposed', 'closed', '-leaf'])
    expect(a.system.counts.processes).toBe(0)
  })

  it('restarts one for one, and says who, why and how often', async () => {
    const supervisor = await a.system.supervise({ name: 'app', children: [worker('a'), worker('b')] })
    const before = await pidOf(supervisor, 'a')
    await crash(supervisor, 'a', KILL)
    expect(events).toEqual(['+a', '+b', '+a'])
    expect(await pidOf(supervisor, 'a')).not.toEqual(before)
    expect(a.log.messages('error')).toEqual([
      `supervisor app: child a (${before}) ended: killed; restarting it (1 of 3 restarts allowed in 5 s)`,
    ])
    expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['b', 'a'])
  })

  it('restarts all for one, in order', async () => {
    const children = [worker('a'), worker('b'), worker('t', { restart: 'temporary' }), worker('c')]
    const supervisor = await a.system.supervise({ strategy: 'one_for_all', children })
    events = []
    await crash(supervisor, 'b')
    expect(events).toEqual(['-c', '-t', '-a', '+a', '+b', '+c'])
    expect(await supervisor.countChildren()).toMatchObject({ specs: 3, active: 3 })
  })

  it('restarts the rest for one, in order', async () => {
    const children = ['a', 'b', 'c', 'd'].map((id) => worker(id))
    const supervisor = await a.system.supervise({ strategy: 'rest_for_one', children })
    events = []
    await crash(supervisor, 'b')
    expect(events).toEqual(['-d', '-c', '+b', '+c', '+d'])
    expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a'])
  })

  it.each([
    ['permanent', 'normal', true],
    ['permanent', 'boom', true],
    ['transient', 'normal', false],
    ['transient', 'shutdown', false],
    ['transient', 'boom', true],
    ['temporary', 'boom', false],
  ] as const)('with a %s child that ends with %s restarts it: %s', async (restart, reason, again) => {
    const process = async (self: Process) => self.exit(await self.receive())
    const supervisor = await a.system.supervise({ children: [{ id: 'a', process, restart }] })
    const before = (await pidOf(supervisor, 'a')) as Pid
    a.system.send(before, atom(reason))
    await until(() => !a.system.isAlive(before))
    const count = await supervisor.countChildren()
    expect(count.active).toBe(again ? 1 : 0)
    expect(count.specs).toBe(restart === 'temporary' ? 0 : 1)
    expect(a.log.messages('error')).toHaveLength(again || reason === 'boom' ? 1 : 0)
  })

  it('does not restart what ended with {shutdown, _} when that is transient', async () => {
    const process = (self: Process) => self.exit(tuple(SHUTDOWN, 'enough'))
    const supervisor = await a.system.supervise({ children: [{ id: 'a', process, restart: 'transient' }] })
    await settled()
    expect(await supervisor.whichChildren()).toEqual([{ id: 'a', pid: undefined, restarting: false, type: 'worker' }])
  })

  it('gives up with shutdown when there are too many restarts, and ends its children', async () => {
    const children = [worker('a'), worker('b')]
    const supervisor = await a.system.supervise({ name: 'app', maxRestarts: 2, maxSeconds: 10, children })
    const ended = (await observer(a.system))(supervisor.pid)
    events = []
    for (const ms of [0, 5000, 5001]) {
      a.clock.advance(ms)
      await crash(supervisor, 'a')
    }
    // The first was longer ago than 10 s when the third came.
    expect(events).toEqual(['+a', '+a', '+a'])
    const last = await pidOf(supervisor, 'a')
    a.system.exit(last as Pid, KILL)
    expect(await ended).toBe(SHUTDOWN)
    expect(events).toEqual(['+a', '+a', '+a', '-b'])
    expect(a.log.messages('error').slice(3)).toEqual([
      `supervisor app: child a (${last}) ended: killed`,
      `supervisor app: child a (${last}) ended too often: more than 2 restarts in 10 s; shutting down`,
    ])
    expect(a.system.counts.processes).toBe(1)
  })

  it('takes restarts that fail for restarts, and tries again without stopping the program', async () => {
    let fails = 0
    const server = () => ({
      init() {
        if (fails-- > 0) throw new TypeError('no database')
        events.push('+a')
      },
      handleCall: () => 1,
    })
    const supervisor = await a.system.supervise({ name: 'app', maxRestarts: 5, children: [{ id: 'a', server }] })
    fails = 3
    const turns: number[] = []
    setImmediate(() => turns.push(fails))
    await crash(supervisor, 'a')
    expect((await supervisor.whichChildren())[0]).toMatchObject({ pid: undefined, restarting: true })
    await expect(supervisor.restartChild('a')).rejects.toMatchObject({ code: 'ERR_CHILD', reason: 'restarting' })
    await expect(supervisor.deleteChild('a')).rejects.toMatchObject({ code: 'ERR_CHILD', reason: 'restarting' })
    await until(() => events.length === 2)
    expect(fails).toBe(-1)
    expect(turns[0]).toBeGreaterThan(0)
    expect(a.log.messages('error').filter((line) => line.includes('could not be started: TypeError'))).toHaveLength(3)

    fails = Number.POSITIVE_INFINITY
    const ended = (await observer(a.system))(supervisor.pid)
    await crash(supervisor, 'a').catch(() => {})
    expect(await ended).toBe(SHUTDOWN)
  })

  it.each(['one_for_all', 'rest_for_one'] as const)('goes on %s where a restart failed', async (strategy) => {
    let fails = 0
    const fragile = () => ({
      init() {
        if (fails-- > 0) throw new Error('not yet')
        events.push('+b')
      },
      terminate: () => void events.push('-b'),
    })
    const children = [worker('a'), { id: 'b', server: fragile, trapExit: true }, worker('c')]
    const supervisor = await a.system.supervise({ strategy, maxRestarts: 3, children })
    events = []
    fails = 1
    await crash(supervisor, 'b')
    await until(() => events.at(-1) === '+c')
    expect(events).toEqual(strategy === 'one_for_all' ? ['-c', '-a', '+a', '-a', '+a', '+b', '+c'] : ['-c', '+b', '+c'])
    expect(await supervisor.countChildren()).toMatchObject({ active: 3 })
  })

  it('that cannot start a child ends those it has started and says which it was', async () => {
    const failing: ChildSpec = {
      id: 'b',
      server: () => ({
        init: () => {
          throw new TypeError('no database')
        },
      }),
    }
    await expect(
      a.system.supervise({ name: 'app', children: [worker('a'), failing, worker('c')] }),
    ).rejects.toMatchObject({
      code: 'ERR_EXIT',
      reason: [SHUTDOWN, [atom('failed_to_start_child'), 'b', expect.anything()]],
      cause: { cause: { message: 'no database' } },
    })
    expect(events).toEqual(['+a', '-a'])
    expect(a.log.messages('error')).toEqual(['supervisor app: child b could not be started: TypeError: no database'])
    expect(a.system.counts).toMatchObject({ processes: 0, names: 0 })
  })

  it('starts, ends, restarts and deletes children while it runs', async () => {
    const supervisor = await a.system.supervise()
    const pid = await supervisor.startChild(worker('a'))
    expect(await a.system.call(pid, 'hello')).toBe('hello')
    await expect(supervisor.startChild(worker('a'))).rejects.toMatchObject({ reason: 'already_started' })
    await expect(supervisor.restartChild('a')).rejects.toMatchObject({ reason: 'running' })
    await expect(supervisor.deleteChild(atom('a'))).rejects.toMatchObject({ reason: 'running' })
    await supervisor.terminateChild('a')
    await supervisor.terminateChild('a')
    await expect(supervisor.startChild(worker('a'))).rejects.toMatchObject({ reason: 'already_present' })
    expect(events).toEqual(['+a', '-a'])
    expect(await supervisor.restartChild(atom('a'))).not.toEqual(pid)
    await supervisor.terminateChild(atom('a'))
    await supervisor.deleteChild('a')
    for (const act of [
      () => supervisor.terminateChild('a'),
      () => supervisor.restartChild('a'),
      () => supervisor.deleteChild('a'),
      () => supervisor.terminateChild(pid),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'ERR_CHILD', reason: 'not_found' })
    }
    expect(await supervisor.whichChildren()).toEqual([])
    expect(a.log.messages('error')).toEqual([])
  })

  it('that is asked to start a child which fails to rejects, does not keep it, and lives on', async () => {
    const supervisor = await a.system.supervise()
    const failing = { id: 'a', server: () => ({ init: () => Promise.reject(new Error('no')) }) }
    await expect(supervisor.startChild(failing)).rejects.toMatchObject({ cause: { message: 'no' } })
    a.system.spawn(idle, { name: 'taken' })
    await expect(supervisor.startChild(worker('b', { name: 'taken' }))).rejects.toMatchObject({
      code: 'ERR_NAME_TAKEN',
    })
    expect(await supervisor.whichChildren()).toEqual([])
    expect(a.log.lines).toEqual([])
  })

  it('knows children without an id by their pid, and forgets them when they are gone', async () => {
    const supervisor = await a.system.supervise()
    const { id: _, ...anonymous } = worker('x')
    const pids = [await supervisor.startChild(anonymous), await supervisor.startChild(anonymous)] as const
    expect((await supervisor.whichChildren()).map(({ id, pid }) => [id, pid])).toEqual([
      [undefined, pids[1]],
      [undefined, pids[0]],
    ])
    a.system.exit(pids[0], KILL)
    await until(() => !a.system.isAlive(pids[0]))
    expect(await supervisor.countChildren()).toMatchObject({ specs: 2, active: 2 })
    await supervisor.terminateChild(pids[1])
    expect(await supervisor.countChildren()).toMatchObject({ specs: 1, active: 1 })
    const passing = await supervisor.startChild({ process: () => {}, restart: 'transient' })
    await until(() => !a.system.isAlive(passing))
    expect(await supervisor.countChildren()).toMatchObject({ specs: 1, active: 1 })
  })

  it('kills what does not end in time', async () => {
    const stubborn: ChildSpec = { id: 'stubborn', process: idle, trapExit: true, shutdown: 1000 }
    const stuck: ChildSpec = {
      id: 'stuck',
      server: () => ({ terminate: () => new Promise<void>(() => {}) }),
      trapExit: true,
    }
    const brutal: ChildSpec = worker('brutal', { shutdown: 'brutal_kill' })
    const patient = worker('patient', { shutdown: Number.POSITIVE_INFINITY })
    const supervisor = await a.system.supervise({ name: 'app', children: [stubborn, stuck, brutal, patient] })
    const pids = [await pidOf(supervisor, 'stubborn'), await pidOf(supervisor, 'stuck')]
    const closing = supervisor.close()
    await until(() => a.clock.pending > 0)
    a.clock.advance(4999)
    await settled()
    expect(a.system.isAlive(pids[1] as Pid)).toBe(true)
    a.clock.advance(1)
    await until(() => a.clock.pending > 0)
    a.clock.advance(1000)
    await closing
    expect(events).toEqual(['+brutal', '+patient', '-patient'])
    expect(a.log.messages('error')).toEqual([
      `supervisor app: child stuck (${pids[1]}) did not shut down in order: killed`,
      `supervisor app: child stubborn (${pids[0]}) did not shut down in order: killed`,
    ])
    expect(a.clock.pending).toBe(0)
  })

  it('ends children that do not trap exits at once, without terminate, as OTP does', async () => {
    const supervisor = await a.system.supervise({ children: [worker('a', { trapExit: false })] })
    await supervisor.close()
    expect(events).toEqual(['+a'])
    expect(a.log.messages('error')).toEqual([])
  })

  it('ends children in order although somebody suspended them', async () => {
    const supervisor = await a.system.supervise({ children: [worker('a')] })
    const asker = await within(a.system)
    const child = (await pidOf(supervisor, 'a')) as Pid
    asker.send(child, tuple(atom('system'), tuple(asker.pid, 1), atom('suspend')))
    expect(await asker.receive()).toEqual(tuple(1, atom('ok')))
    await supervisor.close()
    expect(events).toEqual(['+a', '-a'])
  })

  it('takes its children with it when it is killed', async () => {
    const supervisor = await a.system.supervise({
      children: [
        worker('a'),
        { id: 'b', process: idle },
        { id: 'inner', supervisor: { children: [worker('leaf')] } },
        { id: 'c', start: () => ({ close: () => void events.push('closed') }) },
      ],
    })
    events = []
    a.system.exit(supervisor.pid, KILL)
    await until(() => a.system.counts.processes === 0)
    expect(events.toSorted()).toEqual(['-a', '-leaf', 'closed'])
  })

  it('that is killed while a child starts takes that with it, too', async () => {
    const starting = a.system.supervise({
      name: 'app',
      children: [worker('a'), { id: 'b', server: { init: () => new Promise<void>(() => {}) } }],
    })
    await settled()
    a.system.exit(a.system.whereis('app') as Pid, KILL)
    await expect(starting).rejects.toMatchObject({ reason: atom('killed') })
    await until(() => a.system.counts.processes === 0)
    expect(events).toEqual(['+a', '-a'])
  })

  it('is restarted with its children by the one above it', async () => {
    const inner: SupervisorOptions = { name: 'inner', maxRestarts: 0, children: [worker('a'), worker('b')] }
    const top = await a.system.supervise({ name: 'top', children: [{ id: 'inner', supervisor: inner }] })
    const before = await pidOf(top, 'inner')
    const leaf = (await pidOf(a.system.supervisor('inner'), 'a')) as Pid
    events = []
    a.system.exit(leaf, KILL)
    await until(() => events.length === 3)
    expect(events).toEqual(['-b', '+a', '+b'])
    expect(await pidOf(top, 'inner')).not.toEqual(before)
    expect(a.log.messages('error').at(-1)).toBe(
      `supervisor top: child inner (${before}) ended: shutdown; restarting it (1 of 3 restarts allowed in 5 s)`,
    )
  })

  it('ignores exit signals and messages of strangers', async () => {
    const supervisor = await a.system.supervise({ name: 'app', children: [worker('a')] })
    const child = (await pidOf(supervisor, 'a')) as Pid
    const stranger = await within(a.system)
    stranger.exit(supervisor.pid, BOOM)
    stranger.send(supervisor.pid, tuple(atom('EXIT'), child, BOOM))
    stranger.send(supervisor.pid, 'hello')
    stranger.cast(supervisor.pid, 'cast')
    expect(await supervisor.countChildren()).toMatchObject({ active: 1 })
    expect(await pidOf(supervisor, 'a')).toBe(child)
    expect(a.log.messages('warn')).toHaveLength(2)
  })

  it.each([
    ['any_significant', 'a', ['-c', '-b']],
    ['all_significant', 'b', []],
  ] as const)('with autoShutdown %s ends with its significant children', async (autoShutdown, first, ends) => {
    const significant = { significant: true, restart: 'transient' } as const
    const supervisor = await a.system.supervise({
      autoShutdown,
      children: [worker('a', significant), worker('b', significant), worker('c')],
    })
    const ended = (await observer(a.system))(supervisor.pid)
    events = []
    const stop = (pid: Pid | undefined) =>
      a.system.send(pid as Pid, tuple(atom('EXIT'), supervisor.pid, atom('normal')))
    stop(await pidOf(supervisor, first))
    if (autoShutdown === 'all_significant') {
      await supervisor.countChildren()
      expect(a.system.isAlive(supervisor.pid)).toBe(true)
      stop(await pidOf(supervisor, 'a'))
    }
    expect(await ended).toBe(SHUTDOWN)
    expect(events.slice(1)).toEqual(ends.length > 0 ? ends : ['-a', '-c'])
  })

  it('is closed with its node: children in order, restarts no more', async () => {
    await a.system.supervise({
      children: [worker('a'), { id: 'p', process: idle }, { id: 'inner', supervisor: { children: [worker('leaf')] } }],
    })
    events = []
    await a.system.close()
    expect(events).toEqual(['-leaf', '-a'])
    expect(a.log.messages('error')).toEqual([])
    expect(a.system.counts).toEqual({ processes: 0, names: 0, references: 0, peers: 0 })
  })

  it('is no server that just has a name', async () => {
    await a.system.start({}, { name: 'server' })
    for (const of of ['server', 'nobody', a.system.pid]) {
      expect(() => a.system.supervisor(of)).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
    }
  })
})

describe('a closable thing under a supervisor', () => {
  it('is restarted when it says that it ended or failed, and closed before that', async () => {
    const ends: { resolve: () => void; reject: (error: Error) => void }[] = []
    const start = () => {
      const ended = new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
      return { ended, close: () => void events.push('closed') }
    }
    const supervisor = await a.system.supervise({ name: 'app', children: [{ id: 'r', start }] })
    ends[0]?.reject(new RangeError('lost'))
    await until(() => ends.length === 2)
    ends[1]?.resolve()
    await until(() => ends.length === 3)
    expect(events).toEqual(['closed', 'closed'])
    expect(a.log.messages('error').map((line) => line.replace(/#Pid<.*?>/, 'PID'))).toEqual([
      'process PID ended by RangeError: lost',
      'supervisor app: child r (PID) ended: RangeError: lost; restarting it (1 of 3 restarts allowed in 5 s)',
      'supervisor app: child r (PID) ended: normal; restarting it (2 of 3 restarts allowed in 5 s)',
    ])
    await supervisor.close()
    expect(events).toHaveLength(3)
  })

  it('is closed when its process is killed, also while it starts', async () => {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const resource = {
      close: () => Promise.reject(new Error('closed all the same')).finally(() => events.push('closed')),
    }
    const supervisor = await a.system.supervise({ maxRestarts: 9 })
    await supervisor.startChild({ id: 'a', start: () => resource, restart: 'temporary' })
    await crash(supervisor, 'a')
    expect(events).toEqual(['closed'])
    const starting = supervisor.startChild({ id: 'b', name: 'b', start: () => opened.then(() => resource) })
    await until(() => a.system.whereis('b') !== undefined)
    a.system.exit(a.system.whereis('b') as Pid, KILL)
    await expect(starting).rejects.toMatchObject({ reason: atom('killed') })
    open()
    await until(() => events.length === 2)
  })

  it('stops for exit signals, as a process that does not trap them', async () => {
    const supervisor = await a.system.supervise({
      children: [{ id: 'a', start: () => ({ close: () => void events.push('closed') }), restart: 'temporary' }],
    })
    const pid = (await pidOf(supervisor, 'a')) as Pid
    a.system.exit(pid, atom('normal'))
    await settled()
    expect(a.system.isAlive(pid)).toBe(true)
    a.system.exit(pid, BOOM)
    await until(() => !a.system.isAlive(pid))
    expect(events).toEqual(['closed'])
  })

  it('has to have a close', async () => {
    await expect(a.system.supervise({ children: [{ id: 'a', start: () => ({}) as never }] })).rejects.toMatchObject({
      cause: { cause: { code: 'ERR_INVALID_OPTION', option: 'start' } },
    })
  })
})

describe('options of a supervisor', () => {
  it.each([
    [{ strategy: 'all' }, 'strategy'],
    [{ maxRestarts: -1 }, 'maxRestarts'],
    [{ maxRestarts: Number.POSITIVE_INFINITY }, 'maxRestarts'],
    [{ maxSeconds: 0 }, 'maxSeconds'],
    [{ autoShutdown: 'always' }, 'autoShutdown'],
    [{ children: {} }, 'children'],
    [{ name: 'undefined' }, 'name'],
    [{ max_restarts: 1 }, 'max_restarts'],
    [{ children: [5] }, 'child'],
    [{ children: [{ id: 'a' }] }, 'child'],
    [{ children: [{ id: 'a', process: idle, server: {} }] }, 'child'],
    [{ children: [{ id: '', process: idle }] }, 'id'],
    [
      {
        children: [
          { id: 'a', process: idle },
          { id: atom('a'), process: idle },
        ],
      },
      'id',
    ],
    [{ children: [{ process: idle, restart: 'always' }] }, 'restart'],
    [{ children: [{ process: idle, shutdown: -1 }] }, 'shutdown'],
    [{ children: [{ process: idle, trapexit: true }] }, 'child.trapexit'],
    [{ children: [{ process: idle, overflow: 'grow' }] }, 'overflow'],
    [{ children: [{ process: 5 }] }, 'process'],
    [{ children: [{ start: 5 }] }, 'start'],
    [{ children: [{ server: 5 }] }, 'server'],
    [{ children: [{ supervisor: {}, name: 'inner' }] }, 'child.name'],
    [{ children: [{ supervisor: { strategy: 'none' } }] }, 'strategy'],
    [{ children: [{ supervisor: null }] }, 'supervisor'],
    [{ children: [{ id: 'a', server: undefined }] }, 'child'],
    [null, 'supervisor'],
    [{ children: [{ process: idle, significant: true, restart: 'transient' }] }, 'significant'],
    [{ autoShutdown: 'any_significant', children: [{ process: idle, significant: true }] }, 'significant'],
  ])('%o are refused', async (options, option) => {
    await expect(a.system.supervise(options as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    expect(a.system.counts.processes).toBe(0)
  })

  it('do not take an instance, which could be started only once', async () => {
    class Once extends GenServer {
      override init(_self: ServerProcess) {}
    }
    const supervisor = await a.system.supervise()
    await expect(supervisor.startChild({ server: new Once() })).rejects.toMatchObject({ option: 'server' })
  })
})
