import { describe, expect, it } from 'vitest'
import { KnownNodes, MAX_KNOWN } from '../../../src/node/global/known-nodes.ts'
import { LockerInbox, type Partner } from '../../../src/node/global/locker-inbox.ts'
import { atom, Pid } from '../../../src/term/index.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'

const node = atom('b@host')
const locker = new Pid(node, 5, 0, 1)
const partner = (ourTag: number): Partner => ({ node, locker, version: 8, ourTag, theirTag: 1 })

describe('the inbox of a locker that is busy', () => {
  it('does not grow with a peer that begins and cancels again and again', () => {
    const inbox = new LockerInbox(new FakeClock())
    for (let tag = 1; tag <= 1000; tag++) {
      inbox.post({ kind: 'partner', partner: partner(tag) })
      inbox.post({ kind: 'lock_set', locker, set: true, tag, tagged: true })
      inbox.post({ kind: 'cancel', node, tag, before: undefined })
    }
    expect(inbox.size).toBe(0)
  })

  it('does not grow with a peer that repeats itself', () => {
    const inbox = new LockerInbox(new FakeClock())
    for (let time = 0; time < 1000; time++) {
      inbox.post({ kind: 'lock_set', locker, set: true, tag: undefined, tagged: false })
      inbox.post({ kind: 'lock_set', locker, set: false, tag: undefined, tagged: false })
      inbox.post({ kind: 'add_to_known', nodes: [] })
    }
    expect(inbox.size).toBe(2)
  })

  it('keeps a cancel of what the locker has taken up, and what comes after it', async () => {
    const inbox = new LockerInbox(new FakeClock())
    inbox.post({ kind: 'partner', partner: partner(1) })
    expect(inbox.poll(() => true)).toMatchObject({ kind: 'partner' })
    inbox.post({ kind: 'cancel', node, tag: 1, before: undefined })
    inbox.post({ kind: 'partner', partner: partner(2) })
    expect(inbox.size).toBe(2)
    expect(await inbox.next(() => true, 0)).toMatchObject({ kind: 'cancel', tag: 1 })
    expect(await inbox.next(() => true, 0)).toMatchObject({ kind: 'partner' })
  })
})

describe('the nodes a name server knows', () => {
  it('are no more than a cluster can have, however many peers name', () => {
    const known = new KnownNodes(atom('a@host'))
    for (let from = 0; from < 3; from++) {
      known.add(Array.from({ length: MAX_KNOWN }, (_, i) => [atom(`n${from}x${i}@host`), 8] as const))
    }
    expect(known.nodes).toHaveLength(MAX_KNOWN)
  })
})
