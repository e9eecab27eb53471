import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as op from '../../../src/dist/control.ts'
import { DFLAG } from '../../../src/dist/flags.ts'
import type { CallContext } from '../../../src/node/rpc/exposed.ts'
import type { RpcError } from '../../../src/node/rpc/rpc-error.ts'
import { atom, Fun, Pid, Reference, type Term, type Tuple, tuple } from '../../../src/term/index.ts'
import { Target } from '../../fault/target.ts'
import type { RawPeer } from '../../support/raw-peer.ts'
import { Held } from './held.ts'
import { nextSignal, PLAIN, plainMessage, plainSignals, sendPlain } from './raw-signals.ts'

let target: Target
let peer: RawPeer

beforeEach(async () => {
  target = await Target.start({ limits: { spawnedPerPeer: 3, mailboxBytes: 1_000_000 } })
  peer = await target.peer({ flags: PLAIN })
})

afterEach(async () => {
  await peer[Symbol.asyncDispose]()
  await target[Symbol.asyncDispose]()
})

const theirs = (id: number, of: RawPeer = peer) => new Pid(of.name, id, 0, 77)
const ref = (id: number) => new Reference(peer.name, [id, 1, 1], 77)
const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(
    (value) => Promise.reject(new Error(`it did not fail, it is ${String(value)}`)),
    (error: unknown) => error as RpcError,
  )

/** Waits until the node has handled all that the peer sent so far. */
async function handled(): Promise<void> {
  const mark = `mark ${Math.random()}`
  const asked = tuple(atom('$gen_call'), tuple(theirs(9), atom('tag')), mark)
  sendPlain(peer, tuple(op.REG_SEND, theirs(9), atom(''), atom('echo')), asked)
  await peer.receive((frames) => frames.find((bytes) => bytes.includes(mark)))
}

/** Calls `m:f()` there, and answers the request the peer got. */
async function asked(options: { timeout?: number } = {}): Promise<{ call: Promise<Term>; id: Reference; from: Pid }> {
  const call = target.node.rpc(peer.name, 'm', 'f', [1], { timeout: Number.POSITIVE_INFINITY, ...options })
  call.catch(() => {})
  const { control, payload } = await nextSignal(peer, op.SPAWN_REQUEST)
  const [, id, from, , mfa, given] = control as unknown as [number, Reference, Pid, Pid, Tuple, Term]
  expect(mfa).toEqual(tuple(atom('erpc'), atom('execute_call'), 4))
  expect(given).toEqual([atom('monitor')])
  expect(payload).toEqual([id, atom('m'), atom('f'), [1]])
  return { call, id, from }
}

const reply = (id: Reference, to: Pid, flags: number, result: Term) =>
  sendPlain(peer, tuple(op.SPAWN_REPLY, id, to, flags, result))
const down = (of: Pid, to: Pid, id: Reference, reason: Term) =>
  sendPlain(peer, tuple(op.PAYLOAD_MONITOR_P_EXIT, of, to, id), reason)

