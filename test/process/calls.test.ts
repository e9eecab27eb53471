import { beforeEach, describe, expect, it } from 'vitest'
import { CallError } from '../../src/process/call-error.ts'
import type { Process } from '../../src/process/process.ts'
import { atom } from '../../src/term/atom.ts'
import { type Pid, Reference } from '../../src/term/identifiers.ts'
import { ImproperList } from '../../src/term/special.ts'
import type { Term } from '../../src/term/term.ts'
import { isTuple, type Tuple, tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { idle, settled, within } from './observe.ts'

const NO_LEAK = { references: 0 }

let network: FakeNetwork
let a: FakeNode
let b: FakeNode

beforeEach(() => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
})

/** Waits for one call and returns its parts. */
async function question(self: Process): Promise<{ pid: Pid; tag: Term; request: Term }> {
  const message = (await self.receive((m) => isTuple(m) && m[0] === atom('$gen_call'))) as Tuple
  const [pid, tag] = message[1] as [Pid, Term] & Tuple
  return { pid, tag, request: message[2] }
}

describe.each(['local', 'remote'])('a call to a %s process', (where) => {
  let node: FakeNode
  let server: Process

  beforeEach(async () => {
    node = where === 'local' ? a : b
    server = await within(node.system, { name: 'server' })
  })

  it('asks as OTP 24 and later do, and resolves to the reply sent to the alias', async () => {
    const reply = a.system.call({ name: 'server', node: node.name }, 'hello')
    const { pid, tag, request } = await question(server)
    expect([pid, request]).toEqual([a.system.pid, 'hello'])
    expect(tag).toEqual(new ImproperList([atom('alias')], expect.any(Reference)))
    server.send((tag as ImproperList).tail as Reference, tuple(tag, 42))
    expect(await reply).toBe(42)
    await settled()
    expect([a.system.counts, b.system.counts]).toMatchObject([NO_LEAK, NO_LEAK])
    if (where === 'remote') expect(a.sent).toEqual(['monitor', 'regSend', 'demonitor'])
  })

  it('takes a reply that is sent to the pid, for code outside and for a process', async () => {
    const caller = await within(a.system)
    for (const call of [a.system.call(server.pid, 1), caller.call(server.pid, 1)]) {
      const { pid, tag } = await question(server)
      server.send(pid, tuple(tag, 'answer'))
      expect(await call).toBe('answer')
    }
    expect(caller.mailboxLength).toBe(0)
  })

  it('drops late and second replies, and those nobody asked for', async () => {
    const caller = await within(a.system)
    const call = caller.call(server.pid, 1)
    const { tag } = await question(server)
    const alias = (tag as ImproperList).tail as Reference
    for (const value of [1, 2, 3]) server.send(alias, tuple(tag, value))
    expect(await call).toBe(1)
    server.send(alias, tuple(tag, 4))
    server.send(a.system.pid, tuple(tag, 5))
    await settled()
    expect(caller.mailboxLength).toBe(0)
  })

  it('ignores what is no reply', async () => {
    const call = a.system.call(server.pid, 1)
    const { tag } = await question(server)
    const alias = (tag as ImproperList).tail as Reference
    for (const message of [1, undefined, [tag, 5], tuple(tag)]) server.send(alias, message)
    server.send(alias, tuple(tag, 'right'))
    expect(await call).toBe('right')
  })

  it('rejects after its timeout', async () => {
    const call = a.system.call(server.pid, 1, { timeout: 100 })
    const { tag } = await question(server)
    a.clock.advance(99)
    expect(a.system.counts.references).toBe(1)
    a.clock.advance(1)
    await expect(call).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      reason: atom('timeout'),
      target: server.pid,
      message: `call to ${server.pid}: no reply within 100 ms`,
    })
    server.send((tag as ImproperList).tail as Reference, tuple(tag, 42))
    await settled()
    expect([a.system.counts, b.system.counts]).toMatchObject([NO_LEAK, NO_LEAK])
    expect(a.clock.pending).toBe(0)
  })

  it('waits five seconds, or for ever when told so', async () => {
    const patient = a.system.call(server.pid, 1, { timeout: Number.POSITIVE_INFINITY })
    const call = a.system.call(server.pid, 1)
    a.clock.advance(4_999)
    expect(a.system.counts.references).toBe(2)
    a.clock.advance(1)
    await expect(call).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(a.clock.pending).toBe(0)
    node.system.exit(server.pid, atom('kill'))
    await expect(patient).rejects.toMatchObject({ code: 'ERR_CALL_EXIT' })
  })

  it('rejects with the reason of its signal', async () => {
    const controller = new AbortController()
    const call = a.system.call(server.pid, 1, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect(a.system.call(server.pid, 1, { signal: controller.signal })).rejects.toThrow('enough')
    await settled()
    expect([a.system.counts, b.system.counts]).toMatchObject([NO_LEAK, NO_LEAK])
    expect(a.clock.pending).toBe(0)
  })

  it('rejects when the server exits before it replied', async () => {
    const call = a.system.call({ name: 'server', node: node.name }, 1)
    await question(server)
    node.system.exit(server.pid, atom('boom'))
    await expect(call).rejects.toMatchObject({
      code: 'ERR_CALL_EXIT',
      reason: atom('boom'),
      target: { name: atom('server'), node: node.name },
    })
    expect(a.clock.pending).toBe(0)
    expect(a.system.counts).toMatchObject(NO_LEAK)
  })

  it('rejects when there is no such process', async () => {
    const name = a.system.call({ name: 'nobody', node: node.name }, 1)
    await expect(name).rejects.toMatchObject({ code: 'ERR_NOPROC', reason: atom('noproc') })
    node.system.exit(server.pid, atom('kill'))
    await expect(a.system.call(server.pid, 1)).rejects.toBeInstanceOf(CallError)
    await settled()
    expect(a.system.counts).toMatchObject(NO_LEAK)
  })

  it('keeps a thousand concurrent ones apart', async () => {
    const calls = Array.from({ length: 1000 }, (_, i) => a.system.call(server.pid, i))
    for (let i = 0; i < 1000; i++) {
      const { tag, request } = await question(server)
      server.send((tag as ImproperList).tail as Reference, tuple(tag, (request as number) * 2))
    }
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 1000 }, (_, i) => i * 2))
    expect(a.system.counts).toMatchObject(NO_LEAK)
  })
})

