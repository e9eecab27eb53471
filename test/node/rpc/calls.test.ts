import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { CallContext } from '../../../src/node/rpc/exposed.ts'
import { RpcError } from '../../../src/node/rpc/rpc-error.ts'
import { CallError } from '../../../src/process/call-error.ts'
import { ErlangError } from '../../../src/process/exit-reason.ts'
import { atom, charlist, Float, type Pid, type Term, tuple } from '../../../src/term/index.ts'
import { openProcess } from '../../support/scene.ts'
import { Cluster, event } from '../cluster.ts'
import { Held } from './held.ts'

let cluster: Cluster
let a: LocalNode
let b: LocalNode
/** Processes of a node's own. */
let own: number

beforeEach(async () => {
  cluster = await Cluster.create()
  a = await cluster.start('a', { mesh: false })
  b = await cluster.start('b', { mesh: false })
  own = b.counts.processes
})

afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
})

/** For calls that wait for what the test does next, however busy the machine is. */
const FOREVER = { timeout: Number.POSITIVE_INFINITY }

/** What a call rejects with. */
const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(
    (value) => Promise.reject(new Error(`it did not fail, it is ${String(value)}`)),
    (error: unknown) => error as RpcError,
  )

/** Waits until nothing of a call is left on a node, but for some processes. */
async function idle(node: LocalNode, more = 0): Promise<void> {
  while (node.counts.references > 0 || node.counts.processes > own + more) await new Promise(setImmediate)
}

