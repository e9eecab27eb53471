import { describe, expect, it } from 'vitest'
import { KnownNode } from '../../src/observe/known-node.ts'
import { makeReport } from './made-report.ts'

const counted = (bytes: number) => ({ bytesIn: bytes, bytesOut: bytes, messagesIn: bytes, messagesOut: bytes })

describe('what is known of a node', () => {
  it('counts a link on whose age two reports differ by a little as the same one', () => {
    const node = new KnownNode('a@h', false, 0)
    node.take(makeReport('a@h', [{ to: 'b@h', upSince: 100, totals: counted(5_000) }], { at: 10_000 }), 10_000)
    node.take(makeReport('a@h', [{ to: 'b@h', upSince: 101, totals: counted(5_010) }], { at: 11_000 }), 11_000)
    expect(node.linkRates.get('b@h')).toEqual(counted(10))
  })

  it('has no rates before it has told twice', () => {
    const node = new KnownNode('a@h', false, 0)
    const told = (at: number, bytes: number) => makeReport('a@h', [{ to: 'b@h', totals: counted(bytes) }], { at })
    node.take(told(10_000, 5_000), 10_000)
    expect([node.rates, node.linkRates.get('b@h')]).toEqual([undefined, undefined])
    node.take(told(11_000, 5_010), 11_000)
    expect([node.rates, node.linkRates.get('b@h')]).toEqual([counted(10), counted(10)])
  })

  it('counts all of a link that came up anew', () => {
    const node = new KnownNode('a@h', false, 0)
    node.take(makeReport('a@h', [{ to: 'b@h', upSince: 100, totals: counted(5_000) }], { at: 10_000 }), 10_000)
    node.take(makeReport('a@h', [{ to: 'b@h', upSince: 10_500, totals: counted(70) }], { at: 11_000 }), 11_000)
    expect(node.linkRates.get('b@h')).toEqual(counted(70))
  })

  it('goes on counting the others when a link goes', () => {
    const node = new KnownNode('a@h', false, 0)
    const others = (bytes: number) => ({ to: 'b@h', totals: counted(bytes) })
    node.take(makeReport('a@h', [others(1_000), { to: 'c@h', totals: counted(9_000) }], { at: 10_000 }), 10_000)
    node.column()
    node.take(makeReport('a@h', [others(1_040)], { at: 11_000 }), 11_000)
    expect(node.column()).toMatchObject(counted(40))
  })
})