describe('a peer that is asked', () => {
  it('and answers as erpc does gives the result', async () => {
    const { call, id, from } = await asked()
    reply(id, from, 2, theirs(5))
    down(theirs(5), from, id, tuple(id, atom('return'), 42))
    expect(await call).toBe(42)
    expect(target.node.counts.references).toBe(0)
  })

  it('and never answers costs its own call its time, and nothing is left', async () => {
    const { call, id, from } = await asked({ timeout: 20 })
    expect(await failure(call)).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(target.node.counts.references).toBe(0)
    // The answer that comes too late is answered with DEMONITOR: nobody waits for that process.
    reply(id, from, 2, theirs(5))
    expect((await nextSignal(peer, op.DEMONITOR_P)).control).toEqual(tuple(op.DEMONITOR_P, from, theirs(5), id))
    down(theirs(5), from, id, tuple(id, atom('return'), 42))
    await handled()
    expect(target.node.counts.references).toBe(0)
  })

  it('and has spawned is told when nobody waits any more', async () => {
    const controller = new AbortController()
    const call = failure(target.node.rpc(peer.name, 'm', 'f', [], { timeout: 20_000, signal: controller.signal }))
    const { control } = await nextSignal(peer, op.SPAWN_REQUEST)
    const [, id, from] = control as unknown as [number, Reference, Pid]
    reply(id, from, 2, theirs(5))
    await handled()
    controller.abort()
    expect((await call).name).toBe('AbortError')
    expect((await nextSignal(peer, op.DEMONITOR_P)).control).toEqual(tuple(op.DEMONITOR_P, from, theirs(5), id))
  })

  it.each(['notsup', 'badopt', 'system_limit', 'whatever'])('may refuse: %s', async (reason) => {
    const { call, id, from } = await asked()
    reply(id, from, 0, atom(reason))
    expect(await failure(call)).toMatchObject({ code: 'ERR_RPC_REFUSED', class: 'error', reason: atom(reason) })
    expect(target.node.counts.references).toBe(0)
  })

  it('cannot answer for another peer, nor under an id nobody has', async () => {
    const { call, id, from } = await asked()
    await using other = await target.peer({ flags: PLAIN })
    sendPlain(other, tuple(op.SPAWN_REPLY, id, from, 0, atom('notsup')))
    sendPlain(other, tuple(op.SPAWN_REPLY, id, from, 2, theirs(5, other)))
    sendPlain(other, tuple(op.PAYLOAD_MONITOR_P_EXIT, theirs(5, other), from, id), tuple(id, atom('return'), 'forged'))
    const guessed = new Reference(target.node.name, [1, 2, 3], target.node.creation)
    reply(guessed, from, 3, theirs(5))
    reply(ref(1), from, 3, theirs(5))
    await handled()
    reply(id, from, 2, theirs(5))
    reply(id, from, 0, atom('notsup'))
    reply(id, from, 2, theirs(6))
    down(theirs(5), from, id, tuple(id, atom('return'), 'honest'))
    expect(await call).toBe('honest')
    await handled()
    expect(plainSignals(peer.frames).filter(({ control }) => control[0] === op.DEMONITOR_P)).toEqual([])
    await target.survived()
  })

  it.each([
    ['another reference', (_: Reference) => tuple(ref(7), atom('return'), 1)],
    ['no reply', () => atom('killed')],
    ['a kind there is not', (id: Reference) => tuple(id, atom('yield'), 1)],
    ['too many elements', (id: Reference) => tuple(id, atom('return'), 1, 2, 3)],
    ['too few', (id: Reference) => tuple(id)],
  ])('and ends with %s in its reason did not answer', async (_what, reasonOf) => {
    const { call, id, from } = await asked()
    reply(id, from, 2, theirs(5))
    down(theirs(5), from, id, reasonOf(id))
    expect(await failure(call)).toMatchObject({ code: 'ERR_CALL_EXIT', class: 'exit', reason: reasonOf(id) })
  })

  it('and lies about its stack does no harm', async () => {
    const { call, id, from } = await asked()
    reply(id, from, 2, theirs(5))
    down(theirs(5), from, id, tuple(id, atom('error'), atom('undef'), tuple(1, 2)))
    expect(await failure(call)).toMatchObject({ code: 'ERR_RPC_EXCEPTION', reason: atom('undef'), stacktrace: [] })
  })
})

