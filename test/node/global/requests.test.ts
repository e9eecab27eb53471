import { expect, test } from 'vitest'
import { readServerMessage, serverMessage } from '../../../src/node/global/messages.ts'
import { serverRequest } from '../../../src/node/global/requests.ts'
import { standardMethod } from '../../../src/node/global/resolve.ts'
import { compareAtoms, comparePids } from '../../../src/node/global/term-order.ts'
import { atom, ExternalFun, equal, Pid, type Term, tuple } from '../../../src/term/index.ts'
import { GlobalNode, type ScriptedPeer, settle } from './scripted-peer.ts'

const method = standardMethod('random_exit_name')
const pid = new Pid('b@h', 1, 0, 7)
const NOT_SUPPORTED = tuple(atom('error'), atom('not_supported'))

async function connected(): Promise<[GlobalNode, ScriptedPeer]> {
  const ours = new GlobalNode('a@h')
  const peer = ours.peer('b@h')
  ours.connect(peer)
  await peer.join()
  return [ours, peer]
}

function living(peer: ScriptedPeer): Pid {
  return peer.node.system.spawn(async (self) => {
    await new Promise((resolve) => self.signal.addEventListener('abort', resolve))
  })
}

test('every call of a name server is answered as OTP answers it', async () => {
  const [ours, peer] = await connected()
  const it = living(peer)
  const answers: [Term, Term][] = [
    [serverRequest.setLock({ resource: 'r', requester: 1 }), true],
    [serverRequest.setLock({ resource: 'r', requester: 2 }), false],
    [serverRequest.delLock({ resource: 'r', requester: 2 }), true],
    [serverRequest.delLock({ resource: 'r', requester: 1 }), true],
    [serverRequest.register('x', it, method), atom('yes')],
    [tuple(atom('register_ext'), 'y', it, method, peer.name), atom('yes')],
    [atom('get_names_ext'), [tuple('y', it, peer.name)]],
    [serverRequest.unregister('y'), atom('ok')],
    [atom('get_names_ext'), []],
    [atom('get_known'), [peer.name]],
    [atom('get_synced'), [peer.name]],
    [atom('get_protocol_version'), 8],
    [tuple(atom('sync'), [peer.name]), atom('ok')],
    [atom('high_level_trace_start'), atom('ok')],
    [atom('high_level_trace_get'), atom('no_trace')],
    [atom('high_level_trace_stop'), atom('no_trace')],
  ]
  for (const [request, answer] of answers) {
    const got = await peer.call(request)
    expect(equal(got, answer), `${String(request)} was answered ${String(got)}`).toBe(true)
  }
  expect(String(await peer.call(atom('info')))).toMatch(/^\{state,\{conf,true,true\},/)
  expect(ours.global.whereisName('x')).toEqual(it)
})

test('what is no call of a name server, or misshapen, is refused at once', async () => {
  const [ours, peer] = await connected()
  const bad: Term[] = [
    atom('stop'),
    atom('disconnect'),
    tuple(atom('registrar'), method),
    tuple(atom('set_lock'), atom('global')),
    tuple(atom('set_lock'), tuple(1)),
    tuple(atom('register'), 'x', 'no pid', method),
    tuple(atom('register'), 'x', pid, 'no fun'),
    tuple(atom('register'), 'x', pid, new ExternalFun(atom('m'), atom('f'), 2)),
    tuple(atom('register_ext'), 'x', pid, method, 1),
    tuple(atom('sync'), 1),
    tuple(),
    'text',
    [],
  ]
  for (const request of bad) expect(await peer.call(request)).toEqual(NOT_SUPPORTED)
  expect(ours.held).toMatchObject({ names: 0, locks: 0, known: [peer.name] })
})

test('a name registered by one who has lost the lock of the names does not stay', async () => {
  const [ours, peer] = await connected()
  await peer.lockerCalls(serverRequest.setLock({ resource: atom('global'), requester: 1 }))
  await peer.call(serverRequest.register('x', living(peer), method))
  expect(ours.global.whereisName('x')).toBeUndefined()
  await peer.lockerCalls(serverRequest.register('x', living(peer), method))
  expect(ours.global.whereisName('x')).toBeDefined()
})

test('a lock set in the name of a process that does not exist, or of another node, is not kept', async () => {
  const [ours, peer] = await connected()
  const set = serverRequest.setLock({ resource: 'r', requester: 1 })
  const from = (asker: Pid) => tuple(atom('$gen_call'), tuple(asker, 1), set)
  peer.say(from(new Pid(peer.name, 9999, 0, 7)))
  peer.say(from(new Pid('c@h', 1, 0, 7)))
  peer.say(from(new Pid(ours.node.name, 9999, 0, 7)))
  await settle()
  expect(ours.held).toMatchObject({ locks: 0 })
  expect(await peer.call(set)).toBe(true)
})

test('names and locks are bounded: further names are left out, further locks refused', async () => {
  const ours = new GlobalNode('a@h', { limits: { globalEntries: 3 } })
  const peer = ours.peer('b@h')
  ours.connect(peer)
  await peer.join()
  for (const requester of [1, 2]) await peer.call(serverRequest.setLock({ resource: requester, requester }))
  expect(await peer.call(serverRequest.register('x', living(peer), method))).toEqual(atom('yes'))
  expect(await peer.call(serverRequest.setLock({ resource: 3, requester: 3 }))).toBe(false)
  await peer.call(serverRequest.register('y', living(peer), method))
  expect(ours.global.registeredNames()).toEqual(['x'])
  expect(ours.node.log.messages('warn')).toEqual(['global: there are 3 names and locks; no more are kept'])
  await peer.call(serverRequest.delLock({ resource: 1, requester: 1 }))
  expect(await peer.call(serverRequest.setLock({ resource: 3, requester: 3 }))).toBe(true)
})

test('whatever waits rejects when the node closes', async () => {
  const [ours, peer] = await connected()
  const other = ours.peer('c@h')
  ours.connect(other)
  await peer.lockerCalls(serverRequest.setLock({ resource: atom('global'), requester: 1 }))
  await peer.call(serverRequest.setLock({ resource: 'r', requester: 1 }))
  const waits = [
    ours.global.registerName('x', living(peer)),
    ours.global.setLock('r', 2),
    ours.global.trans('r', () => 1),
    ours.global.sync(),
  ]
  const settled = Promise.allSettled(waits)
  await settle()
  await ours.service.close()
  await ours.node.system.close()
  for (const { status } of await settled) expect(status).toBe('rejected')
  expect(() => ours.global.whereisName('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  expect(ours.node.clock.pending).toBe(0)
})

test('misshapen and unknown messages change nothing', async () => {
  const [ours, peer] = await connected()
  const before = ours.held
  const good = [
    peer.initConnect(),
    peer.exchange(1, [{ name: 'x', pid, method }]),
    peer.resolved(1, [{ remove: 'x' }], [[atom('c@h'), 8]]),
    serverMessage.newNodes(peer.name, [], [], [[atom('c@h'), 8]], 8, 1),
    serverMessage.inSync(peer.name),
    serverMessage.lockSet(pid, true, [], 1, 8),
    serverMessage.lostConnection(peer.name, 1n, 1, atom('c@h')),
    serverMessage.removeConnection(peer.name),
    serverMessage.cancelConnect(peer.name, 1),
    serverMessage.initConnectAck(peer.name, 1, 2),
  ]
  const junk: Term[] = [1.5, 'text', [], tuple(), atom('known'), new Map([[1, 2]]), undefined, [tuple(1)]]
  for (const message of good) {
    // Each with one element gone, and with each element replaced.
    peer.cast(tuple(...message.slice(0, -1)))
    for (let i = 1; i < message.length; i++) {
      for (const value of junk) {
        const broken = tuple(...message)
        broken[i] = value
        if (readServerMessage(broken) === undefined) peer.cast(broken)
      }
    }
  }
  for (const message of junk) {
    peer.cast(message)
    peer.say(message)
  }
  peer.say(tuple(atom('DOWN'), 1, atom('process'), pid, atom('x')))
  peer.say(tuple(atom('whereis'), 'x', tuple(pid, 1)))
  peer.say(tuple(atom('prepare_shutdown'), pid, 1))
  peer.say(tuple(atom('nodedown'), peer.name, new Map()))
  await settle()
  expect(ours.held).toEqual(before)
  expect(ours.node.log.messages('error')).toEqual([])
})

test('atoms and pids are ordered as the emulator orders them', () => {
  // Made with lists:sort/1 on OTP 25, 27 and 29.
  const atoms = ['', 'Z@h', 'a', 'a@h', 'aa@h', 'ab', 'z@h', 'é@h'].map((name) => atom(name))
  expect([...atoms].reverse().sort(compareAtoms)).toEqual(atoms)
  const pids = [
    new Pid('a@h', 4, 0, 1),
    new Pid('a@h', 4, 0, 2),
    new Pid('b@h', 4, 0, 1),
    new Pid('a@h', 5, 0, 1),
    new Pid('zz@h', 9, 0, 1),
    new Pid('a@h', 0xfffffff, 0, 1),
    new Pid('a@h', 4, 1, 1),
  ]
  expect([...pids].reverse().sort(comparePids)).toEqual(pids)
})
