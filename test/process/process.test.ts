import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import { ExitError, exitReasonOf, withoutStack } from '../../src/process/exit-reason.ts'
import { exitEffect } from '../../src/process/exit-signal.ts'
import type { SpawnOptions } from '../../src/process/process.ts'
import { atom } from '../../src/term/atom.ts'
import { Pid } from '../../src/term/identifiers.ts'
import { charlist } from '../../src/term/special.ts'
import type { Term } from '../../src/term/term.ts'
import { isTuple, tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { idle, observer, until, within } from './observe.ts'

const KILL = atom('kill')
const KILLED = atom('killed')
const NORMAL = atom('normal')
const BOOM = atom('boom')
const EXIT = atom('EXIT')

function one(limits?: { mailboxMessages: number; mailboxBytes: number }): FakeNode {
  return new FakeNetwork().node('a@host', limits)
}

describe('a process', () => {
  it('starts after spawn has returned and reads what was sent before', async () => {
    const { system } = one()
    const ended = await observer(system)
    const events: Term[] = []
    const pid = system.spawn(async (self) => {
      events.push('started')
      for await (const message of self) {
        events.push(message)
        if (message === 'stop') break
      }
    })
    events.push('spawned')
    expect(system.send(pid, 1)).toBe(true)
    system.send(pid, 'stop')
    expect(await ended(pid)).toBe(NORMAL)
    expect(events).toEqual(['spawned', 'started', 1, 'stop'])
    // The observer is left.
    expect(system.counts).toMatchObject({ processes: 1, references: 0, names: 0 })
  })

  it('runs in the asynchronous context of whoever spawned it, also among others of the same turn', async () => {
    const { system } = one()
    const context = new AsyncLocalStorage<string>()
    const seen: Promise<string | undefined>[] = ['first', 'second'].map((name) => {
      return new Promise((resolve) => {
        context.run(name, () => {
          system.spawn(
            async (self) => {
              await self.receive()
              resolve(context.getStore())
            },
            { name },
          )
        })
      })
    })
    system.send('second', 'go')
    system.send('first', 'go')
    expect(await Promise.all(seen)).toEqual(['first', 'second'])
  })

  it('gets the very object a local sender sent', async () => {
    const { system } = one()
    const message = tuple(atom('temperature'), 42)
    const got = new Promise<Term>((resolve) => {
      system.spawn(async (self) => resolve(await self.receive()), { name: 'sink' })
    })
    system.send('sink', message)
    expect(await got).toBe(message)
  })

  it('is dead to the world at once when it is killed', async () => {
    const { system } = one()
    const self = await within(system, { name: 'victim' })
    const receiving = self.receive((m) => m === 'never')
    const calling = self.call(system.spawn(idle), 'anything')
    const reasons: unknown[] = []
    self.signal.addEventListener('abort', () => reasons.push(self.signal.reason))
    system.exit(self.pid, KILL)
    expect(system.whereis('victim')).toBeUndefined()
    expect(system.isAlive(self.pid)).toBe(false)
    expect(reasons).toEqual([expect.objectContaining({ code: 'ERR_EXIT', reason: KILLED })])
    expect(() => self.send(self.pid, 1)).toThrow(ExitError)
    expect(() => self.monitor(self.pid)).toThrow(ExitError)
    expect(() => self.link(self.pid)).toThrow(ExitError)
    expect(() => self.exit(NORMAL)).toThrow(ExitError)
    await expect(self.call(self.pid, 1)).rejects.toMatchObject({ reason: KILLED })
    await expect(receiving).rejects.toMatchObject({ code: 'ERR_EXIT', reason: KILLED })
    await expect(calling).rejects.toMatchObject({ code: 'ERR_EXIT', reason: KILLED })
    expect(system.counts.references).toBe(0)
  })

  it('ends its loop and lets the code after it run when it is killed', async () => {
    const { system } = one()
    let after: unknown
    const done = new Promise<void>((resolve) => {
      const pid = system.spawn(async (self) => {
        for await (const _ of self) throw new Error('there is no message')
        try {
          self.send(pid, 'anything')
        } catch (error) {
          after = error
        }
        resolve()
      })
      queueMicrotask(() => queueMicrotask(() => system.exit(pid, KILL)))
    })
    await done
    expect(after).toMatchObject({ code: 'ERR_EXIT', reason: KILLED })
  })

  it('has a signal that is aborted already when it is first asked for after the end', async () => {
    const node = one()
    const self = await within(node.system)
    node.system.exit(self.pid, BOOM)
    expect(self.signal.aborted).toBe(true)
    expect(self.signal.reason).toMatchObject({ reason: BOOM })
  })

  it('leaves no unhandled rejection behind when it ends with waits nobody looks at', async () => {
    const node = one()
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const self = await within(node.system)
      void self.receive()
      void self.call(node.system.spawn(idle), 1)
      node.system.exit(self.pid, KILL)
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(unhandled).toEqual([])
  })

  it('never runs when it is killed before it started', async () => {
    const { system } = one()
    let ran = false
    const pid = system.spawn(() => {
      ran = true
    })
    system.exit(pid, KILL)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ran).toBe(false)
  })

  it('ends with mailbox_overflow when its mailbox is full, said once', async () => {
    const node = one({ mailboxMessages: 3, mailboxBytes: 1000 })
    const ended = await observer(node.system)
    const pid = node.system.spawn((self) => self.receive((m) => m === 'never'))
    await new Promise((resolve) => setImmediate(resolve))
    const reason = ended(pid)
    await new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < 5; i++) node.system.send(pid, i)
    expect(await reason).toBe(atom('mailbox_overflow'))
    expect(node.log.messages('error')).toHaveLength(1)
    expect(node.log.messages('error')[0]).toContain('mailbox is full')
  })

  it('drops and counts what does not fit when it asked for that', async () => {
    const node = one({ mailboxMessages: 3, mailboxBytes: 1000 })
    const self = await within(node.system, { overflow: 'drop' })
    for (let i = 0; i < 6; i++) node.system.send(self.pid, i)
    expect([self.mailboxLength, self.dropped]).toEqual([3, 3])
    expect(node.log.messages('warn')).toHaveLength(1)
  })

  it('shows the length of its mailbox, to itself and outside', async () => {
    const network = new FakeNetwork()
    const [a, b] = [network.node('a@host'), network.node('b@host')]
    const self = await within(a.system, { name: 'slow', trapExit: true })
    a.system.send(self.pid, 'local')
    b.system.send(self.pid, 'remote')
    await until(() => self.mailboxLength === 2)
    expect(a.system.list()).toEqual([self.pid])
    expect(a.system.info(self.pid)).toEqual({
      pid: self.pid,
      name: 'slow',
      kind: 'process',
      mailboxLength: 2,
      mailboxBytes: 10,
      dropped: 0,
      trapExit: true,
      links: 0,
      monitors: 0,
      monitoredBy: 0,
      age: expect.any(Number),
    })
    a.system.exit(self.pid, atom('kill'))
    expect([a.system.list(), a.system.info(self.pid)]).toEqual([[], undefined])
  })

  it('shows what ties it to others, and what kind it is', async () => {
    const node = one()
    const other = await within(node.system)
    const self = await within(node.system)
    self.link(other.pid)
    self.monitor(other.pid)
    expect(node.system.info(self.pid)).toMatchObject({ links: 1, monitors: 1, monitoredBy: 0 })
    expect(node.system.info(other.pid)).toMatchObject({ links: 1, monitors: 0, monitoredBy: 1 })
    const [server, supervisor] = [await node.system.start({}), await node.system.supervise()]
    const service = node.system.serve(undefined, {}, () => {})
    const kinds = [server.pid, supervisor.pid, service.pid].map((pid) => node.system.info(pid)?.kind)
    expect(kinds).toEqual(['server', 'supervisor', 'service'])
  })

  it('is found among many when its mailbox is the longest', async () => {
    const node = one()
    for (let i = 0; i < 100; i++) {
      const { pid } = await within(node.system)
      for (let n = 0; n < (i * 37) % 100; n++) node.system.send(pid, n)
    }
    const { messages, top, whole } = node.system.survey({ top: 3, scan: 1000 })
    expect([messages, whole]).toEqual([(99 * 100) / 2, true])
    expect(top.map(({ mailboxLength }) => mailboxLength)).toEqual([99, 98, 97])
    expect(node.system.survey({ top: 3, scan: 50 })).toMatchObject({ whole: false })
    expect(node.system.survey({ top: 0, scan: 1000 }).top).toEqual([])
    expect(node.system.survey({ top: 1000, scan: 1000 }).top).toHaveLength(node.system.counts.processes)
  })

  it('refuses options nobody reads', () => {
    const { system } = one()
    expect(() => system.spawn(idle, { nam: 'x' } as SpawnOptions)).toThrow(/did you mean name/)
    expect(() => system.spawn(idle, { trapExit: 1 as unknown as boolean })).toThrow(/trapExit/)
    expect(() => system.spawn('x' as never)).toThrow(/body/)
    expect(() => system.send({} as never, 1)).toThrow(/to: expected a pid/)
  })
})

