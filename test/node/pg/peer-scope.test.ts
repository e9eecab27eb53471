import { beforeEach, describe, expect, it } from 'vitest'
import { TsunagiError } from '../../../src/base/errors.ts'
import { Groups, type PgEvent } from '../../../src/node/pg/groups.ts'
import { PeerScope } from '../../../src/node/pg/peer-scope.ts'
import { readMessage } from '../../../src/node/pg/scope-messages.ts'
import { atom, Pid, parse, Reference, type Term, tuple } from '../../../src/term/index.ts'
import { termKey } from '../../../src/term/term-key.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { LogBook } from '../../process/network.ts'

const us = new Pid('us@host', 1, 0, 1)
const mine = [10, 11, 12].map((id) => new Pid('us@host', id, 0, 1)) as [Pid, Pid, Pid]
const scope = new Pid('peer@host', 1, 0, 5)
const next = new Pid('peer@host', 2, 0, 5)
const theirs = [20, 21, 22].map((id) => new Pid('peer@host', id, 0, 5)) as [Pid, Pid, Pid]

let clock: FakeClock
let groups: Groups
let events: PgEvent[]
let log: LogBook
/** What was sent and monitored, in order. */
let did: Term[]
/** Makes sending throw this, for messages it matches. */
let refuse: (message: Term) => TsunagiError | undefined
let refs: Reference[]
let peer: PeerScope

beforeEach(() => {
  clock = new FakeClock()
  groups = new Groups()
  events = []
  log = new LogBook()
  did = []
  refs = []
  refuse = () => undefined
  const send = (to: Term, message: Term): void => {
    const error = refuse(message)
    if (error !== undefined) throw error
    did.push(tuple(to, message))
  }
  const line = {
    peer: atom('peer@host'),
    self: us,
    sendToName: (message: Term) => send(atom('name'), message),
    sendTo: (to: Pid, message: Term) => send(to, message),
    monitor: (of?: Pid) => {
      const error = refuse(tuple(atom('monitor'), of ?? atom('name')))
      if (error !== undefined) throw error
      const ref = new Reference('us@host', [refs.length + 1], 1)
      refs.push(ref)
      did.push(tuple(atom('monitor'), of ?? atom('name')))
      return ref
    },
    demonitor: (ref: Reference) =>
      void did.push(
        tuple(
          atom('demonitor'),
          refs.findIndex((each) => each.equals(ref)),
        ),
      ),
  }
  const changed = (changes: readonly PgEvent[]) => void events.push(...changes)
  peer = new PeerScope(line, { name: 'pg', groups, clock, logger: log, pgMembers: 1000, changed })
})

/** What was done since the last look, as text; pids by short names. */
function done(): string[] {
  const names: [Pid, string][] = [
    [us, 'us'],
    [scope, 'scope'],
    [next, 'next'],
    ...mine.map((pid, i): [Pid, string] => [pid, `m${i}`]),
    ...theirs.map((pid, i): [Pid, string] => [pid, `t${i}`]),
  ]
  return did
    .splice(0)
    .map((what) => names.reduce((text, [pid, name]) => text.replaceAll(String(pid), name), String(what)))
}

/** The peer's scope says something, in Erlang's words. */
function says(text: string): void {
  const message = readMessage(erlang(text))
  if (message !== undefined) peer.receive(message)
}

function erlang(text: string): Term {
  let whole = text
  const names: Record<string, Pid> = { scope, t0: theirs[0], t1: theirs[1], t2: theirs[2], m0: mine[0] }
  for (const [name, pid] of Object.entries(names)) whole = whole.replaceAll(`$${name}`, String(pid))
  return parse(whole)
}

function joins(name: string, ...pids: Pid[]): void {
  const key = termKey(name)
  groups.add(groups.local, key, { name, pids })
  peer.joined(key, { name, pids }, groups.localSize(key))
}

function leaves(name: string, ...pids: Pid[]): void {
  const key = termKey(name)
  groups.take(groups.local, key, pids)
  peer.left(pids, [{ key, name, empty: groups.localSize(key) === 0 }])
}

const members = (name: string): readonly Pid[] => groups.members(termKey(name))
const sync = (text: string): void => says(`{'$gen_cast',{sync,$scope,${text}}}`)
/** Brings the conversation to where news are told and taken. */
function meet(): void {
  peer.start()
  sync('[]')
  done()
}
const fullLink = new TsunagiError('ERR_LINK_FULL', 'full')
const atomLimit = new TsunagiError('ERR_ATOM_LIMIT', 'too many atoms')