describe('a peer without spawn requests', () => {
  const old = PLAIN & ~DFLAG.SPAWN
  let call: Promise<Term>
  let question: Tuple

  beforeEach(async () => {
    await peer[Symbol.asyncDispose]()
    peer = await target.peer({ flags: old })
  })

  const ask = async (options: object = {}): Promise<void> => {
    call = target.node.rpc(peer.name, 'm', 'f', [1], { timeout: Number.POSITIVE_INFINITY, ...options })
    call.catch(() => {})
    const { control, payload } = await nextSignal(peer, op.REG_SEND)
    expect(control[3]).toBe(atom('rex'))
    question = payload as Tuple
    expect(question[2]).toEqual(tuple(atom('call'), atom('m'), atom('f'), [1], atom('user')))
  }
  const answer = (value: Term) => {
    const [, from] = question as unknown as [Term, Tuple]
    sendPlain(peer, tuple(op.SEND, atom(''), from[0]), tuple(from[1], value))
  }

  it('is asked through rex', async () => {
    await ask()
    answer('result')
    expect(await call).toBe('result')
    expect(target.node.counts.references).toBe(0)
  })

  it.each([
    [
      tuple(atom('EXIT'), tuple(atom('badarith'), [tuple(atom('m'), atom('f'), 1, [])])),
      'ERR_RPC_EXCEPTION',
      'error',
      atom('badarith'),
    ],
    [
      tuple(atom('EXIT'), tuple(atom('undef'), [tuple(atom('m'), atom('f'), [1], [])])),
      'ERR_RPC_UNDEF',
      'error',
      atom('undef'),
    ],
    [tuple(atom('EXIT'), atom('gone')), 'ERR_RPC_EXCEPTION', 'exit', atom('gone')],
    [atom('nodedown'), 'ERR_RPC_REFUSED', 'error', atom('nodedown')],
  ])('says %s through it', async (badrpc, code, kind, reason) => {
    await ask()
    answer(tuple(atom('badrpc'), badrpc))
    expect(await failure(call)).toMatchObject({ code, class: kind, reason })
  })

  it('has its time, too', async () => {
    await ask({ timeout: 20 })
    expect(await failure(call)).toMatchObject({ code: 'ERR_TIMEOUT' })
    answer('late')
    expect(target.node.counts.references).toBe(0)
    await target.survived()
  })

  it('is cast to through rex, and cannot spawn', async () => {
    expect(target.node.rpcCast(peer.name, 'm', 'f', [1])).toBe(true)
    const { control, payload } = await nextSignal(peer, op.REG_SEND)
    expect(control[3]).toBe(atom('rex'))
    expect(payload).toEqual(tuple(atom('$gen_cast'), tuple(atom('cast'), atom('m'), atom('f'), [1], atom('user'))))
    expect(await failure(target.node.spawnAt(peer.name, 'm', 'f'))).toMatchObject({ code: 'ERR_RPC_REFUSED' })
  })
})

