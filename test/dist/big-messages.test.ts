import { describe, expect, it } from 'vitest'
import { atom, Reference, type Term } from '../../src/term/index.ts'
import { A, B, type End, join, pid, settle } from './joined-links.ts'

const big = (fill: number): Uint8Array => new Uint8Array(300 * 1024).fill(fill)

/** What arrived, shortly: to whom, and the text or the filling of the message. */
function arrived(end: End): string[] {
  return end.heard.noted.map(([kind, to, message]) => {
    const what = message instanceof Uint8Array ? (message.length < 1000 ? Buffer.from(message) : message[0]) : message
    return `${kind === 'pid' || kind === 'name' || kind === 'alias' ? to : kind} ${what}`
  })
}

const p1 = pid(A, 1)
const p2 = pid(A, 2)
const q1 = pid(B, 1)
const q2 = pid(B, 2)

describe('a big message under way', () => {
  it('lets small messages of other pairs pass', async () => {
    const { a, b } = join()
    a.link.send.sendToPid(p1, q1, big(1))
    a.link.send.sendToPid(p1, q2, 'small')
    a.link.send.sendToPid(p2, q1, 'small')
    a.link.send.sendToName(p2, atom('name'), 'small')
    await b.heard.count(4)
    expect(arrived(b)).toEqual(['2.0.2 small', '1.0.2 small', 'name small', '1.0.2 1'])
    expect(a.link.send.queuedBytes).toBe(0)
  })

  it('is followed, never overtaken, by what is sent between the same two processes', async () => {
    const { a, b } = join()
    const sent = [big(1), 'a', 'b', big(2), big(3), 'c']
    for (const message of sent) a.link.send.sendToName(p1, atom('sink'), message as Term)
    a.link.send.monitor(p1, atom('sink'), new Reference(A, [1, 2, 3], 1))
    await b.heard.count(7)
    expect(arrived(b).map((it) => it.replace('sink ', ''))).toEqual(['1', 'a', 'b', '2', '3', 'c', expect.any(String)])
    expect(b.heard.noted[6]?.[0]).toBe('monitor')
    expect(a.link.send.queuedBytes).toBe(0)
  })

  it('is not overtaken either by a message that calls the receiver otherwise, nor by what follows that', async () => {
    const { a, b } = join()
    const { send } = a.link
    send.sendToName(p1, atom('sink'), big(1))
    send.sendToPid(p1, q1, 'by pid')
    send.sendToName(p1, atom('sink'), 'by name')
    send.sendToAlias(p1, new Reference(B, [7, 8, 9], 2), 'by alias')
    send.sendToPid(p1, q1, big(2))
    send.sendToName(p1, atom('sink'), big(3))
    send.exit(p1, q1, atom('done'))
    send.sendToPid(p2, q1, 'of another')
    await b.heard.count(8)
    expect(arrived(b).map((it) => it.replace(/^\S+\.\S+ /, ''))).toEqual([
      'of another',
      'sink 1',
      'by pid',
      'sink by name',
      'by alias',
      '2',
      'sink 3',
      expect.stringContaining('exit'),
    ])
    expect(send.queuedBytes).toBe(0)
  })

  it('shares the way with other big ones, fragment by fragment', async () => {
    const { a, b } = join()
    a.link.send.sendToPid(p1, q1, new Uint8Array(3 * 1024 * 1024).fill(1))
    a.link.send.sendToPid(p2, q2, big(2))
    a.link.send.sendToPid(p1, q2, big(3))
    await b.heard.count(3)
    expect(arrived(b)).toEqual(['2.0.2 2', '2.0.2 3', '1.0.2 1'])
  })

  it('waits while the carrier is full, and so does its order', async () => {
    const { a, b, cable } = join({ highWater: 1024 })
    cable.freeze()
    const { send } = a.link
    send.sendToPid(p1, q1, 'before')
    await settle()
    send.sendToPid(p1, q1, big(1))
    send.sendToPid(p2, q1, 'other pair')
    send.sendToPid(p1, q1, 'after')
    send.sendToPid(p2, q2, big(2))
    await settle()
    expect(b.heard.noted).toEqual([])
    expect(send.queuedBytes).toBeGreaterThan(600 * 1024)
    cable.thaw()
    await b.heard.count(5)
    expect(arrived(b)).toEqual(['1.0.2 before', '1.0.2 other pair', '1.0.2 1', '1.0.2 after', '2.0.2 2'])
    expect(send.queuedBytes).toBe(0)
  })

  it('introduces its atoms at once: what passes it may already refer to them', async () => {
    const { a, b } = join({ highWater: 1024 })
    const { send } = a.link
    send.sendToPid(p1, q1, 'makes the carrier full '.repeat(100))
    await settle(1)
    send.sendToPid(p1, q1, [atom('met_in_big'), big(1)])
    for (let i = 0; i < 5; i++) send.sendToPid(p2, q2, [atom('met_in_big'), i])
    send.sendToPid(p1, q1, atom('met_aside'))
    send.sendToPid(p2, q2, atom('met_aside'))
    await b.heard.count(9)
    const messages = b.heard.noted.map(([, , message]) => message)
    expect(messages.filter((it) => it === atom('met_aside'))).toHaveLength(2)
    expect(messages.filter((it) => Array.isArray(it) && it[0] === atom('met_in_big'))).toHaveLength(6)
  })

  it('leaves whole when the link is closed, with all that waits behind it', async () => {
    const { a, b } = join({ highWater: 1024 })
    const { send } = a.link
    send.sendToPid(p1, q1, big(1))
    send.sendToPid(p1, q1, 'behind')
    send.sendToName(p1, atom('sink'), big(2))
    send.sendToPid(p2, q1, 'last')
    a.link.close()
    expect(await b.down).toEqual({ reason: 'connection_closed', error: undefined })
    expect(arrived(b).filter((it) => it !== '1.0.2 last')).toEqual(['1.0.2 1', '1.0.2 behind', 'sink 2'])
    expect(arrived(b)).toContain('1.0.2 last')
    expect(send.queuedBytes).toBe(0)
  })
})
