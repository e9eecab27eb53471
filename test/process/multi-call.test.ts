import { beforeEach, describe, expect, it } from 'vitest'
import { noReply } from '../../src/process/gen-server.ts'
import { atom } from '../../src/term/atom.ts'
import type { Term } from '../../src/term/term.ts'
import { FakeNetwork, type FakeNode } from './network.ts'
import { settled } from './observe.ts'

const everywhere = ['a@host', 'b@host', 'c@host', 'nowhere@host']

let network: FakeNetwork
let a: FakeNode
let b: FakeNode
let c: FakeNode

beforeEach(() => {
  network = new FakeNetwork()
  a = network.node('a@host')
  b = network.node('b@host')
  c = network.node('c@host')
})

/** Nothing is kept of the calls once they are over. */
function expectNoLeak(): void {
  for (const node of [a, b, c]) {
    expect(node.system.counts.references).toBe(0)
    expect(node.clock.pending).toBe(0)
  }
}

describe('multiCall', () => {
  it('collects the replies of all nodes, and names those without', async () => {
    for (const { name, system } of [a, b]) {
      await system.start({ handleCall: (request) => `${name.name} ${request}` }, { name: 'x' })
    }
    expect(await a.system.multiCall([...everywhere, 'b@host'], 'x', 'hello')).toEqual({
      replies: new Map([
        ['a@host', 'a@host hello'],
        ['b@host', 'b@host hello'],
      ]),
      badNodes: ['c@host', 'nowhere@host'],
    })
    expect(await a.system.multiCall([], 'x', 1)).toEqual({ replies: new Map(), badNodes: [] })
    await settled()
    expectNoLeak()
  })

  it('gives up those that do not answer in time, whose late replies vanish', async () => {
    const late: ((value: Term) => void)[] = []
    await b.system.start({ handleCall: () => 'now' }, { name: 'x' })
    await c.system.start(
      {
        handleCall: (_request, from) => {
          late.push((value) => from.reply(value))
          return noReply
        },
      },
      { name: 'x' },
    )
    const result = a.system.multiCall(['b@host', 'c@host'], 'x', 1, { timeout: 100 })
    await settled()
    a.clock.advance(100)
    expect(await result).toEqual({ replies: new Map([['b@host', 'now']]), badNodes: ['c@host'] })
    late[0]?.('late')
    await settled()
    expectNoLeak()
  })

  it('takes servers that end, and links without room, as nodes without reply', async () => {
    await b.system.start({ handleCall: () => Promise.reject(new Error('crash')) }, { name: 'x' })
    expect(await a.system.multiCall(['b@host'], 'x', 1)).toEqual({ replies: new Map(), badNodes: ['b@host'] })
    network.full = true
    expect(await a.system.multiCall(['c@host'], 'x', 1)).toEqual({ replies: new Map(), badNodes: ['c@host'] })
    await settled()
    expectNoLeak()
  })

  it('rejects when it is aborted, and for a request that is no term', async () => {
    await b.system.start({ handleCall: () => noReply }, { name: 'x' })
    const reason = new Error('enough')
    const controller = new AbortController()
    const result = a.system.multiCall(['b@host', 'c@host'], 'x', 1, { signal: controller.signal })
    const rejected = expect(result).rejects.toBe(reason)
    controller.abort(reason)
    await rejected
    const bad = (() => 1) as unknown as Term
    await expect(a.system.multiCall(['b@host'], 'x', bad)).rejects.toMatchObject({ code: 'ERR_ENCODE' })
    await settled()
    expectNoLeak()
  })

  it.each([
    [['b@host'], '', {}],
    [['b@host'], 5, {}],
    [['b@host'], 'x', { timeout: -1 }],
  ])('refuses %o, %o, %o', async (nodes, name, options) => {
    const result = a.system.multiCall(nodes, name as string, 1, options)
    await expect(result).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    expectNoLeak()
  })

  it('is over once the node is closed', async () => {
    await a.system.close()
    await expect(a.system.multiCall(['b@host'], 'x', 1)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('abcast', () => {
  it('reaches all that are there', async () => {
    const got: Term[] = []
    for (const { name, system } of [a, b]) {
      await system.start({ handleCast: (message) => void got.push([name, message]) }, { name: 'x' })
    }
    expect(a.system.abcast([...everywhere, 'b@host'], 'x', 1)).toBe(true)
    await settled()
    expect(got).toEqual([
      [atom('a@host'), 1],
      [atom('b@host'), 1],
    ])
  })

  it('says when a link is over its mark or full, and goes on with the others', async () => {
    const got: Term[] = []
    await a.system.start({ handleCast: (message) => void got.push(message) }, { name: 'x' })
    network.congested = true
    expect(a.system.abcast(['b@host', 'a@host'], 'x', 1)).toBe(false)
    network.full = true
    expect(a.system.abcast(['b@host', 'a@host'], 'x', 2)).toBe(false)
    await settled()
    expect(got).toEqual([1, 2])
  })

  it('throws for what is no term or no name', () => {
    expect(() => a.system.abcast(['b@host'], 'x', (() => 1) as unknown as Term)).toThrow(
      expect.objectContaining({ code: 'ERR_ENCODE' }),
    )
    expect(() => a.system.abcast(['b@host'], '', 1)).toThrow(expect.objectContaining({ option: 'name' }))
  })
})