describe('a request to spawn', () => {
  const spawn = (id: number, mfa: Tuple, args: Term, options: Term = []) =>
    sendPlain(peer, tuple(op.SPAWN_REQUEST, ref(id), theirs(1), theirs(2), mfa, options), args)
  const execute = (id: number, module: Term, name: Term, args: Term) =>
    spawn(id, tuple(atom('erpc'), atom('execute_call'), 4), [ref(id), module, name, args], [atom('monitor')])
  const result = async (id: number): Promise<Term> => {
    const { payload } = await peer.receive((frames) =>
      plainSignals(frames).find(
        ({ control }) => control[0] === op.PAYLOAD_MONITOR_P_EXIT && ref(id).equals(control[3]),
      ),
    )
    return payload
  }
  const answered = async (id: number): Promise<Tuple> => {
    const { control } = await peer.receive((frames) =>
      plainSignals(frames).find(({ control }) => control[0] === op.SPAWN_REPLY && ref(id).equals(control[1])),
    )
    return control
  }

  it('is answered with the pid before the process does anything', async () => {
    target.node.expose('m', { f: () => 'value' })
    execute(1, atom('m'), atom('f'), [])
    expect(await result(1)).toEqual(tuple(ref(1), atom('return'), 'value'))
    const operations = plainSignals(peer.frames).map(({ control }) => control[0])
    expect(operations.indexOf(op.SPAWN_REPLY)).toBeLessThan(operations.indexOf(op.PAYLOAD_MONITOR_P_EXIT))
    expect((await answered(1))[3]).toBe(2)
  })

  it.each([
    ['options that are no list', atom('none')],
    ['an unknown option', [atom('fast')]],
    ['an unknown pair', [tuple(atom('fast'), true)]],
    ['a wrong value', [tuple(atom('priority'), 1)]],
    ['a negative size', [tuple(atom('min_heap_size'), -1)]],
    ['a triple', [tuple(atom('link'), 1, 2)]],
  ])('with %s is answered with badopt', async (_what, options) => {
    spawn(1, tuple(atom('m'), atom('f'), 0), [], options as Term)
    expect(await answered(1)).toEqual(tuple(op.SPAWN_REPLY, ref(1), theirs(1), 0, atom('badopt')))
  })

  it('of erpc with nonsense in it is answered, too', async () => {
    const fun = new Fun({
      arity: 0,
      uniq: new Uint8Array(16),
      index: 1,
      module: atom('m'),
      oldIndex: 1,
      oldUniq: 2,
      pid: theirs(3),
      free: [],
    })
    for (const [i, [module, name, args]] of [
      [1, 2, []],
      ['m', atom('f'), []],
      [atom('m'), atom('f'), 'no list'],
      [atom('m'), atom('f'), tuple(1)],
      [atom('erlang'), atom('apply'), []],
      [atom('erlang'), atom('apply'), [1]],
      [atom('erlang'), atom('apply'), [fun, []]],
      [atom('erlang'), atom('apply'), [1, 2, 3]],
      [atom('erlang'), atom('apply'), [atom('erlang'), atom('apply'), [atom('erlang'), atom('apply'), []]]],
    ].entries()) {
      execute(i + 1, module as Term, name as Term, args as Term)
      const [, kind, reason] = (await result(i + 1)) as Tuple
      expect(kind).toBe(atom('error'))
      expect([atom('undef'), atom('badarg')]).toContain(reason)
    }
    await target.survived()
  })

  it('of other functions of erpc is one of a function that is not exposed', async () => {
    spawn(1, tuple(atom('erpc'), atom('execute_call'), 1), [ref(1)], [atom('monitor')])
    expect(await result(1)).toEqual(tuple(atom('undef'), [tuple(atom('erpc'), atom('execute_call'), [ref(1)], [])]))
  })

  it('beyond the limit is refused with system_limit, also when processes are killed and functions run on', async () => {
    const job = new Held()
    target.node.expose('m', { hold: job.hold, f: () => 1 })
    for (let id = 1; id <= 4; id++) execute(id, atom('m'), atom('hold'), [])
    expect((await answered(4))[4]).toBe(atom('system_limit'))
    await job.called(3)
    for (let id = 1; id <= 3; id++) {
      sendPlain(peer, tuple(op.PAYLOAD_EXIT2, theirs(1), (await answered(id))[4]), atom('kill'))
      expect(await result(id)).toBe(atom('killed'))
      await job.aborted(id - 1)
    }
    execute(5, atom('m'), atom('f'), [])
    expect((await answered(5))[4]).toBe(atom('system_limit'))
    // Another peer has its own.
    await using other = await target.peer({ flags: PLAIN })
    const request = tuple(
      op.SPAWN_REQUEST,
      new Reference(other.name, [1, 1, 1], 77),
      theirs(1, other),
      theirs(1, other),
    )
    request.push(tuple(atom('m'), atom('f'), 0), [])
    sendPlain(other, request, [])
    expect((await nextSignal(other, op.SPAWN_REPLY)).control[4]).toBeInstanceOf(Pid)
    for (const call of [0, 1, 2]) job.finish(call)
    await handled()
    execute(6, atom('m'), atom('f'), [])
    expect(await result(6)).toEqual(tuple(ref(6), atom('return'), 1))
  })

  it('whose process is killed before it runs frees its place', async () => {
    let runs = 0
    target.node.expose('m', { f: () => ++runs })
    const mfa = tuple(atom('m'), atom('f'), 0)
    spawn(1, mfa, [])
    const { serial, creation, ...first } = (await answered(1))[4] as Pid
    let { id } = first
    // Pids are counted, so that the next one is known.
    for (let request = 2; request <= 9; request++) {
      const next = new Pid(target.node.name, ++id, serial, creation)
      const asking = tuple(op.SPAWN_REQUEST, ref(request), theirs(1), theirs(2), mfa, [])
      const killing = tuple(op.PAYLOAD_EXIT2, theirs(1), next)
      peer.write(Buffer.concat([plainMessage(asking, []), plainMessage(killing, atom('kill'))]))
      expect((await answered(request))[4]).toEqual(next)
    }
    await handled()
    expect(runs).toBe(1)
    execute(10, atom('m'), atom('f'), [])
    expect(await result(10)).toEqual(tuple(ref(10), atom('return'), 2))
  })

  it('leaves nothing behind, however often', async () => {
    target.node.expose('m', { f: () => 1 })
    const { processes } = target.node.counts
    for (let round = 0; round < 100; round++) {
      execute(round + 1, atom('m'), round % 2 === 0 ? atom('f') : atom('nope'), [])
      await result(round + 1)
    }
    expect(target.node.counts).toMatchObject({ processes, references: 0 })
  })
})

