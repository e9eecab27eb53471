import { describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../src/base/queue.ts'

describe('an async queue', () => {
  it('hands items to those who wait, in order, and keeps the others', async () => {
    const queue = new AsyncQueue<number>()
    const waiting = [queue.next(), queue.next()]
    for (const item of [1, 2, 3]) queue.push(item)
    expect(queue.length).toBe(1)
    expect([await waiting[0], await waiting[1], await queue.next()]).toEqual(
      [1, 2, 3].map((value) => ({ value, done: false })),
    )
  })

  it('drops the oldest above its capacity and counts them', async () => {
    const queue = new AsyncQueue<number>({ capacity: 2 })
    for (const item of [1, 2, 3, 4]) queue.push(item)
    expect(queue.dropped).toBe(2)
    queue.close()
    const seen: number[] = []
    for await (const item of queue) seen.push(item)
    expect(seen).toEqual([3, 4])
  })

  it('holds a thousand by default', () => {
    const queue = new AsyncQueue<number>()
    for (let i = 0; i < 1001; i++) queue.push(i)
    expect([queue.length, queue.dropped]).toEqual([1000, 1])
  })

  it('ends once: by close, by its reader, by disposal, by its signal', async () => {
    const abort = new AbortController()
    let ends = 0
    const make = () => new AsyncQueue<number>({ signal: abort.signal, onClose: () => ends++ })
    const closed = make()
    closed.close()
    closed.close()
    const left = make()
    left.push(1)
    for await (const _ of left) break
    const disposed = make()
    await disposed[Symbol.asyncDispose]()
    const aborted = make()
    aborted.push(1)
    const waits = make().next()
    abort.abort()
    expect(await waits).toEqual({ value: undefined, done: true })
    expect(await aborted.next()).toEqual({ value: undefined, done: true })
    expect(ends).toBe(5)
    for (const queue of [closed, left, disposed, aborted]) {
      queue.push(9)
      expect(queue.closed).toBe(true)
      expect((await queue.next()).done).toBe(true)
    }
  })

  it('is over from the start with a signal that has aborted', async () => {
    const queue = new AsyncQueue<number>({ signal: AbortSignal.abort() })
    queue.push(1)
    expect(await queue.next()).toEqual({ value: undefined, done: true })
  })
})