describe('the conversation with a scope', () => {
  it('begins with a monitor and a discover by name, and each tells the other all it has once', () => {
    joins('g', mine[0], mine[0])
    peer.start()
    expect(done()).toEqual(['{monitor,name}', '{name,{discover,us}}'])
    sync('[{<<"h">>,[$t0,$t1]}]')
    expect(done()).toEqual(['{monitor,scope}', '{demonitor,0}', `{scope,{'$gen_cast',{sync,us,[{<<"g">>,[m0,m0]}]}}}`])
    // It did not know us when it answered.
    says('{discover,$scope}')
    expect(done()).toEqual([])
    expect(events).toEqual([{ type: 'join', group: 'h', pids: [theirs[0], theirs[1]] }])
    expect(clock.pending).toBe(0)
  })

  it('asks nothing twice when both begin at once', () => {
    peer.start()
    done()
    says('{discover,$scope}')
    expect(done()).toEqual(['{monitor,scope}', `{scope,{'$gen_cast',{sync,us,[]}}}`])
    sync('[{g,[$t0]}]')
    expect(done()).toEqual(['{demonitor,0}'])
    expect(groups.members(termKey(atom('g')))).toEqual([theirs[0]])
  })

  it('asks again, ever more seldom, while there is no such scope', () => {
    peer.start()
    const times: number[] = []
    for (let round = 0; round < 200; round++) {
      did = []
      expect(peer.down(refs.at(-1) as Reference)).toBe(true)
      expect(clock.pending).toBe(1)
      const before = clock.now()
      while (clock.pending > 0) clock.advance(10)
      expect(done()).toEqual(['{monitor,name}', '{name,{discover,us}}'])
      times.push(clock.now() - before)
    }
    expect(times[0]).toBeLessThanOrEqual(510)
    expect(Math.max(...times)).toBeLessThanOrEqual(5010)
    expect(Math.max(...times)).toBeGreaterThan(1000)
    expect(log.lines).toEqual([])
    sync('[]')
    expect(clock.pending).toBe(0)
  })

  it('answers a scope that starts while it waits, and asks that one', () => {
    peer.start()
    peer.down(refs[0] as Reference)
    done()
    says('{discover,$scope}')
    expect(done()).toEqual(['{monitor,scope}', `{scope,{'$gen_cast',{sync,us,[]}}}`, '{scope,{discover,us}}'])
    expect(clock.pending).toBe(0)
    says('{discover,$scope}')
    expect(done()).toEqual([])
  })

  it('asks by pid when whoever was asked by name is gone, and another has come meanwhile', () => {
    peer.start()
    says('{discover,$scope}')
    done()
    expect(peer.down(refs[0] as Reference)).toBe(true)
    expect(done()).toEqual(['{scope,{discover,us}}'])
    sync('[{g,[$t0]}]')
    expect(done()).toEqual([])
    expect(events).toHaveLength(1)
  })

  it('tells news, one by one, only after it has told all', () => {
    joins('g', mine[0])
    peer.start()
    joins('g', mine[1])
    leaves('g', mine[0])
    done()
    says('{discover,$scope}')
    expect(done()).toEqual(['{monitor,scope}', `{scope,{'$gen_cast',{sync,us,[{<<"g">>,[m1]}]}}}`])
    joins('h', mine[0], mine[1])
    joins('h', mine[0])
    leaves('g', mine[1])
    leaves('h', mine[0], mine[1])
    expect(done()).toEqual([
      '{scope,{join,us,<<"h">>,[m0,m1]}}',
      '{scope,{join,us,<<"h">>,m0}}',
      '{scope,{leave,us,m1,[<<"g">>]}}',
      '{scope,{leave,us,[m0,m1],[<<"h">>]}}',
    ])
  })

  it('takes news of version 0 and of version 1', () => {
    meet()
    says('{join,$scope,<<"g">>,$t0}')
    says('{join,$scope,<<"g">>,[$t1,$t0]}')
    says('{leave,$scope,$t0,[<<"g">>,<<"none">>]}')
    expect(events.splice(0).map(({ type }) => type)).toEqual(['join', 'join', 'leave'])
    expect(members('g')).toHaveLength(2)
    says('{leave,$scope,[$t0,$t2],[<<"g">>]}')
    expect(events.splice(0)).toEqual([{ type: 'leave', group: 'g', pids: [theirs[0]] }])
    says('{update,$scope,[{<<"g">>,[$t2],[$t1]},{<<"h">>,[$t0],[]}]}')
    expect(events.splice(0)).toEqual([
      { type: 'leave', group: 'g', pids: [theirs[1]] },
      { type: 'join', group: 'g', pids: [theirs[2]] },
      { type: 'join', group: 'h', pids: [theirs[0]] },
    ])
    says(`{'$gen_cast',{local_data,$scope,1,#{<<"h">> => [$t0,$t1], {a,1} => [$t2]}}}`)
    expect(members('g')).toEqual([])
    expect(members('h')).toHaveLength(2)
    expect(groups.members(termKey(tuple(atom('a'), 1)))).toEqual([theirs[2]])
    says(`{'$gen_cast',{local_data,$scope,1,#{only => [$t0]}}}`)
    expect([...groups.all].map(({ name }) => name)).toEqual([atom('only')])
    says('{discover,$scope,1}')
    expect(done()).toEqual([])
  })

  it('forgets all when the scope is gone, and looks for the next one', () => {
    meet()
    says('{join,$scope,<<"g">>,[$t0,$t1]}')
    joins('mine', mine[0])
    done()
    expect(peer.down(new Reference('us@host', [99], 1))).toBe(false)
    expect(peer.down(refs[1] as Reference)).toBe(true)
    expect(events.at(-1)).toEqual({ type: 'leave', group: 'g', pids: [theirs[0], theirs[1]] })
    expect(members('g')).toEqual([])
    joins('mine', mine[1])
    expect(done()).toEqual([])
    clock.advance(500)
    expect(done()).toEqual(['{monitor,name}', '{name,{discover,us}}'])
  })

  it('takes another pid for a scope that was started anew', () => {
    meet()
    says('{join,$scope,<<"g">>,$t0}')
    peer.receive({ kind: 'discover', scope: next })
    expect(members('g')).toEqual([])
    const told = `{next,{'$gen_cast',{sync,us,[]}}}`
    expect(done()).toEqual(['{monitor,next}', '{demonitor,1}', told, '{next,{discover,us}}'])
    says('{join,$scope,<<"g">>,$t0}')
    expect(members('g')).toEqual([])
  })

  it('tells all again no more than five times in a second, whoever says that it is the scope now', () => {
    peer.start()
    const pids = Array.from({ length: 1000 }, (_, id) => new Pid('peer@host', 1000 + id, 0, 5))
    for (const pid of pids) peer.receive({ kind: 'discover', scope: pid })
    clock.advance(999)
    expect(done().filter((what) => what.includes('sync'))).toHaveLength(5)
    joins('mine', mine[0])
    expect(done()).toEqual([])
    clock.advance(1)
    expect(done()).toEqual([`{${pids.at(-1)},{'$gen_cast',{sync,us,[{<<"mine">>,[m0]}]}}}`])
    expect(clock.pending).toBe(0)
  })

  it('ignores news before the sync', () => {
    peer.start()
    says('{join,$scope,<<"g">>,$t0}')
    says('{discover,$scope}')
    says('{join,$scope,<<"g">>,$t0}')
    says('{leave,$scope,$t0,[<<"g">>]}')
    says('{update,$scope,[{<<"g">>,[$t0],[]}]}')
    expect(events).toEqual([])
  })

  it.each([
    '1',
    '{discover,1}',
    '{discover}',
    '{discover,$scope,1,2}',
    '{sync,$scope,[{g,$m0}]}',
    '{sync,$scope,[{g,[$t0]}|tail]}',
    '{sync,$scope,{g,[$t0]}}',
    '{sync,$scope,[{g,[]},{h,1},[i,[$t0]],{j,[$t0],k}]}',
    '{join,$scope,g}',
    '{join,$scope,g,[]}',
    '{join,$scope,g,[$t0|$t1]}',
    '{join,$scope,g,{$t0,$t1}}',
    '{join,$scope,g,[$m0,1,g]}',
    '{join,$scope,g,$m0}',
    '{leave,$scope,[$t0],g}',
    '{leave,$scope,$t0,[g|h]}',
    '{leave,$scope,1,[g]}',
    '{leave,$scope,$t0,[g]}',
    '{update,$scope,[{g,[$t0]},{g,[],[$t0]},1|2]}',
    '{update,$scope,[{g,[$m0],[$t0]}]}',
    '{local_data,$scope,1,[{g,[$t0]}]}',
    `{'$gen_cast',1}`,
    `{'$gen_cast',{'$gen_cast',{join,$scope,g,$t0}}}`,
  ])('is not troubled by %s', (text) => {
    meet()
    says(text)
    says(`{'$gen_cast',${text}}`)
    expect(events).toEqual([])
    says('{join,$scope,<<"g">>,$t0}')
    expect(members('g')).toEqual([theirs[0]])
  })

  it('does not go through a list of pids for each group of a list', () => {
    const many = Array.from({ length: 20_000 }, () => theirs[0])
    expect(
      readMessage(
        tuple(
          atom('leave'),
          scope,
          many,
          many.map((_, i) => i),
        ),
      ),
    ).toBeUndefined()
    expect(
      readMessage(
        tuple(
          atom('leave'),
          scope,
          theirs[0],
          many.map((_, i) => i),
        ),
      ),
    ).toMatchObject({ kind: 'update' })
  })

  it('keeps no more members of a peer than the limit, and says so once', () => {
    meet()
    for (let id = 0; id < 1200; id++) {
      peer.receive({
        kind: 'update',
        scope,
        updates: [{ type: 'join', key: id, name: id, pids: [theirs[0]] }],
      })
    }
    expect([...groups.all]).toHaveLength(1000)
    expect(log.messages('warn')).toHaveLength(1)
    expect(log.messages('warn')[0]).toContain('pgMembers')
    expect(peer.stop()).toHaveLength(1000)
    expect([...groups.all]).toEqual([])
  })
})