// Each holds for a function of another node and for one of the node itself.
describe.each([
  ['another node', () => b],
  ['this node itself', () => a],
])('a call of %s', (_where, there) => {
  it('resolves to what the function returns', async () => {
    there().expose('Elixir.Math', {
      add: (x: number, y: number) => x + y,
      later: async (value: Term) => tuple(atom('ok'), value),
      nothing: () => {},
    })
    const { name } = there()
    expect(await a.rpc(name, 'Elixir.Math', 'add', [1, 2])).toBe(3)
    expect(await a.rpc(name, 'Elixir.Math', 'later', ['x'])).toEqual(tuple(atom('ok'), 'x'))
    expect(await a.rpc(name, 'Elixir.Math', 'nothing')).toBeUndefined()
  })

  it('rejects with class, reason and place of what the function throws', async () => {
    const { name } = there()
    const math = {
      reason: () => {
        throw new ErlangError(tuple(atom('badkey'), 'k'))
      },
      error: async () => {
        throw new RangeError('too far')
      },
      exit(this: CallContext) {
        this.self.exit(atom('gone'))
      },
      toss: () => {
        throw tuple(atom('ball'), 1)
      },
      text: () => {
        const text: Term = 'text'
        throw text
      },
      call: async () => {
        throw new CallError('ERR_NOPROC', 'no such process', there().whereis('rex') as Pid, atom('noproc'))
      },
    }
    there().expose('m', math)
    const frame = (fn: string) => [tuple(atom('m'), atom(fn), 0, [])]
    for (const [fn, kind, reason, stacktrace] of [
      ['reason', 'error', tuple(atom('badkey'), 'k'), frame('reason')],
      ['error', 'error', tuple(atom('RangeError'), 'too far'), frame('error')],
      ['exit', 'exit', atom('gone'), []],
      ['toss', 'throw', tuple(atom('ball'), 1), []],
      ['text', 'throw', 'text', []],
      ['call', 'exit', expect.anything(), []],
    ] as const) {
      const error = await failure(a.rpc(name, 'm', fn))
      expect(error).toBeInstanceOf(RpcError)
      expect(error).toMatchObject({ code: 'ERR_RPC_EXCEPTION', node: name, function: `m:${fn}/0`, class: kind })
      expect({ reason: error.reason, stack: error.stacktrace }).toEqual({ reason, stack: stacktrace })
    }
    expect((await failure(a.rpc(name, 'm', 'error'))).message).toBe(
      `rpc to ${name}: m:error/0 raised {'RangeError',<<"too far">>}`,
    )
  })

  it('says that a function is undefined, or not exposed', async () => {
    const { name } = there()
    there().expose('m', {
      f: (_: Term) => 1,
      inner: () => {
        throw new ErlangError(atom('undef'))
      },
    })
    for (const [fn, args] of [
      ['f', []],
      ['f', [1, 2]],
      ['toString', []],
    ] as const) {
      expect(await failure(a.rpc(name, 'm', fn, args))).toMatchObject({
        code: 'ERR_RPC_UNDEF',
        class: 'error',
        reason: atom('undef'),
        stacktrace: [tuple(atom('m'), atom(fn), args, [])],
      })
    }
    expect(await failure(a.rpc(name, 'erlang', 'node'))).toMatchObject({
      message: /not exposed$/,
      code: 'ERR_RPC_UNDEF',
    })
    expect(await failure(a.rpc(name, 'Elixir.Enum', 'sum', [[]]))).toMatchObject({ message: /not exposed$/ })
    expect(await failure(a.rpc(name, 'Enum', 'sum', [[]]))).toMatchObject({ message: /is named Elixir\.Enum$/ })
  })

  it('passes errors of a call within it on, as erpc does', async () => {
    const { name } = there()
    there().expose('m', {
      inner: () => {
        throw new ErlangError(atom('badarith'))
      },
      outer: () => there().rpc(name, 'm', 'inner'),
    })
    const error = await failure(a.rpc(name, 'm', 'outer'))
    expect(error.class).toBe('error')
    expect(error.reason).toEqual(tuple(atom('exception'), atom('badarith'), [tuple(atom('m'), atom('inner'), 0, [])]))
  })

  it('tells the function who calls, and in which process it runs', async () => {
    const { name } = there()
    let context: CallContext | undefined
    there().expose('m', {
      who() {
        context = this
        return this.self.pid
      },
    })
    const pid = (await a.rpc(name, 'm', 'who')) as Pid
    expect(pid.node).toBe(name)
    expect(context?.caller).toBe(a.name)
    expect(context?.from.node).toBe(a.name)
    expect(context?.self.pid.equals(pid)).toBe(true)
  })

  it('rejects in time, and leaves nothing behind when the function ends', async () => {
    const { name } = there()
    const job = new Held()
    there().expose('m', { hold: job.hold })
    // Time spent on a dial is no time for the function.
    if (there() !== a) await a.connect(name)
    const error = await failure(a.rpc(name, 'm', 'hold', [], { timeout: 20 }))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', reason: atom('timeout'), node: name })
    expect(error.message).toContain('no answer within 20 ms')
    await job.called(1)
    await job.aborted(0)
    job.finish(0)
    await idle(a)
    await idle(b)
  })

  it('rejects with the reason of its signal, before and after it was sent', async () => {
    const { name } = there()
    const job = new Held()
    there().expose('m', { hold: job.hold })
    const reason = new Error('changed my mind')
    expect(await failure(a.rpc(name, 'm', 'hold', [], { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const controller = new AbortController()
    const call = failure(a.rpc(name, 'm', 'hold', [], { ...FOREVER, signal: controller.signal }))
    await job.called(1)
    controller.abort(reason)
    expect(await call).toBe(reason)
    await job.aborted(0)
    expect(job.count).toBe(1)
    job.finish(0)
    await idle(a)
    await idle(b)
  })

  it('rejects when the process of the function is ended from outside', async () => {
    const { name } = there()
    const job = new Held()
    there().expose('m', { hold: job.hold })
    const call = failure(a.rpc(name, 'm', 'hold', [], FOREVER))
    await job.called(1)
    a.exit(job.context(0).self.pid, atom('kill'))
    expect(await call).toMatchObject({ code: 'ERR_CALL_EXIT', class: 'exit', reason: atom('killed') })
    job.finish(0)
    await idle(a)
  })

  it('spawns, casts and calls many at once', async () => {
    const { name } = there()
    const inbox = await openProcess(there(), { name: 'inbox' })
    there().expose('m', {
      tell: (word: Term) => there().send('inbox', word),
      add: (x: number, y: number) => x + y,
    })
    expect(a.rpcCast(name, 'm', 'tell', [atom('cast')])).toBe(true)
    expect(await inbox.receive()).toBe(atom('cast'))
    const pid = await a.spawnAt(name, 'm', 'tell', [atom('spawned')])
    expect(pid.node).toBe(name)
    expect(await inbox.receive()).toBe(atom('spawned'))
    const results = await a.rpcMulticall([name, 'nobody@127.0.0.1', name], 'm', 'add', [1, 2])
    expect(results).toEqual([
      { status: 'fulfilled', value: 3 },
      { status: 'rejected', reason: expect.objectContaining({ code: 'ERR_NOCONNECTION', node: 'nobody@127.0.0.1' }) },
      { status: 'fulfilled', value: 3 },
    ])
    await idle(a, 1)
    await idle(b, 1)
  })
})

describe('a call', () => {
  it('dials the node where there is no link, and rejects when that fails', async () => {
    b.expose('m', { f: () => 1 })
    expect(a.nodes()).toEqual([])
    expect(await a.rpc(b.name, 'm', 'f')).toBe(1)
    const error = await failure(a.rpc('nobody@127.0.0.1', 'm', 'f'))
    expect(error).toMatchObject({ code: 'ERR_NOCONNECTION', reason: atom('noconnection'), class: 'error' })
    expect(error).toMatchObject({ message: /knows no node "nobody"/, cause: { code: 'ERR_CONNECT_NOT_REGISTERED' } })
    expect(await failure(a.spawnAt('nobody@127.0.0.1', 'm', 'f'))).toMatchObject({ code: 'ERR_NOCONNECTION' })
    expect(a.rpcCast('nobody@127.0.0.1', 'm', 'f')).toBe(true)
    await idle(a)
  })

  it('rejects when the link goes down, and the function hears of it', async () => {
    const job = new Held()
    b.expose('m', { hold: job.hold })
    const call = failure(a.rpc(b.name, 'm', 'hold', [], FOREVER))
    await job.called(1)
    await a.disconnect(b.name)
    expect(await call).toMatchObject({ code: 'ERR_NOCONNECTION' })
    await job.aborted(0)
    job.finish(0)
    await idle(a)
    await idle(b)
  })

  it('rejects when its node closes', async () => {
    const job = new Held()
    b.expose('m', { hold: job.hold })
    const call = failure(a.rpc(b.name, 'm', 'hold', [], FOREVER))
    await job.called(1)
    await a.close()
    expect(await call).toMatchObject({ code: 'ERR_CLOSED' })
    job.finish(0)
  })

  it('rejects when its node is closed, and its timer is no surprise later', async () => {
    await a.close()
    for (const name of [a.name, b.name]) {
      expect(await failure(a.rpc(name, 'm', 'f', [], { timeout: 1 }))).toMatchObject({ code: 'ERR_CLOSED' })
      expect(await failure(a.spawnAt(name, 'm', 'f', [], { timeout: 1 }))).toMatchObject({ code: 'ERR_CLOSED' })
    }
    // A rejection that nobody handles would fail the run.
    await b.call('rex', 'anything')
  })

  it('rejects at once what is no term, to a node with a link and to one that is dialled first', async () => {
    b.expose('m', { f: (_: Term) => 1 })
    const symbol = Symbol('x') as unknown as Term
    for (let time = 0; time < 2; time++) {
      expect(await failure(a.rpc(b.name, 'm', 'f', [symbol], { timeout: Number.POSITIVE_INFINITY }))).toMatchObject({
        code: 'ERR_ENCODE',
      })
    }
    await idle(a)
  })

  it('tells the caller where in its result the function has something that is no term', async () => {
    b.expose('m', { f: () => [1, { when: new Date(0) }] })
    const error = await failure(a.rpc(b.name, 'm', 'f'))
    expect(error).toMatchObject({ code: 'ERR_RPC_EXCEPTION', class: 'error' })
    expect(String(error.reason)).toMatch(/^\{unencodable,<<".*, at result\[1\]\.when">>\}$/)
  })

  it('gets its result decoded as it asks', async () => {
    b.expose('m', { f: () => [new Float(1), new Map([[1, 2]])] })
    expect(await a.rpc(b.name, 'm', 'f')).toEqual([1, new Map([[1, 2]])])
    expect(await a.rpc(b.name, 'm', 'f', [], { terms: { floats: 'exact' } })).toEqual([new Float(1), new Map([[1, 2]])])
    expect(await a.rpc(b.name, 'm', 'f')).toEqual([1, new Map([[1, 2]])])
  })

  it('many at once each get their own result', async () => {
    b.expose('m', { echo: async (value: Term) => value })
    const results = await Promise.all(Array.from({ length: 500 }, (_, i) => a.rpc(b.name, 'm', 'echo', [i], FOREVER)))
    expect(results).toEqual(Array.from({ length: 500 }, (_, i) => i))
    await idle(a)
    await idle(b)
  })

  it.each([
    ['node', ['b', 'm', 'f', []]],
    ['module', ['b@h', '', 'f', []]],
    ['function', ['b@h', 'm', '', []]],
    ['args', ['b@h', 'm', 'f', tuple(1)]],
    ['args', ['b@h', 'm', 'f', 'x']],
    ['timeout', ['b@h', 'm', 'f', [], { timeout: -1 }]],
    ['retries', ['b@h', 'm', 'f', [], { retries: 1 }]],
  ])('says which argument is wrong: %s', async (option, args) => {
    const call = a.rpc(...(args as Parameters<LocalNode['rpc']>))
    expect(await failure(call)).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
  })

  it('of erlang:nodes is answered without anybody having exposed it', async () => {
    await Promise.all([event(b, 'nodeup', a.name), a.connect(b.name)])
    expect(await a.rpc(b.name, 'erlang', 'nodes')).toEqual([])
    expect(await a.rpc(b.name, 'erlang', 'nodes', [atom('hidden')])).toEqual([atom(a.name)])
    expect(await a.rpc(b.name, 'erlang', 'nodes', [[atom('hidden'), atom('visible')]])).toEqual([atom(a.name)])
    expect(await failure(a.rpc(b.name, 'erlang', 'nodes', [atom('this')]))).toMatchObject({ reason: atom('badarg') })
  })

  it('of a function that reads its mailbox works like a process', async () => {
    b.expose('m', {
      async ask(to: Pid) {
        this.self.send(to, this.self.pid)
        return charlist(String(await this.self.receive()))
      },
    })
    const inbox = await openProcess(a)
    const call = a.rpc(b.name, 'm', 'ask', [inbox.pid], FOREVER)
    inbox.send((await inbox.receive()) as Pid, 'hello')
    expect(charlist((await call) as number[])).toBe('hello')
  })
})

describe('an uncaught RpcError', () => {
  it('is the exit reason erpc has for it', async () => {
    b.expose('m', {
      toss: () => {
        throw atom('ball')
      },
      leave() {
        this.self.exit(atom('gone'))
      },
    })
    const watcher = await openProcess(a)
    for (const [fn, reason] of [
      ['toss', tuple(tuple(atom('nocatch'), atom('ball')), [])],
      ['leave', tuple(atom('exception'), atom('gone'))],
    ] as const) {
      const pid = a.spawn(async () => {
        await a.rpc(b.name, 'm', fn)
      })
      const ref = watcher.monitor(pid)
      expect(await watcher.receive()).toEqual(tuple(atom('DOWN'), ref, atom('process'), pid, reason))
    }
  })
})
