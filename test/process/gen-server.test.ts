import { beforeEach, describe, expect, it } from 'vitest'
import type { From } from '../../src/process/from.ts'
import { GenServer, noReply, type ServerProcess } from '../../src/process/gen-server.ts'
import { atom } from '../../src/term/atom.ts'
import { Reference } from '../../src/term/identifiers.ts'
import { ImproperList } from '../../src/term/special.ts'
import type { Term } from '../../src/term/term.ts'
import { tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { observer, settled, within } from './observe.ts'

const BOOM = atom('boom')
const GEN_CALL = atom('$gen_call')
const SYSTEM = atom('system')

let network: FakeNetwork
let a: FakeNode
let b: FakeNode

beforeEach(() => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
})

/** A promise and what settles it. */
function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

class Counter extends GenServer {
  count = 0
  readonly infos: Term[] = []
  readonly ends: Term[] = []

  override handleCall(request: Term, from: From) {
    if (request === 'later') {
      queueMicrotask(() => from.reply('now'))
      return noReply
    }
    if (request === 'boom') throw new TypeError('asked to')
    if (request === 'stop') this.stop(BOOM)
    return ++this.count
  }

  override handleCast(message: Term) {
    this.count += message as number
  }

  override handleInfo(message: Term) {
    this.infos.push(message)
  }

  override terminate(reason: Term) {
    this.ends.push(reason)
  }
}

