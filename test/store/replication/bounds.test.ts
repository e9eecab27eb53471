import { expect, it } from 'vitest'
import { Knowledge } from '../../../src/store/replication/epoch.ts'
import { Table } from '../../../src/store/replication/table.ts'
import { Version } from '../../../src/store/version.ts'

const SESSIONS = 10_000

it('writes of more than 10,000 nodes and restarts are remembered by the latest 10,000', () => {
  const table = new Table(
    { read: () => ({ value: 1, shared: true }) },
    { change: () => {}, replaced: () => {}, conflict: () => {} },
  )
  let sequence = 0
  const write = { key: 'k', bytes: new Uint8Array(), ttl: undefined, stale: 0, expected: undefined }
  const put = (client: string) => {
    const version = new Version(1, 'a', ++sequence)
    const operation = { kind: 'write', writes: [write] } as const
    return table.apply({ version, at: 1000, client, request: 1, floor: 0, operation })
  }
  const first = put('client 0')
  for (let i = 1; i < SESSIONS; i++) put(`client ${i}`)
  // What is sent again is not written again …
  expect(put('client 0')).toBe(first)
  // … unless another one has taken its place.
  put('one more')
  expect(put('client 0')).not.toBe(first)
})

it('of more than 4,096 loaders the oldest are forgotten', () => {
  const known = new Knowledge()
  for (let epoch = 1; epoch <= Knowledge.LIMIT + 10; epoch++) known.learn({ epoch, loader: 'a' }, 1)
  const epochs = [...known.reaches].map(({ epoch }) => epoch)
  expect(epochs).toHaveLength(Knowledge.LIMIT)
  expect(Math.min(...epochs)).toBe(11)
})
