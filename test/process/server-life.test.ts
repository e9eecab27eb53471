import { beforeEach, describe, expect, it } from 'vitest'
import { GenServer, type ServerProcess } from '../../src/process/gen-server.ts'
import type { Process } from '../../src/process/process.ts'
import { atom } from '../../src/term/atom.ts'
import { Reference } from '../../src/term/identifiers.ts'
import { charlist } from '../../src/term/special.ts'
import type { Term } from '../../src/term/term.ts'
import { type Tuple, tuple } from '../../src/term/tuple.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { settled, within } from './observe.ts'

const TIMEOUT = atom('timeout')
const OK = atom('ok')
const ERROR = atom('error')

let network: FakeNetwork
let a: FakeNode
let b: FakeNode

beforeEach(() => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
})

describe('the timeout of a GenServer', () => {
  /** Casts set a timeout of so many ms; keeps what `handleInfo` gets. */
  function idler(infos: Term[], more: object = {}) {
    return {
      handleCast: (ms: Term, self: ServerProcess) => self.timeout(ms as number),
      handleCall: () => OK,
      handleInfo: (message: Term) => void infos.push(message),
      ...more,
    }
  }

  it('comes as a message when no other comes in time, once', async () => {
    const infos: Term[] = []
    const server = await a.system.start(idler(infos))
    server.cast(100)
    await settled()
    a.clock.advance(99)
    await settled()
    expect(infos).toEqual([])
    a.clock.advance(1)
    await settled()
    expect(infos).toEqual([TIMEOUT])
    a.clock.advance(1000)
    await settled()
    expect(infos).toEqual([TIMEOUT])
    expect(a.clock.pending).toBe(0)
  })

  it('is taken away by any message', async () => {
    const infos: Term[] = []
    const server = await a.system.start(idler(infos))
    server.cast(100)
    await settled()
    expect(a.clock.pending).toBe(1)
    await server.call(1)
    expect(a.clock.pending).toBe(0)
    server.cast(100)
    a.system.send(server, 'hello')
    await settled()
    expect(a.clock.pending).toBe(0)
    expect(infos).toEqual(['hello'])
  })

  it('does not begin while a handler runs, nor comes before a message that waits', async () => {
    const infos: Term[] = []
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const handleCast = (_message: Term, self: ServerProcess) => {
      self.timeout(0)
      return opened
    }
    const server = await a.system.start(idler(infos, { handleCast }))
    server.cast(1)
    await settled()
    a.clock.advance(1000)
    a.system.send(server, 'first')
    open()
    await settled()
    a.clock.advance(1000)
    await settled()
    expect(infos).toEqual(['first'])
  })

  it('can be set in init, with a message of its own, and goes with Infinity and with the server', async () => {
    const infos: Term[] = []
    class Idler extends GenServer {
      override init() {
        this.timeout(10, 'tick')
      }
      override handleInfo(message: Term) {
        infos.push(message)
        this.timeout(10, 'tick')
        if (infos.length === 2) this.timeout(Number.POSITIVE_INFINITY)
      }
      override handleCast() {
        this.timeout(10)
      }
    }
    const server = await a.system.start(Idler)
    for (let i = 0; i < 5; i++) {
      a.clock.advance(10)
      await settled()
    }
    expect(infos).toEqual(['tick', 'tick'])
    server.cast(1)
    await settled()
    expect(a.clock.pending).toBe(1)
    await server.close()
    expect(a.clock.pending).toBe(0)
  })

  it('is not disturbed by sys, and waits for the continuation', async () => {
    const infos: Term[] = []
    const server = await a.system.start(
      idler(infos, {
        handleCast: (_message: Term, self: ServerProcess) => {
          self.timeout(10)
          self.continue('next')
        },
        handleContinue: (argument: Term) => void infos.push(argument),
      }),
    )
    server.cast(1)
    await settled()
    a.clock.advance(9)
    const asker = await within(a.system)
    asker.send(server, tuple(atom('system'), tuple(asker.pid, 1), atom('get_state')))
    await asker.receive()
    a.clock.advance(1)
    await settled()
    expect(infos).toEqual(['next', TIMEOUT])
  })

  it.each([[-1], [Number.NaN], ['1']])('cannot be %s', async (ms) => {
    const server = await a.system.start(idler([]))
    const asker = await within(a.system)
    const gone = asker.monitor(server.pid)
    server.cast(ms)
    const down = (await asker.receive()) as Tuple
    expect(down[1]).toBe(gone)
    expect(String(down[4])).toContain(`{'OptionError',<<"ms: expected milliseconds`)
  })
})