describe('news that cannot be sent', () => {
  it('are made up for by a sync when the link has room again', () => {
    joins('g', mine[0])
    meet()
    refuse = () => fullLink
    joins('h', mine[0])
    leaves('g', mine[0])
    clock.advance(5000)
    expect(done()).toEqual([])
    refuse = () => undefined
    joins('h', mine[1])
    expect(done()).toEqual([])
    clock.advance(1000)
    expect(done()).toEqual([`{scope,{'$gen_cast',{sync,us,[{<<"h">>,[m0,m1]}]}}}`])
    leaves('h', mine[0])
    expect(done()).toEqual(['{scope,{leave,us,m0,[<<"h">>]}}'])
    expect(clock.pending).toBe(0)
    expect(log.lines).toEqual([])
  })

  it('are asked for again when the link was too full for a discover', () => {
    refuse = (message) => (String(message).startsWith('{monitor,') ? undefined : fullLink)
    peer.start()
    expect(done()).toEqual(['{monitor,name}', '{demonitor,0}'])
    peer.receive({ kind: 'discover', scope })
    refuse = () => undefined
    done()
    clock.advance(1000)
    expect(done().sort()).toEqual([`{scope,{'$gen_cast',{sync,us,[]}}}`, '{scope,{discover,us}}'].sort())
  })

  it('are no reason to fail when a peer cannot even be monitored', () => {
    refuse = () => atomLimit
    peer.start()
    sync('[{g,[$t0]}]')
    says('{discover,$scope}')
    expect([done(), events]).toEqual([[], []])
    refuse = () => undefined
    clock.advance(500)
    expect(done()).toEqual(['{monitor,name}', '{name,{discover,us}}'])
    expect(log.messages('warn')).toHaveLength(1)
  })

  it('are left out for a group that a peer cannot be told of, with its leaves', () => {
    const bad = (message: Term): TsunagiError | undefined => (String(message).includes('bad') ? atomLimit : undefined)
    refuse = bad
    joins('bad', mine[0])
    joins('g', mine[0])
    peer.start()
    sync('[]')
    expect(done().slice(-2)).toEqual([`{scope,{'$gen_cast',{sync,us,[]}}}`, '{scope,{join,us,<<"g">>,m0}}'])
    joins('bad', mine[1])
    leaves('bad', mine[0])
    joins('bad2', mine[1])
    leaves('bad2', mine[1])
    expect(done()).toEqual([])
    refuse = () => undefined
    joins('bad', mine[0])
    expect(done()).toEqual([])
    leaves('bad', mine[0], mine[1])
    joins('bad', mine[2])
    leaves('bad', mine[2])
    expect(done()).toEqual(['{scope,{join,us,<<"bad">>,m2}}', '{scope,{leave,us,m2,[<<"bad">>]}}'])
    expect(log.messages('warn')).toHaveLength(1)
  })

  it('are told by a sync when a leave cannot be sent', () => {
    joins('g', mine[0], mine[1])
    meet()
    refuse = (message) => (String(message).includes('{leave,') ? atomLimit : undefined)
    leaves('g', mine[0])
    expect(done()).toEqual([`{scope,{'$gen_cast',{sync,us,[{<<"g">>,[m1]}]}}}`])
  })

  it('make a peer forget the group when it holds some of it', () => {
    joins('g', mine[0])
    joins('h', mine[0])
    meet()
    refuse = (message) => (String(message).includes('{join,') ? atomLimit : undefined)
    joins('g', mine[1])
    expect(done()).toEqual([`{scope,{'$gen_cast',{sync,us,[{<<"h">>,[m0]}]}}}`])
  })
})