describe('a GenServer', () => {
  it('answers calls, casts and other messages, of its own node and of others', async () => {
    const counter = new Counter()
    const server = await a.system.start(counter, { name: 'counter' })
    expect(await server.call('next')).toBe(1)
    expect(server.cast(10)).toBe(true)
    expect(await a.system.call('counter', 'next')).toBe(12)
    b.system.cast({ name: 'counter', node: 'a@host' }, 100)
    expect(await b.system.call({ name: 'counter', node: 'a@host' }, 'next')).toBe(113)
    expect(await b.system.call(server.pid, 'later')).toBe('now')
    b.system.send(server.pid, 'hello')
    a.system.send(server, 'there')
    await settled()
    expect(counter.infos).toEqual(['there', 'hello'])
    await settled()
    expect(b.system.counts.references).toBe(0)
  })

  it.each([
    ['a class', Counter],
    ['a function that makes one', () => new Counter()],
    ['an arrow that makes handlers', () => ({ handleCall: () => 1 })],
    ['a handlers object', { handleCall: () => 1 }],
    ['an instance', new Counter()],
    [
      'a class that extends nothing',
      class {
        #one = 1
        handleCall() {
          return this.#one
        }
      },
    ],
  ])('is started from %s', async (_title, source) => {
    const server = await a.system.start(source)
    expect(await server.call('next')).toBe(1)
  })

  it('instance can be started once only', async () => {
    const counter = new Counter()
    await a.system.start(counter)
    await expect(a.system.start(counter)).rejects.toMatchObject({
      code: 'ERR_EXIT',
      cause: { code: 'ERR_INVALID_OPTION' },
    })
    expect(a.system.counts.processes).toBe(1)
  })

  it.each([[5], [null], [() => 5]])('is not made of %s', async (source) => {
    await expect(a.system.start(source as never)).rejects.toMatchObject({ cause: { option: 'server' } })
    expect(a.system.counts.processes).toBe(0)
  })

  it('handles one message at a time, also while a handler awaits', async () => {
    const events: Term[] = []
    const gates = [gate(), gate()]
    const server = await a.system.start({
      async handleCall(request) {
        events.push(`in ${request}`)
        await gates[request as number]?.promise
        events.push(`out ${request}`)
        return request
      },
      async handleCast(message) {
        events.push(`cast ${message}`)
      },
    })
    const calls = [server.call(0), server.call(1)]
    server.cast('c')
    await settled()
    expect(events).toEqual(['in 0'])
    gates[1]?.open()
    await settled()
    expect(events).toEqual(['in 0'])
    gates[0]?.open()
    expect(await Promise.all(calls)).toEqual([0, 1])
    await settled()
    expect(events).toEqual(['in 0', 'out 0', 'in 1', 'out 1', 'cast c'])
  })

  it('does not run in the stack of the sender', async () => {
    let handled = 0
    const server = await a.system.start({ handleCast: () => void handled++ })
    for (let i = 0; i < 5; i++) server.cast(i)
    expect(handled).toBe(0)
    await settled()
    expect(handled).toBe(5)
  })

  it('that sends to itself for ever leaves the event loop its turns', async () => {
    let turned = false
    setTimeout(() => {
      turned = true
    }, 1)
    const done = gate()
    const server = await a.system.start({
      handleCast(count: Term, self: ServerProcess) {
        if (turned) done.open()
        else self.cast(self.pid, (count as number) + 1)
      },
    })
    server.cast(0)
    await done.promise
    expect(turned).toBe(true)
  })

  it('waits for init before anything else', async () => {
    const opened = gate()
    const events: Term[] = []
    const starting = a.system.start(
      {
        async init(self: ServerProcess) {
          events.push(self.name)
          await opened.promise
          events.push('ready')
        },
        handleCast: (message) => void events.push(message),
      },
      { name: 'slow' },
    )
    a.system.cast('slow', 'cast')
    await settled()
    expect(events).toEqual(['slow'])
    opened.open()
    await starting
    await settled()
    expect(events).toEqual(['slow', 'ready', 'cast'])
  })

  it('that fails in init rejects its start with the cause and frees its name', async () => {
    const failing = {
      init() {
        throw new TypeError('no database')
      },
    }
    await expect(a.system.start(failing, { name: 'x' })).rejects.toMatchObject({
      code: 'ERR_EXIT',
      reason: [[atom('TypeError'), 'no database'], expect.any(Array)],
      cause: { message: 'no database' },
    })
    const stopping = { init: (self: ServerProcess) => self.stop(BOOM) }
    await expect(a.system.start(stopping, { name: 'x' })).rejects.toMatchObject({ reason: BOOM })
    expect(a.system.whereis('x')).toBeUndefined()
    expect(a.log.lines).toEqual([])
  })

  it('that is killed in init rejects its start', async () => {
    const starting = a.system.start({ init: () => new Promise<void>(() => {}) }, { name: 'x' })
    await settled()
    const pid = a.system.whereis('x')
    if (pid !== undefined) a.system.exit(pid, atom('kill'))
    await expect(starting).rejects.toMatchObject({ reason: atom('killed') })
  })

  it('refuses a name that is taken', async () => {
    await a.system.start(Counter, { name: 'x' })
    await expect(a.system.start(Counter, { name: 'x' })).rejects.toMatchObject({ code: 'ERR_NAME_TAKEN' })
  })

  it('continues before the next message', async () => {
    const events: Term[] = []
    const server = await a.system.start({
      init: (self: ServerProcess) => self.continue('first'),
      handleContinue: (argument) => void events.push(argument),
      handleCast: (message: Term, self: ServerProcess) => {
        events.push(message)
        self.continue(`after ${message}`)
      },
    })
    server.cast('a')
    server.cast('b')
    await settled()
    expect(events).toEqual(['first', 'a', 'after a', 'b', 'after b'])
  })

  it('replies before it stops, runs terminate, and says why in the log once', async () => {
    const counter = new Counter()
    const server = await a.system.start(counter, { name: 'counter' })
    const ended = await observer(a.system)
    const reason = ended(server.pid)
    expect(await b.system.call(server.pid, 'stop')).toBe(1)
    expect(await reason).toBe(BOOM)
    expect(counter.ends).toEqual([BOOM])
    expect(a.log.messages('error')).toEqual([`process ${server.pid} (counter) ended with reason ${String(BOOM)}`])
  })

  it('ends with a readable reason when a handler throws, after terminate, and its caller hears it', async () => {
    const counter = new Counter()
    const server = await a.system.start(counter)
    await expect(b.system.call(server.pid, 'boom')).rejects.toMatchObject({
      code: 'ERR_CALL_EXIT',
      reason: [[atom('TypeError'), 'asked to'], expect.any(Array)],
    })
    expect(counter.ends).toHaveLength(1)
    expect(a.log.messages('error')).toEqual([`process ${server.pid} ended by TypeError: asked to`])
  })

  it('ends when an async handler rejects, and with the reason of terminate when that throws', async () => {
    const server = await a.system.start({
      handleCast: async () => {
        throw new Error('first')
      },
      terminate: async () => {
        throw new RangeError('second')
      },
    })
    const ended = await observer(a.system)
    const reason = ended(server.pid)
    server.cast(1)
    expect(await reason).toMatchObject([[atom('RangeError'), 'second'], expect.any(Array)])
    expect(a.log.messages('error')).toHaveLength(1)
  })

  it('ends when its reply is no term, so that a remote caller does not wait', async () => {
    const server = await a.system.start({ handleCall: () => (() => 1) as unknown as Term })
    await expect(b.system.call(server.pid, 1)).rejects.toMatchObject({ code: 'ERR_CALL_EXIT' })
  })

  it('survives a reply for which the link has no room', async () => {
    const server = await a.system.start({ handleCall: () => 1 })
    const reply = b.system.call(server.pid, 1, { timeout: 10 })
    network.full = true
    await settled()
    network.full = false
    b.clock.advance(10)
    await expect(reply).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await b.system.call(server.pid, 1)).toBe(1)
  })

  it.each([
    [
      'a call',
      (node: FakeNode, pid: Parameters<FakeNode['system']['cast']>[0]) => void node.system.call(pid, 1).catch(() => {}),
      'bad_call',
    ],
    [
      'a cast',
      (node: FakeNode, pid: Parameters<FakeNode['system']['cast']>[0]) => void node.system.cast(pid, 1),
      'bad_cast',
    ],
  ])('without a handler for %s ends as in OTP', async (_title, act, reason) => {
    for (const source of [{}, class extends GenServer {}]) {
      const server = await a.system.start(source)
      const ended = await observer(a.system)
      const end = ended(server.pid)
      act(a, server.pid)
      expect(await end).toEqual(tuple(atom(reason), 1))
    }
  })

  it('without a handler for other messages logs and drops them', async () => {
    const server = await a.system.start({ handleCall: () => 1 })
    a.system.send(server, 'what')
    expect(await server.call(0)).toBe(1)
    expect(a.log.messages('warn')).toEqual([`process ${server.pid} got a message it does not handle: what`])
  })

  it('gets exit signals as messages when it traps exits, else is gone without terminate', async () => {
    const [plain, trapping] = [new Counter(), new Counter()]
    const one = await a.system.start(plain)
    const two = await a.system.start(trapping, { trapExit: true })
    for (const { pid } of [one, two]) a.system.exit(pid, BOOM)
    await settled()
    expect([a.system.isAlive(one.pid), plain.ends]).toEqual([false, []])
    expect(trapping.infos).toEqual([tuple(atom('EXIT'), a.system.pid, BOOM)])
  })

  it('does nothing more when it is killed while a handler awaits', async () => {
    const opened = gate()
    const events: Term[] = []
    const server = await a.system.start({
      async handleCall() {
        await opened.promise
        return 'late'
      },
      handleCast: (message) => void events.push(message),
      terminate: () => void events.push('terminate'),
    })
    const call = server.call(1)
    server.cast('next')
    await settled()
    a.system.exit(server.pid, atom('kill'))
    await expect(call).rejects.toMatchObject({ reason: atom('killed') })
    opened.open()
    await settled()
    expect(events).toEqual([])
    expect(a.log.lines).toEqual([])
  })

  it('can answer when it is dead: nobody gets it', async () => {
    let kept: From | undefined
    const server = await a.system.start({
      handleCall(_request, from) {
        kept = from
        return noReply
      },
    })
    const call = server.call(1)
    await settled()
    a.system.exit(server.pid, atom('kill'))
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALL_EXIT' })
    expect(kept?.reply(1)).toBe(false)
  })

  it('has no process before it is started', () => {
    class Eager extends GenServer {
      peek() {
        return this.self
      }
    }
    expect(() => new Eager().peek()).toThrow(/once it is started/)
  })
})