describe('the parent of a GenServer', () => {
  it('that traps exits is itself, as in OTP after start: its own exit signal stops it in good order', async () => {
    const ends: Term[] = []
    const source = {
      handleCast: (_message: Term, self: ServerProcess) => self.exit(self.pid, atom('enough')),
      handleInfo: (message: Term) => void ends.push(message),
      terminate: (reason: Term) => void ends.push(reason),
    }
    const server = await a.system.start(source, { trapExit: true })
    const other = await within(a.system)
    other.exit(server.pid, atom('no_parent'))
    await settled()
    server.cast(1)
    await settled()
    expect(ends).toEqual([tuple(atom('EXIT'), other.pid, atom('no_parent')), atom('enough')])
    expect(a.system.isAlive(server.pid)).toBe(false)
  })
})

describe('a reply that cannot be sent because of who asked', () => {
  it('costs that caller its reply and nobody else anything', async () => {
    const server = await a.system.start({ handleCall: () => 'reply', formatStatus: () => 'state' })
    const asker = await within(b.system)
    // No peer can send such a tag; it stands for what decodes but cannot be encoded again.
    const tag = (() => 1) as unknown as Term
    const from = tuple(asker.pid, tag)
    a.system.send(server, tuple(atom('$gen_call'), from, 'call'))
    a.system.send(server, tuple(atom('system'), from, atom('get_state')))
    expect(await asker.call(server.pid, 1)).toBe('reply')

    const remote = tuple(asker.pid, 'tag')
    network.atoms = false
    a.system.send(server, tuple(atom('$gen_call'), remote, 'call'))
    a.system.send(server, tuple(atom('system'), remote, atom('get_state')))
    await settled()
    network.atoms = true
    expect(await asker.call(server.pid, 1)).toBe('reply')
    expect(asker.mailboxLength).toBe(0)
    const said = a.log.messages('debug').map((line) => line.slice(line.indexOf('cannot')))
    const [notEncoded, tooMany] = ['a function is no term', 'too many atoms'].map(
      (why) => `cannot reply to ${asker.pid}: ${why}`,
    )
    expect(said).toEqual([notEncoded, notEncoded, tooMany, tooMany])
    expect(a.log.messages('error')).toEqual([])
  })
})