describe('a call', () => {
  it('rejects with the node when the link goes down, or cannot be made', async () => {
    const server = await within(b.system)
    // Expected at once: on a busy machine they reject before the question is there.
    const lost = expect(a.system.call(server.pid, 1)).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
      reason: tuple(atom('nodedown'), atom('b@host')),
    })
    const never = expect(a.system.call({ name: 'x', node: 'nowhere@host' }, 1)).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
    })
    await question(server)
    network.cut(a, b)
    await Promise.all([lost, never])
    expect([a.system.counts, b.system.counts]).toMatchObject([
      { references: 0, peers: 0 },
      { references: 0, peers: 0 },
    ])
    expect(a.clock.pending).toBe(0)
  })

  it('rejects when the request cannot be sent, and takes its monitor away', async () => {
    const server = await within(b.system)
    await expect(a.system.call(server.pid, (() => 1) as unknown as Term)).rejects.toMatchObject({ code: 'ERR_ENCODE' })
    network.full = true
    await expect(a.system.call(server.pid, 1)).rejects.toMatchObject({ code: 'ERR_LINK_FULL' })
    expect(a.sent).toEqual(['monitor', 'demonitor'])
    expect(a.clock.pending).toBe(0)
    expect(a.system.counts).toMatchObject(NO_LEAK)
  })

  it('of a process to itself rejects at once', async () => {
    const self = await within(a.system)
    await expect(self.call(self.pid, 1)).rejects.toMatchObject({
      code: 'ERR_CALL_EXIT',
      reason: atom('calling_self'),
    })
  })

  it('comes from the process that makes it, and ends with it', async () => {
    const [caller, server] = [await within(a.system), await within(b.system)]
    const call = caller.call(server.pid, 1)
    expect((await question(server)).pid).toEqual(caller.pid)
    a.system.exit(caller.pid, atom('boom'))
    await expect(call).rejects.toMatchObject({ code: 'ERR_EXIT', reason: atom('boom') })
    await settled()
    expect(a.sent.at(-1)).toBe('demonitor')
  })

  it('refuses what nobody can be asked', async () => {
    const self = await within(a.system)
    await expect(a.system.call(self.alias(), 1)).rejects.toMatchObject({ option: 'to' })
    await expect(a.system.call('', 1)).rejects.toMatchObject({ option: 'to' })
    await expect(a.system.call(self.pid, 1, { timeout: -5 })).rejects.toMatchObject({ option: 'timeout' })
  })

  it('is not answered by a reference somebody made up', async () => {
    const pid = a.system.spawn(idle)
    const call = a.system.call(pid, 1, { timeout: 10 })
    for (let i = 0; i < 10; i++) {
      a.system.inbound.receiverByAlias(new Reference('a@host', [i, 0, 0], 7))?.deliver(tuple(1, 'forged'), 10)
    }
    a.clock.advance(10)
    await expect(call).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('answers false for a send over the high-water mark, and is made all the same', async () => {
    const server = await within(b.system)
    network.congested = true
    expect(a.system.send(server.pid, 1)).toBe(false)
    const call = a.system.call(server.pid, 1)
    const { tag } = await question(server)
    server.send((tag as ImproperList).tail as Reference, tuple(tag, 'yes'))
    expect(await call).toBe('yes')
  })
})