describe('what other nodes ask of a GenServer', () => {
  const ref = new Reference('b@host', [1, 2, 3], 7)

  it.each([
    ['a plain reference (before OTP 24)', ref],
    ['what multi_call uses', tuple(ref, atom('b@host'))],
    ['a list of something else', [1, 2]],
  ])('with %s as tag is answered to the pid, the tag unchanged', async (_title, tag) => {
    const server = await a.system.start({ handleCall: () => 'pong' })
    const asker = await within(b.system)
    b.system.send(server.pid, tuple(GEN_CALL, tuple(asker.pid, tag), 'ping'))
    expect(await asker.receive()).toEqual(tuple(tag, 'pong'))
    await settled()
    expect(a.sent).toEqual(['send'])
  })

  it.each([
    ['[alias | Ref]', (alias: Reference) => new ImproperList([atom('alias')], alias)],
    ['[[alias | Ref] | Tail]', (alias: Reference) => new ImproperList([new ImproperList([atom('alias')], alias)], 1)],
    ['[[alias | Ref], More]', (alias: Reference) => [new ImproperList([atom('alias')], alias), 1]],
  ])('with the tag %s is answered to the alias', async (_title, tagOf) => {
    const server = await a.system.start({ handleCall: () => 'pong' })
    const asker = await within(b.system)
    const tag = tagOf(asker.alias())
    b.system.send(server.pid, tuple(GEN_CALL, tuple(asker.pid, tag), 'ping'))
    expect(await asker.receive()).toEqual(tuple(tag, 'pong'))
    expect(a.sent).toEqual(['aliasSend'])
  })

  it('without a proper sender is an ordinary message', async () => {
    const counter = new Counter()
    const server = await a.system.start(counter)
    const odd = [
      tuple(GEN_CALL, 1, 2),
      tuple(GEN_CALL),
      tuple(SYSTEM, tuple(1, 2), 3),
      tuple(atom('$gen_cast')),
      [GEN_CALL],
    ]
    for (const message of odd) a.system.send(server, message)
    await settled()
    expect(counter.infos).toEqual(odd)
  })
})

describe('the reference to a server', () => {
  it('closes it, with terminate, as often as one likes', async () => {
    const counter = new Counter()
    const server = await a.system.start(counter)
    await Promise.all([server.close(), server.close(), server[Symbol.asyncDispose]()])
    await server.close()
    expect(counter.ends).toEqual([atom('shutdown')])
    await expect(server.call(1)).rejects.toMatchObject({ code: 'ERR_NOPROC' })
  })

  it('is closed with its node; a server that does not end in time is killed', async () => {
    const counter = new Counter()
    await a.system.start(counter)
    const stuck = await a.system.start({ terminate: () => new Promise<void>(() => {}) })
    const closing = a.system.close({ grace: 1000 })
    await settled()
    expect(counter.ends).toEqual([atom('shutdown')])
    expect(a.system.isAlive(stuck.pid)).toBe(true)
    a.clock.advance(1000)
    await closing
    expect(a.system.counts).toEqual({ processes: 0, names: 0, references: 0, peers: 0 })
    expect(a.clock.pending).toBe(0)
  })
})