describe('sys', () => {
  let asker: Process
  let ref: Reference

  beforeEach(async () => {
    asker = await within(b.system)
    ref = new Reference(atom('b@host'), [1, 2, 3], 7)
  })

  async function ask(server: { pid: Process['pid'] }, request: Term): Promise<Term> {
    asker.send(server.pid, tuple(atom('system'), tuple(asker.pid, ref), request))
    const answer = (await asker.receive()) as Tuple
    expect(answer[0]).toBe(ref)
    return answer[1]
  }

  class Holder extends GenServer {
    readonly label = 'x'
    count = 1
    readonly pool = new Map([[1, () => {}]]) as unknown
    readonly when = new Date(0) as unknown
    #secret = 'secret'
    readonly onChange = (): void => {}
    get lazy(): never {
      throw new Error('called')
    }
    override handleCall() {
      return this.#secret
    }
  }

  it('gets the public fields as state, with a description of what is no term', async () => {
    const server = await a.system.start(Holder)
    const fields = { label: 'x', count: 1, pool: 'an instance of Map', when: 'an instance of Date' }
    expect(await ask(server, atom('get_state'))).toEqual(tuple(OK, fields))
    const object = { one: 1, handleCall: () => 1 }
    Object.defineProperty(object, 'trap', { enumerable: true, get: () => expect.fail('called') })
    expect(await ask(await a.system.start(object), atom('get_state'))).toEqual(tuple(OK, { one: 1 }))
  })

  it('gets what formatStatus says, and hears when that throws', async () => {
    const told = await a.system.start({ formatStatus: () => ({ size: 3 }) })
    expect(await ask(told, atom('get_state'))).toEqual(tuple(OK, { size: 3 }))
    const throwing = await a.system.start({
      formatStatus: () => {
        throw new Error('no state today')
      },
      handleCall: () => 1,
    })
    const callback = tuple(atom('gen_server'), atom('system_get_state'))
    const failed = tuple(ERROR, tuple(atom('callback_failed'), callback, tuple(ERROR, 'no state today')))
    expect(await ask(throwing, atom('get_state'))).toEqual(failed)
    const odd = await a.system.start({ formatStatus: () => (() => {}) as unknown as Term })
    expect(String(await ask(odd, atom('get_status')))).toContain('callback_failed')
    expect(await throwing.call(1)).toBe(1)
  })

  it('gets the status in the form observer reads', async () => {
    const server = await a.system.start({ formatStatus: () => 'S' }, { name: 'x' })
    const status = (await ask(server, atom('get_status'))) as Tuple
    expect(String(status)).toContain('{module,gen_server},[[],running,')
    const [header, data, state] = (status[3] as Term[])[4] as [Tuple, Tuple, Tuple]
    expect(charlist(header[1] as Term[])).toBe('Status for generic server x')
    expect((data[1] as Tuple[]).map(([title]) => charlist(title as Term[]))).toEqual([
      'Status',
      'Parent',
      'Logged events',
    ])
    expect(state[1]).toEqual([tuple(charlist('State'), 'S')])
  })

  it('suspends a server, which then handles nothing but sys, and resumes it', async () => {
    const handled: Term[] = []
    const server = await a.system.start({
      handleCast: (message) => void handled.push(message),
      handleCall: (message) => message,
    })
    expect(await ask(server, atom('suspend'))).toBe(OK)
    server.cast(1)
    const call = server.call('call')
    expect(String(await ask(server, atom('get_status')))).toContain('[[],suspended,')
    expect(await ask(server, atom('suspend'))).toBe(OK)
    expect(handled).toEqual([])
    expect(await ask(server, atom('resume'))).toBe(OK)
    expect(await call).toBe('call')
    expect(handled).toEqual([1])
    expect(await ask(server, atom('resume'))).toBe(OK)
  })

  it('finds its messages among those that wait when it suspends', async () => {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const handled: Term[] = []
    const server = await a.system.start({
      handleCast: async (message) => {
        handled.push(message)
        await opened
      },
    })
    const send = (request: string): void => {
      asker.send(server.pid, tuple(atom('system'), tuple(asker.pid, ref), atom(request)))
    }
    server.cast(1)
    send('suspend')
    await settled()
    server.cast(2)
    send('get_state')
    send('resume')
    send('suspend')
    await settled()
    server.cast(3)
    expect(asker.mailboxLength).toBe(0)
    open()
    await settled()
    expect(handled).toEqual([1])
    expect([await asker.receive(), await asker.receive()]).toEqual([tuple(ref, OK), tuple(ref, tuple(OK, {}))])
    expect([await asker.receive(), await asker.receive()]).toEqual([tuple(ref, OK), tuple(ref, OK)])
    await ask(server, atom('resume'))
    await settled()
    expect(handled).toEqual([1, 2, 3])
  })

  it('stops a server that is suspended, with terminate', async () => {
    const ends: Term[] = []
    const server = await a.system.start({ terminate: (reason) => void ends.push(reason) })
    const gone = asker.monitor(server.pid)
    await ask(server, atom('suspend'))
    expect(await ask(server, tuple(atom('terminate'), atom('shutdown')))).toBe(OK)
    expect(await asker.receive()).toEqual(tuple(atom('DOWN'), gone, atom('process'), server.pid, atom('shutdown')))
    expect(ends).toEqual([atom('shutdown')])
    expect(a.log.lines).toEqual([])
  })

  it.each([
    ['replace_state', tuple(atom('replace_state'), 'fun')],
    ['change_code', tuple(atom('change_code'), 1, 2, 3)],
    ['anything else', [1, 2]],
  ])('hears that %s is not known', async (_title, request) => {
    const server = await a.system.start({ handleCall: () => 1 })
    expect(await ask(server, request)).toEqual(tuple(ERROR, tuple(atom('unknown_system_msg'), request)))
    await ask(server, atom('suspend'))
    expect(await ask(server, request)).toEqual(tuple(ERROR, tuple(atom('unknown_system_msg'), request)))
    expect(await ask(server, tuple(atom('debug'), tuple(atom('trace'), true)))).toBe(atom('unknown_debug'))
  })
})