describe('rex', () => {
  const say = (message: Term) => sendPlain(peer, tuple(op.REG_SEND, theirs(1), atom(''), atom('rex')), message)
  const call = (from: Pid, request: Term) => say(tuple(atom('$gen_call'), tuple(from, ref(1)), request))

  it('answers what is no call it knows', async () => {
    for (const request of [
      1,
      atom('stop'),
      tuple(atom('call')),
      tuple(atom('call'), atom('m'), atom('f'), 1, atom('user')),
    ]) {
      call(theirs(1), request)
    }
    await handled()
    const answers = plainSignals(peer.frames).filter(({ payload }) => String(payload).includes('badrpc'))
    expect(answers.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 4 }, () => tuple(ref(1), tuple(atom('badrpc'), atom('badarg')))),
    )
    expect(target.node.whereis('rex')).toBeDefined()
  })

  it('runs nothing, and answers nobody, in the name of a process of another node', async () => {
    let runs = 0
    target.node.expose('m', { f: () => ++runs })
    const request = tuple(atom('call'), atom('m'), atom('f'), [], atom('user'))
    const stranger = new Pid('stranger@127.0.0.1', 1, 0, 1)
    call(stranger, request)
    call(new Pid(target.witness.name, 1, 0, 1), request)
    say(tuple(stranger, request))
    say(tuple(stranger, atom('features_request')))
    say(tuple(stranger, tuple(atom('sbcast'), atom('nobody'), 1)))
    await handled()
    expect(runs).toBe(0)
    expect(target.node.nodes('known').sort()).toEqual([peer.name, target.witness.name].sort())
    await target.survived()
  })

  it('runs nothing for a peer that has a message passed on, or answered, as if it came from this node', async () => {
    const callers: string[] = []
    target.node.expose('m', {
      f(this: CallContext) {
        callers.push(this.caller)
      },
    })
    const { node } = target
    const own = node.spawn(async (self) => void (await self.receive()), { name: 'own' })
    const rex = node.whereis('rex') as Pid
    const request = tuple(atom('call'), atom('m'), atom('f'), [], atom('user'))
    const cast = tuple(atom('$gen_cast'), tuple(atom('cast'), atom('m'), atom('f'), [], atom('user')))
    for (const passed of [tuple(atom('$gen_call'), tuple(own, ref(1)), request), tuple(own, request)]) {
      say(tuple(theirs(1), tuple(atom('sbcast'), atom('rex'), passed)))
    }
    // An echo answers its caller with {Tag, Request}: here the caller is rex, and the tag the process that asks it.
    const forged = tuple(atom('$gen_call'), tuple(rex, own), request)
    sendPlain(peer, tuple(op.REG_SEND, theirs(1), atom(''), atom('echo')), forged)
    await handled()
    expect(callers).toEqual([])
    // What is passed on in the peer's own name counts as the peer's.
    say(tuple(theirs(1), tuple(atom('sbcast'), atom('rex'), cast)))
    await handled()
    expect(callers).toEqual([peer.name])
    await target.survived()
  })

  it('passes messages on with their size, so that they fill a mailbox like any other', async () => {
    const pid = target.node.spawn(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    target.node.register('deaf', pid)
    const big = new Uint8Array(400_000)
    for (let time = 0; time < 2; time++) say(tuple(theirs(1), tuple(atom('sbcast'), atom('deaf'), big)))
    await handled()
    expect(target.node.processInfo(pid)).toMatchObject({ mailboxLength: 2 })
    say(tuple(theirs(1), tuple(atom('send'), atom('deaf'), big)))
    await handled()
    expect(target.node.whereis('deaf')).toBeUndefined()
    await target.survived()
  })

  it('survives junk', async () => {
    for (const junk of [
      1,
      tuple(),
      tuple(1, 2),
      tuple(theirs(1), 1),
      tuple(theirs(1), tuple(1)),
      tuple(theirs(1), tuple(1, 2, 3)),
    ]) {
      say(junk)
      say(tuple(atom('$gen_cast'), junk))
    }
    say(tuple(atom('$gen_cast'), tuple(atom('cast'), 1, 2, 3, 4)))
    say(tuple(theirs(1), tuple(atom('call'), 1, 2, 3, 4)))
    await handled()
    expect(target.node.whereis('rex')).toBeDefined()
    expect(target.log.messages('error')).toEqual([])
    await target.survived()
  })
})
