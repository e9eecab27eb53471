import { describe, expect, it } from 'vitest'
import type { Action, Saved } from '../../../src/store/replication/action.ts'
import type { Log } from '../../../src/store/replication/log.ts'
import type { Append, Hello } from '../../../src/store/replication/messages.ts'
import type { LogEntry } from '../../../src/store/replication/operation.ts'
import { VoterReplica } from '../../../src/store/replication/voter-replica.ts'
import { Version } from '../../../src/store/version.ts'
import { Scene } from './scene.ts'

const members = ['a', 'b', 'c', 'd', 'e']

function entry(epoch: number, loader: string, sequence: number): LogEntry {
  const version = new Version(epoch, loader, sequence)
  return { version, at: 0, client: '', request: 0, floor: 0, operation: { kind: 'none' } }
}

const tail = Array.from({ length: 40 }, (_, i) => entry(7, 'd', 101 + i))

/** What a voter finds on its disk: a table, and what it has acknowledged to `d` since. */
const saved: Saved = {
  meta: { promised: { epoch: 7, loader: 'd' }, incarnation: 1, incarnations: [], restored: true },
  state: { position: new Version(7, 'd', 100), entries: new Map(), reaches: [], sessions: [] },
  entries: tail,
}

function voter(limits = { requests: 1000, requestBytes: 1 << 20, leases: 1000 }): VoterReplica {
  const options = {
    ...{ self: 'a', client: 'a#1', members, loader: undefined, heartbeat: 1000, lease: 5000, wallOffset: 0 },
    ...{ durable: true, bounds: { entries: 10, bytes: 1 << 20 }, heeds: () => true, incarnation: 1 },
    limits,
    reader: { read: () => ({ value: 1, shared: true }) },
  }
  return new VoterReplica(options, saved)
}

/** Takes out what is to be done, and says of saves that they are done. */
function act(replica: VoterReplica): Action[] {
  const done: Action[] = []
  replica.flush(1)
  while (replica.actions.length > 0) {
    const { actions } = replica
    replica.actions = []
    for (const action of actions) if (action.kind === 'save') replica.saved(action.id, 1)
    done.push(...actions)
    replica.flush(1)
  }
  return done
}

/** What it has sent so far, of what is to be done. */
function told(replica: VoterReplica): { readonly kind: string; readonly match?: number | undefined }[] {
  return replica.actions.flatMap((action) => (action.kind === 'send' ? [action.message] : []))
}

/** Whether it has asked for votes; takes out what is to be done. */
function isCandidate(replica: VoterReplica): boolean {
  return act(replica).some((action) => action.kind === 'send' && action.message.kind === 'vote-request')
}

function greet(replica: VoterReplica, peer: string): void {
  const setup = JSON.stringify([members, undefined])
  const hello: Hello = {
    ...{ kind: 'hello', setup, client: `${peer}#1`, born: 0, established: true },
    ...{ leads: true, highest: 9, answer: false },
  }
  replica.receive(peer, hello, 1)
}

/** Has `b` and `c` vote for it, and leads in epoch 8. */
function lead(replica: VoterReplica): void {
  for (const peer of ['b', 'c']) greet(replica, peer)
  for (let now = 0; !isCandidate(replica); now += 1000) replica.tick(now)
  const vote = { kind: 'vote', granted: true, promised: { epoch: 7, loader: 'd' }, restored: true } as const
  const rest = { epoch: { epoch: 8, loader: 'a' }, incarnation: 1, incarnations: [] }
  for (const trial of [true, false]) {
    for (const peer of ['b', 'c']) replica.receive(peer, { ...vote, ...rest, trial }, 1)
    act(replica)
  }
  expect(replica.leads).toBe(true)
}

/** Has `b` and `c` say that they have all up to a sequence. */
function appended(replica: VoterReplica, match: number): void {
  const epoch = { epoch: 8, loader: 'a' }
  const message = { kind: 'appended', hint: match, sentAt: 1, restored: true, incarnation: 1 } as const
  for (const peer of ['b', 'c']) {
    replica.receive(peer, { ...message, epoch, promised: epoch, match }, 1)
    act(replica)
  }
}

function append(previous: Version, commit: number, entries: readonly LogEntry[] = []): Append {
  const epoch = { epoch: 9, loader: 'b' }
  const rest = { commit, all: 0, sentAt: 1, accepts: true, start: 131, unanimous: false }
  return { kind: 'append', epoch, previous, entries, ...rest }
}

