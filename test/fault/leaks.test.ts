import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import * as op from '../../src/dist/control.ts'
import type { LocalNode } from '../../src/node/local-node.ts'
import { noReply } from '../../src/process/gen-server.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, Pid, Reference, type Term, tuple } from '../../src/term/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { message, RawPeer } from '../support/raw-peer.ts'
import { openProcess } from '../support/scene.ts'
import { CountingClock } from './counting-clock.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Everything a node holds that could pile up. */
function holdings(node: LocalNode, clock: CountingClock): object {
  return {
    ...node.counts,
    connected: node.nodes().length,
    known: node.nodes('known').length,
    timers: clock.pending,
    groups: node.pg().groups(),
  }
}

/** What peers leave behind: what wants an answer or an end. Each peer leaves some of it. */
function traces(peer: string, node: LocalNode, victim: Pid): Buffer[] {
  const own = (id: number) => new Pid(peer, id, 0, 77)
  const ref = (id: number) => new Reference(peer, [id, 2, 3], 77)
  const nobody = new Pid(node.name, 200_000_000, 0, node.creation)
  const say = (to: string, text: Term) => message(tuple(op.REG_SEND, own(1), atom(''), atom(to)), text)
  const call = (to: string, request: Term, id: number) =>
    Buffer.concat([
      message(tuple(op.MONITOR_P, own(1), atom(to), ref(id))),
      say(to, tuple(atom('$gen_call'), tuple(own(1), ref(id)), request)),
    ])
  const spawn = (id: number, module: string, name: string, args: Term[]) => {
    const mfa = tuple(atom(module), atom(name), args.length)
    const options = [atom('monitor'), atom('link')]
    return message(tuple(op.SPAWN_REQUEST, ref(id), own(id), own(1), mfa, options), args)
  }
  return [
    [
      message(tuple(op.LINK, own(1), victim)),
      message(tuple(op.LINK, own(2), victim)),
      message(tuple(op.UNLINK_ID, 1, own(2), victim)),
      message(tuple(op.LINK, own(3), nobody)),
      message(tuple(op.MONITOR_P, own(1), victim, ref(1))),
      message(tuple(op.MONITOR_P, own(1), atom('victim'), ref(2))),
      message(tuple(op.MONITOR_P, own(1), atom('nobody'), ref(3))),
      message(tuple(op.MONITOR_P, own(1), nobody, ref(4))),
      message(tuple(op.DEMONITOR_P, own(1), victim, ref(99))),
    ],
    [
      message(tuple(op.PAYLOAD_EXIT, own(9), victim), atom('not_linked')),
      message(tuple(op.PAYLOAD_MONITOR_P_EXIT, own(9), victim, ref(5)), atom('not_monitored')),
      message(tuple(op.SPAWN_REPLY, new Reference(node.name, [6, 2, 3], node.creation), victim, 0, atom('unasked'))),
      call('net_kernel', tuple(atom('is_auth'), atom(peer)), 10),
      call('rex', tuple(atom('call'), atom('lists'), atom('sum'), [[1]], own(1)), 11),
      call('slow', 'never answered', 12),
      say('nobody', 'lost'),
    ],
    [
      spawn(20, 'erpc', 'execute_call', [ref(20), atom('lists'), atom('sum'), [[1]]]),
      spawn(21, 'erpc', 'execute_call', [ref(21), atom('Elixir.Slow'), atom('forever'), []]),
      spawn(22, 'no', 'such', []),
    ],
    [
      say('pg', tuple(atom('discover'), own(30))),
      say('pg', tuple(atom('$gen_cast'), tuple(atom('sync'), own(30), [tuple('room', [own(31), own(32)])]))),
      say('pg', tuple(atom('join'), own(30), tuple('room', peer), own(31))),
    ],
  ].map((parts) => Buffer.concat(parts))
}

/** The beginning of a message in fragments, and half a frame. */
const unfinished = Buffer.concat([
  Buffer.from([0, 0, 0, 22, 131, 69, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 2, 3]),
  Buffer.from([0, 0, 16, 0, 131, 68]),
])

/** A peer comes, both sides tie themselves to the other, and it goes without a word. */
async function visit(node: LocalNode, victim: Process, number: number): Promise<void> {
  const peer = await RawPeer.connect(node)
  const { name } = peer
  const all = traces(name, node, victim.pid)
  peer.write(all[number % all.length] as Buffer)
  const me = new Pid(name, 1, 0, 77)
  const last = tuple(atom('$gen_call'), tuple(me, 'tag'), 'all of it was read')
  peer.send(tuple(op.REG_SEND, me, atom(''), atom('echo')), last)
  peer.write(unfinished)
  await peer.receive((frames) => (frames.some((bytes) => bytes.includes('all of it')) ? true : undefined))
  const waits: Promise<unknown>[] = []
  if (number % 3 === 0) {
    victim.link(me)
    victim.link(new Pid(name, 50, 0, 77))
    victim.unlink(new Pid(name, 50, 0, 77))
    victim.monitor(new Pid(name, 51, 0, 77))
    victim.monitor({ name: 'somebody', node: name })
  } else if (number % 3 === 1) {
    waits.push(node.call({ name: 'somebody', node: name }, 'anybody there?', { timeout: 60_000 }))
    waits.push(node.rpc(name, 'erlang', 'node', [], { timeout: 60_000 }))
  }
  const settled = Promise.allSettled(waits)
  peer.reset()
  for (const { status } of await settled) expect(status).toBe('rejected')
}

async function memory(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

it('nothing is left of 10,000 peers that came, tied themselves to a node in all kinds of ways, and went', async () => {
  const clock = new CountingClock()
  const log = new LogBook()
  const options = { name: 'leaks@127.0.0.1', cookie: 'secret', epmd: false, mesh: false, clock, logger: log } as const
  await using node = await startNode(options)
  const victim = await openProcess(node, { name: 'victim', trapExit: true, overflow: 'drop' })
  await node.start({ handleCall: (request) => request, handleInfo() {} }, { name: 'echo' })
  await node.start({ handleCall: () => noReply, handleInfo() {} }, { name: 'slow' })
  node.expose('Elixir.Slow', {
    forever() {
      return new Promise((resolve) => this.signal.addEventListener('abort', () => resolve(atom('at last'))))
    },
  })
  node.pg().join('room', victim.pid)
  const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap')
  const gone = () => expect([...node.nodes('known'), ...sockets()]).toEqual([])
  const visits = async (count: number) => {
    let left = count
    const visitor = async (): Promise<void> => {
      while (left > 0) await visit(node, victim, left--)
    }
    await Promise.all(Array.from({ length: 25 }, visitor))
    await vi.waitFor(gone, { timeout: 20_000, interval: 10 })
    log.lines.length = 0
    while (victim.mailboxLength > 0) await victim.receive()
  }
  // Whatever is made once and kept is there after these.
  await visits(500)
  const before = holdings(node, clock)
  const bytes = await memory()
  await visits(9_500)
  expect(holdings(node, clock)).toEqual(before)
  // The names of the last 4,096 peers are still known as atoms; 1 KiB for each of the 9,500 would be more.
  const grown = (await memory()) - bytes
  expect(grown).toBeLessThan(9 * 2 ** 20)
}, 300_000)