describe('the reason a process ends with', () => {
  it('is normal when its body returns, also without a promise', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pids = [system.spawn(() => 5), system.spawn(async () => 5)]
    expect(await Promise.all(pids.map((pid) => ended(pid)))).toEqual([NORMAL, NORMAL])
  })

  it('is what it gave to exit, and nothing is logged', async () => {
    const node = one()
    const ended = await observer(node.system)
    const pid = node.system.spawn((self) => self.exit(tuple(atom('shutdown'), 1)))
    expect(await ended(pid)).toEqual(tuple(atom('shutdown'), 1))
    expect(node.log.lines).toEqual([])
  })

  it('goes on when it caught its own exit, as in Erlang', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn((self) => {
      try {
        self.exit(BOOM)
      } catch {
        return self.exit(atom('caught'))
      }
    })
    expect(await ended(pid)).toBe(atom('caught'))
  })

  it.each([
    ['at once', () => failing()],
    ['later', async () => failing()],
  ])('is readable and logged once when it throws %s', async (_when, body) => {
    const node = one()
    const ended = await observer(node.system)
    const pid = node.system.spawn(body, { name: 'worker' })
    const reason = await ended(pid)
    expect(isTuple(reason) && reason[0]).toEqual(tuple(atom('TypeError'), 'no such sensor'))
    const [frame] = (isTuple(reason) ? reason[1] : []) as Term[]
    expect(isTuple(frame) && frame.slice(0, 3)).toEqual([atom('process.test.ts'), atom('failing'), 0])
    const location = (isTuple(frame) ? frame[3] : []) as Term[]
    expect(location[0]).toEqual(tuple(atom('file'), charlist('process.test.ts')))
    expect(isTuple(location[1]) && location[1][0]).toBe(atom('line'))
    expect(node.log.messages('error')).toEqual([`process ${pid} (worker) ended by TypeError: no such sensor`])
  })

  it('is {nocatch, Value} when it throws no error', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn(() => {
      throw tuple(atom('a'), 1)
    })
    expect(await ended(pid)).toEqual(tuple(tuple(atom('nocatch'), tuple(atom('a'), 1)), []))
  })

  it('is that of OTP when a call failed and nobody caught it', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn((self) => self.call('nobody', 1))
    expect(await ended(pid)).toEqual(
      tuple(atom('noproc'), tuple(atom('gen_server'), atom('call'), [tuple(atom('nobody'), atom('a@host'))])),
    )
  })

  it('is told in messages without its stack, wherever that stands', () => {
    const reason = exitReasonOf(new TypeError('no such sensor'))
    expect(new ExitError(reason).message).toBe(`exited with reason {'TypeError',<<"no such sensor">>}`)
    const nested = tuple(atom('shutdown'), tuple(atom('failed_to_start_child'), 'a', reason))
    expect(new ExitError(nested)).toMatchObject({
      message: `exited with reason {shutdown,{failed_to_start_child,<<"a">>,{'TypeError',<<"no such sensor">>}}}`,
      reason: nested,
    })
    let deep: Term = reason
    for (let level = 0; level < 100_000; level++) deep = tuple(deep)
    expect(withoutStack(tuple(...new Array<Term>(100_000).fill(deep)))).toHaveLength(100_000)
    expect(withoutStack(deep)).toHaveLength(1)
  })

  it('holds only terms, whatever was thrown', () => {
    for (const [thrown, expected] of [
      [Number.NaN, 'NaN'],
      [null, null],
      [undefined, undefined],
      [5n, 5n],
      [{ a: 1 }, 'an instance of Object'],
      ['\ud800', '\ufffd'],
    ] as const) {
      expect(exitReasonOf(thrown)).toEqual(tuple(tuple(atom('nocatch'), expected), []))
    }
    const nameless = new Error('x\ud800')
    nameless.name = ''
    expect(exitReasonOf(nameless)).toMatchObject([[atom('Error'), 'x\ufffd'], expect.any(Array)])
  })
})

