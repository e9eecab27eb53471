import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bag } from '../../../src/node/pg/bag.ts'
import { Groups, Holder, type PgEvent } from '../../../src/node/pg/groups.ts'
import { Pid } from '../../../src/term/index.ts'
import '../../support/seed.ts'

const pids = Array.from({ length: 40 }, (_, i) => new Pid('a@host', i % 13, Math.floor(i / 13) * 2 ** 20, 1))
/** An equal pid that is another object, as each message brings. */
const again = (pid: Pid): Pid => new Pid(pid.node, pid.id, pid.serial, pid.creation)
const sorted = (list: Iterable<Pid>): string[] => Array.from(list, ({ key }) => key).sort()
const operation = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: pids.length - 1 }))

describe('a bag of pids', () => {
  it('holds what a list would, whatever is added and taken', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const bag = new Bag()
        const list: string[] = []
        for (const [add, index] of operations) {
          const pid = again(pids[index] as Pid)
          const at = list.indexOf(pid.key)
          if (add) {
            bag.add(pid)
            list.push(pid.key)
          } else {
            expect(bag.take(pid)).toBe(at !== -1)
            if (at !== -1) list.splice(at, 1)
          }
          expect(bag.size).toBe(list.length)
        }
        expect(sorted(bag)).toEqual([...list].sort())
      }),
    )
  })

  it('tells pids with huge numbers apart', () => {
    const bag = new Bag()
    const huge = [100, 101, 2 ** 32 - 1].flatMap((id) =>
      [0, 2 ** 21, 2 ** 32 - 1].map((serial) => new Pid('a@host', id, serial, 1)),
    )
    for (const pid of [...huge, ...pids]) bag.add(pid)
    expect(bag.size).toBe(huge.length + pids.length)
    for (const pid of huge) expect(bag.take(again(pid))).toBe(true)
    for (const pid of huge) expect(bag.take(again(pid))).toBe(false)
    expect(sorted(bag)).toEqual(sorted(pids))
  })
})

describe('groups', () => {
  const [p, q, r] = pids as [Pid, Pid, Pid]
  const at = (node: string, id: number): Pid => new Pid(node, id, 0, 1)
  const add = (groups: Groups, holder: Holder, name: string, members: Pid[]) =>
    groups.add(holder, name, { name, pids: members })

  it('exist while they have members', () => {
    const groups = new Groups()
    const peer = new Holder()
    add(groups, groups.local, 'g', [p])
    add(groups, peer, 'g', [q])
    expect(sorted(groups.members('g'))).toEqual(sorted([p, q]))
    expect(groups.localMembers('g')).toEqual([p])
    expect(groups.take(groups.local, 'g', [p, p])).toEqual([p])
    expect([...groups.localMemberships()]).toEqual([])
    expect(groups.members('g')).toEqual([q])
    expect(groups.clear(peer)).toEqual([{ type: 'leave', group: 'g', pids: [q] }])
    expect([...groups.all]).toEqual([])
    expect(groups.members('g')).toEqual([])
    expect(groups.take(peer, 'g', [q])).toEqual([])
  })

  it('give the same frozen array until something changes', () => {
    const groups = new Groups()
    const peer = new Holder()
    add(groups, peer, 'g', [p])
    const members = groups.members('g')
    expect(Object.isFrozen(members)).toBe(true)
    expect(groups.members('g')).toBe(members)
    add(groups, groups.local, 'other', [q])
    expect(groups.members('g')).toBe(members)
    add(groups, peer, 'g', [q])
    expect(members).toEqual([p])
    expect(sorted(groups.members('g'))).toEqual(sorted([p, q]))
  })

  it('say what a replacement has changed, and are as if made anew by it', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const members = fc.array(fc.constantFrom(p, q, r), { minLength: 1, maxLength: 5 })
    const state = fc.dictionary(name, members)
    fc.assert(
      fc.property(state, state, (before, after) => {
        const groups = new Groups()
        const peer = new Holder()
        const mine = at('b@host', 1)
        add(groups, groups.local, 'a', [mine])
        for (const [group, list] of Object.entries(before)) add(groups, peer, group, list)
        const events = groups.replace(
          peer,
          new Map(Object.entries(after).map(([key, list]) => [key, { name: key, pids: list }])),
        )
        for (const group of ['a', 'b', 'c']) {
          const wanted = after[group] ?? []
          expect(sorted(groups.members(group))).toEqual(sorted(group === 'a' ? [mine, ...wanted] : wanted))
          expect(sorted(follow(before[group] ?? [], group, events))).toEqual(sorted(wanted))
        }
        for (const { pids: changed } of events) expect(changed.length).toBeGreaterThan(0)
      }),
    )
  })

  it('take no more of one side than its limit, long names counted in', () => {
    const groups = new Groups()
    const peer = new Holder(3)
    expect(add(groups, peer, 'g', [p, q])).toEqual([p, q])
    expect(peer.full).toBe(false)
    expect(add(groups, peer, 'h', [p, q, r])).toEqual([p])
    expect(peer.full).toBe(true)
    groups.take(peer, 'g', [p, q])
    const long = 'x'.repeat(600)
    expect(add(groups, peer, long, [p])).toEqual([])
    groups.take(peer, 'h', [p])
    expect(add(groups, peer, long, [p, q])).toEqual([p])
    groups.clear(peer)
    expect(add(groups, peer, 'g', [p, q, r])).toEqual([p, q, r])
    expect(groups.replace(peer, new Map([['h', { name: 'h', pids: [p, q, r, p] }]]))).toEqual([
      { type: 'leave', group: 'g', pids: [p, q, r] },
      { type: 'join', group: 'h', pids: [p, q, r] },
    ])
  })

  it('take 100,000 members in and out one by one', () => {
    const groups = new Groups()
    const many = Array.from({ length: 100_000 }, (_, i) => at('b@host', i))
    for (const pid of many) add(groups, groups.local, 'g', [pid])
    expect(groups.members('g').length).toBe(100_000)
    let taken = 0
    for (const pid of many) taken += groups.take(groups.local, 'g', [again(pid)]).length
    expect([taken, ...groups.all]).toEqual([100_000])
  })
})

/** What becomes of a list by events about a group. */
function follow(list: readonly Pid[], group: string, events: readonly PgEvent[]): Pid[] {
  const left = [...list]
  for (const event of events) {
    if (event.group !== group) continue
    for (const pid of event.pids) {
      if (event.type === 'join') left.push(pid)
      else
        left.splice(
          left.findIndex((each) => each.equals(pid)),
          1,
        )
    }
  }
  return left
}