describe('a voter', () => {
  it('keeps what it has acknowledged beyond a table that it is sent: somebody may have counted on it', () => {
    const replica = voter()
    greet(replica, 'b')
    replica.receive('b', append(new Version(9, 'b', 131), 120), 1)
    const part = { id: 1, index: 0, position: new Version(7, 'd', 120), entries: [] }
    const last = { reaches: [], sessions: [] }
    replica.receive('b', { kind: 'snapshot', epoch: { epoch: 9, loader: 'b' }, session: 0, ...part, last }, 1)
    const [save] = act(replica).filter((action) => action.kind === 'save' && action.state !== undefined)
    expect(save).toMatchObject({ entries: tail.slice(20) })
    replica.receive('b', append(new Version(7, 'd', 130), 120), 1)
    expect(act(replica)).toContainEqual(
      expect.objectContaining({ message: expect.objectContaining({ kind: 'appended', match: 130 }) }),
    )
  })

  it('that leads commits what earlier epochs left by an operation of its own, and not by counting: Raft, figure 8', () => {
    const replica = voter()
    lead(replica)
    appended(replica, 140)
    expect(replica.table.position.sequence).toBe(100)
    appended(replica, 141)
    expect(replica.table.position.sequence).toBe(141)
  })

  it('that leads orders once what is sent again before it is committed, and does not take it for more', () => {
    const replica = voter({ requests: 2, requestBytes: 1 << 20, leases: 1000 })
    lead(replica)
    appended(replica, 141)
    const write = { key: 'k', bytes: new Uint8Array(1), ttl: undefined, stale: 0, expected: undefined }
    const submit = (...numbers: number[]) => {
      const of = {
        client: 'b#1',
        floor: 1,
        lease: undefined,
        all: false,
        operation: { kind: 'write', writes: [write] },
      } as const
      replica.receive('b', { kind: 'submit', requests: numbers.map((request) => ({ ...of, request })) }, 1)
      return act(replica).flatMap((action) => (action.kind === 'send' ? [action.message] : []))
    }
    const refused = { kind: 'refused', request: 3, code: 'ERR_LIMIT' }
    for (let i = 0; i < 3; i++) expect(submit(1, 2)).not.toContainEqual(expect.objectContaining({ kind: 'refused' }))
    expect(submit(3)).toContainEqual(expect.objectContaining(refused))
    appended(replica, 143)
    expect(replica.table.position.sequence).toBe(143)
    expect(submit(3)).not.toContainEqual(expect.objectContaining(refused))
  })

  it('says nothing of a promise, or of an entry, before it is on the disk', () => {
    const replica = voter()
    for (const peer of ['b', 'c']) greet(replica, peer)
    act(replica)
    const epoch = { epoch: 9, loader: 'b' }
    const last = new Version(7, 'd', 140)
    replica.receive('b', { kind: 'vote-request', epoch, last, trial: false, handedOver: undefined }, 6000)
    replica.flush(6000)
    expect(told(replica)).toEqual([])
    expect(act(replica)).toContainEqual(
      expect.objectContaining({ message: expect.objectContaining({ kind: 'vote', granted: true }) }),
    )
    replica.receive('b', append(last, 120), 6000)
    act(replica)
    replica.receive('b', append(last, 120, [entry(9, 'b', 141)]), 6000)
    replica.flush(6000)
    expect(told(replica).filter(({ kind, match }) => kind === 'appended' && match === 141)).toEqual([])
    expect(act(replica)).toContainEqual(
      expect.objectContaining({ message: expect.objectContaining({ kind: 'appended', match: 141 }) }),
    )
  })

  it('does not count the vote of one that has lost its state since', () => {
    const replica = voter()
    for (const peer of ['b', 'c', 'd']) greet(replica, peer)
    for (let now = 0; !isCandidate(replica); now += 1000) replica.tick(now)
    const vote = (peer: string, trial: boolean, incarnation = 1): void => {
      const promised = { epoch: 7, loader: 'd' }
      const rest = { granted: true, promised, restored: true, incarnation, incarnations: [] }
      replica.receive(peer, { kind: 'vote', epoch: { epoch: 8, loader: 'a' }, trial, ...rest }, 1)
      act(replica)
    }
    vote('b', true)
    vote('c', true)
    vote('c', false)
    replica.receive('c', { kind: 'recover', incarnation: 2 }, 1)
    vote('b', false)
    // Of the incarnation that is gone.
    vote('c', false)
    expect(replica.leads).toBe(false)
    vote('d', false)
    expect(replica.leads).toBe(true)
  })

  it('says how far it is only when it knows where the loader follows on', () => {
    const replica = voter()
    greet(replica, 'b')
    replica.receive('b', append(new Version(9, 'b', 131), 120), 1)
    const answers = act(replica).filter((action) => action.kind === 'send' && action.message.kind === 'appended')
    expect(answers).toMatchObject([{ message: { match: undefined, hint: 100 } }])
  })

  it('lets its log go although its disk takes nothing any more', () => {
    const replica = voter()
    greet(replica, 'b')
    replica.diskFailed(1)
    const more = Array.from({ length: 1000 }, (_, i) => entry(9, 'b', 141 + i))
    replica.receive('b', append(new Version(7, 'd', 140), 1140, more), 1)
    act(replica)
    expect(replica.table.position.sequence).toBe(1140)
    const { log } = replica as unknown as { log: Log }
    expect(log.last.sequence - log.base.sequence).toBe(10)
  })

  it('follows on when its disk takes nothing any more, and is not counted', () => {
    const scene = new Scene({ members: ['a', 'b', 'c', 'd', 'e'], durable: true })
    for (const victim of [scene.others(scene.loader())[0], scene.loader()]) scene.simulation.failDisk(victim as never)
    scene.run(15_000)
    for (let i = 0; i < 20; i++) scene.put('a', `k${i}`, 'x'.repeat(1 << 20))
    scene.run(10_000)
    expect(scene.settlements).toHaveLength(20)
    scene.expectEqual()
    expect(scene.process('a').replica.table.size).toBe(20)
  })

  it('knows no loader when it has not heard of one for a lease, and follows it again when it is back', () => {
    const scene = new Scene({ members: ['a', 'b', 'c'] })
    const loader = scene.loader()
    const [follower] = scene.others(loader)
    scene.simulation.pause(loader)
    scene.simulation.pause(scene.others(loader)[1] as never)
    scene.run(8000)
    expect(follower?.replica.loader).toBeUndefined()
    for (const process of scene.all) if (process.paused) scene.simulation.resume(process)
    scene.run(20_000)
    scene.expectEqual()
  })

  it.each([false, true])(
    'takes over at once from a loader whose links are gone, not after its lease (with disks: %s)',
    (durable) => {
      const scene = new Scene({ members: ['a', 'b', 'c'], durable })
      const loader = scene.loader()
      scene.put(loader.name, 'before')
      scene.run(1000)
      scene.simulation.kill(loader)
      scene.run(2500)
      expect(scene.loader()).toBeDefined()
      scene.put(scene.loader().name, 'after')
      scene.run(1500)
      expect(scene.settlements).toHaveLength(2)
      expect(scene.loader().replica.table.size).toBe(2)
    },
  )

  it('stays with a loader that only it has lost, and takes part again when it is back', () => {
    const scene = new Scene({ members: ['a', 'b', 'c'] })
    const loader = scene.loader()
    const [follower] = scene.others(loader)
    const epoch = loader.replica.currentEpoch
    for (let i = 0; i < 5; i++) {
      scene.simulation.links.flap(loader.name, follower?.name as string)
      scene.run(5000)
    }
    scene.simulation.links.block(loader.name, follower?.name as string)
    scene.run(20_000)
    expect(follower?.replica.loader).toBeUndefined()
    scene.simulation.links.unblockAll()
    scene.run(5000)
    expect(loader.replica.currentEpoch).toEqual(epoch)
    scene.expectEqual()
  })

  it('that is none follows those that have all begun anew', () => {
    const scene = new Scene({ members: ['a', 'b', 'c'], others: ['x'] })
    for (let i = 0; i < 300; i++) scene.put('x', `k${i}`)
    scene.run(5000)
    expect(scene.process('x').replica.table.size).toBe(300)
    for (const name of ['a', 'b', 'c']) scene.simulation.kill(scene.process(name))
    for (const name of ['a', 'b', 'c']) scene.simulation.start(name)
    scene.run(30_000)
    scene.put('x', 'after')
    scene.run(5000)
    scene.expectEqual()
    expect(scene.process('x').replica.table.size).toBe(1)
  })
})