function failing(): never {
  throw new TypeError('no such sensor')
}

describe('an exit signal', () => {
  it.each([
    // source, reason, trapping, from itself → effect
    ['exit', KILL, false, false, 'kill'],
    ['exit', KILL, true, false, 'kill'],
    ['exit', KILL, true, true, 'kill'],
    ['exit', NORMAL, false, false, 'ignore'],
    ['exit', NORMAL, false, true, 'exit'],
    ['exit', NORMAL, true, false, 'message'],
    ['exit', NORMAL, true, true, 'message'],
    ['exit', BOOM, false, false, 'exit'],
    ['exit', BOOM, false, true, 'exit'],
    ['exit', BOOM, true, false, 'message'],
    ['exit', KILLED, true, false, 'message'],
    ['link', NORMAL, false, false, 'ignore'],
    ['link', NORMAL, true, false, 'message'],
    ['link', KILL, false, false, 'exit'],
    ['link', KILL, true, false, 'message'],
    ['link', KILLED, true, false, 'message'],
    ['link', BOOM, false, false, 'exit'],
    ['link', BOOM, true, false, 'message'],
  ] as const)('%s %s, trapping: %s, from itself: %s → %s', (source, reason, trapping, itself, effect) => {
    expect(exitEffect(source, reason, trapping, itself)).toBe(effect)
  })

  it('comes as a message to a process that traps exits', async () => {
    const node = one()
    const ended = await observer(node.system)
    const got: Term[] = []
    const pid = node.system.spawn(
      async (self) => {
        got.push(await self.receive(), await self.receive())
      },
      { trapExit: true },
    )
    node.system.exit(pid, NORMAL)
    node.system.exit(pid, BOOM)
    expect(await ended(pid)).toBe(NORMAL)
    expect(got).toEqual([tuple(EXIT, node.system.pid, NORMAL), tuple(EXIT, node.system.pid, BOOM)])
  })

  it('that a process sends to itself ends it', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn(async (self) => {
      self.exit(self.pid, NORMAL)
      await idle(self)
    })
    expect(await ended(pid)).toBe(NORMAL)
  })

  it('does nothing to a process that is not there, nor to the pid of code outside', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn(() => {})
    await ended(pid)
    system.exit(pid, KILL)
    system.exit(system.pid, KILL)
    expect(system.isAlive(system.pid)).toBe(true)
  })
})

