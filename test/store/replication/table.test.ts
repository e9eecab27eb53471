import { expect, it } from 'vitest'
import type { Write } from '../../../src/store/replication/operation.ts'
import { Table } from '../../../src/store/replication/table.ts'
import { Version } from '../../../src/store/version.ts'

it('a value whose time is over counts as absent, by the time of the write and not that of who applies it', () => {
  const listener = { change: () => {}, replaced: () => {}, conflict: () => {} }
  const table = new Table({ read: () => ({ value: 1, shared: true }) }, listener)
  let sequence = 0
  const put = (time: number, more: Partial<Write>) => {
    const write = { key: 'k', bytes: new Uint8Array(), ttl: undefined, stale: 0, expected: undefined, ...more }
    const version = new Version(1, 'a', ++sequence)
    const operation = { kind: 'write', writes: [write] } as const
    return table.apply({ version, at: time, client: '', request: 0, floor: 0, operation })
  }
  const first = put(1000, { ttl: 10, stale: 10 })
  expect(put(1019, { expected: 'absent' })?.refused).toEqual({ key: 'k', current: first?.version })
  expect(put(1020, { expected: 'absent' })?.refused).toBeUndefined()
})