describe('a registered name', () => {
  it('belongs to one process, is found, and is free when the process ends', async () => {
    const { system } = one()
    const pid = system.spawn(idle, { name: 'sink' })
    const other = system.spawn(idle)
    expect(system.whereis('sink')).toBe(pid)
    expect(system.registered()).toEqual(['sink'])
    expect(() => system.spawn(idle, { name: 'sink' })).toThrow(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    expect(() => system.register('sink', other)).toThrow(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    expect(() => system.register('second', pid)).toThrow(/has a name already: sink/)
    expect(system.counts.processes).toBe(2)
    system.exit(pid, KILL)
    system.register('sink', other)
    expect(system.whereis('sink')).toBe(other)
    system.unregister('sink')
    expect(system.whereis('sink')).toBeUndefined()
    expect(system.isAlive(other)).toBe(true)
  })

  it('is refused for what is no living process of this node, and when it is no name', async () => {
    const { system } = one()
    const ended = await observer(system)
    const pid = system.spawn(() => {})
    await ended(pid)
    const noproc = expect.objectContaining({ code: 'ERR_NOPROC' })
    expect(() => system.register('a', pid)).toThrow(noproc)
    expect(() => system.register('a', new Pid('b@host', 1, 0, 7))).toThrow(noproc)
    expect(() => system.unregister('a')).toThrow(noproc)
    for (const name of ['', 'undefined', 5 as unknown as string]) {
      expect(() => system.spawn(idle, { name })).toThrow(expect.objectContaining({ option: 'name' }))
    }
  })

  it('that nobody has: a bare one throws as in Erlang, one with a node does not, nor does a cast', () => {
    const { system } = one()
    expect(() => system.send('nobody', 1)).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
    expect(system.send({ name: 'nobody', node: 'a@host' }, 1)).toBe(true)
    expect(system.cast('nobody', 1)).toBe(true)
  })
})

describe('an alias', () => {
  it('is an address of its process until it is taken away', async () => {
    const node = one()
    const self = await within(node.system, { overflow: 'drop' })
    const alias = self.alias()
    const once = self.alias({ once: true })
    const got: Term[] = []
    const receiving = [self.receive(), self.receive()].map((p) => p.then((m) => got.push(m)))
    for (const message of ['a', 'b']) node.system.send(alias, message)
    self.unalias(alias)
    node.system.send(alias, 'late')
    node.system.send(once, 'c')
    node.system.send(once, 'late')
    await Promise.all([...receiving])
    expect(got).not.toContain('late')
    expect(node.system.counts.references).toBe(0)
    self.alias()
    node.system.exit(self.pid, KILL)
    expect(node.system.counts.references).toBe(0)
  })
})

describe('the end of a node', () => {
  it('ends every process, and refuses new ones', async () => {
    const { system } = one()
    const self = await within(system, { trapExit: true })
    const call = system.call(self.pid, 1)
    await Promise.all([system.close(), system.close(), expect(call).rejects.toMatchObject({ code: 'ERR_CALL_EXIT' })])
    expect(self.signal.reason).toMatchObject({ reason: atom('shutdown') })
    expect(() => system.spawn(idle)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await expect(system.call(self.pid, 1)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(system.counts).toEqual({ processes: 0, names: 0, references: 0, peers: 0 })
  })
})
