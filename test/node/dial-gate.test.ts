import { describe, expect, it } from 'vitest'
import { DialGate, MAX_IN_FLIGHT, MAX_LEARNED, MAX_PER_SECOND } from '../../src/node/dial-gate.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { settle } from '../dist/joined-links.ts'

/** Dials when it is its turn: a promise that a signal gives up. */
async function through<T>(it: DialGate, signal: AbortSignal, work: () => Promise<T>, learned = false): Promise<T> {
  signal.throwIfAborted()
  await new Promise<void>((begin, reject) => {
    const turn = { begin }
    signal.addEventListener('abort', () => {
      it.leave(turn)
      reject(signal.reason)
    })
    it.enter(turn, learned)
  })
  return await work().finally(() => it.done(learned))
}

function gate(): {
  begun: number[]
  finish: (() => void)[]
  run: (id: number, signal?: AbortSignal, learned?: boolean) => Promise<number>
  clock: FakeClock
} {
  const clock = new FakeClock()
  const it = new DialGate(clock)
  const begun: number[] = []
  const finish: (() => void)[] = []
  const run = (id: number, signal = new AbortController().signal, learned = false): Promise<number> => {
    const work = (): Promise<number> => {
      begun.push(id)
      return new Promise((resolve) => finish.push(() => resolve(id)))
    }
    return through(it, signal, work, learned)
  }
  return { begun, finish, run, clock }
}

const ids = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('the gate before dials', () => {
  it('lets so many be under way and no more, in the order of their coming', async () => {
    const { begun, finish, run } = gate()
    const all = ids(0, 40).map((id) => run(id))
    await settle(1)
    expect(begun).toEqual(ids(0, MAX_IN_FLIGHT))
    finish.shift()?.()
    await settle(1)
    expect(begun).toEqual(ids(0, MAX_IN_FLIGHT + 1))
    while (finish.length > 0) {
      for (const done of finish.splice(0)) done()
      await settle(1)
    }
    expect(await Promise.all(all)).toEqual(ids(0, 40))
  })

  it('lets so many begin per second, and then as many as there is room for', async () => {
    const { begun, finish, run, clock } = gate()
    for (const id of ids(0, 300)) void run(id)
    const drain = async () => {
      do {
        for (const done of finish.splice(0)) done()
        await settle(1)
      } while (finish.length > 0)
    }
    await drain()
    expect(begun).toHaveLength(MAX_PER_SECOND)
    clock.advance(999)
    await settle(1)
    expect(begun).toHaveLength(MAX_PER_SECOND)
    clock.advance(1)
    await settle(1)
    expect(begun).toHaveLength(MAX_PER_SECOND + MAX_IN_FLIGHT)
    await drain()
    expect(begun).toHaveLength(2 * MAX_PER_SECOND)
    clock.advance(1000)
    await settle(1)
    await drain()
    expect(begun).toEqual(ids(0, 300))
  })

  it('lets no more begin within any second, also where two meet', async () => {
    const clock = new FakeClock()
    const it = new DialGate(clock)
    const times: number[] = []
    const work = async (): Promise<void> => void times.push(clock.now())
    const run = () => through(it, new AbortController().signal, work)
    await run()
    clock.advance(950)
    const others = Promise.all(ids(1, 400).map(run))
    for (let ms = 0; ms < 4000; ms += 10) {
      await settle(1)
      clock.advance(10)
    }
    await others
    const gaps = times.slice(MAX_PER_SECOND).map((at, i) => at - (times[i] as number))
    expect(gaps).toHaveLength(400 - MAX_PER_SECOND)
    expect(Math.min(...gaps)).toBe(1000)
  })

  it('lets no dial wait behind those to names that were only learned', async () => {
    const { begun, finish, run } = gate()
    const learned = (id: number) => void run(id, undefined, true)
    for (const id of ids(0, 40)) learned(id)
    await settle(1)
    expect(begun).toEqual(ids(0, MAX_LEARNED))
    const others = ids(100, 102 + MAX_IN_FLIGHT - MAX_LEARNED)
    for (const id of others) void run(id)
    await settle(1)
    expect(begun.slice(MAX_LEARNED)).toEqual(others.slice(0, -2))
    for (const done of finish.splice(0, 3)) done()
    await settle(1)
    expect(begun.slice(MAX_IN_FLIGHT)).toEqual([...others.slice(-2), MAX_LEARNED])
  })

  it('never has more under way than allowed when a second is over', async () => {
    const { begun, finish, run, clock } = gate()
    for (const id of ids(0, 100)) void run(id)
    await settle(1)
    finish.shift()?.()
    await settle(1)
    clock.advance(1000)
    await settle(1)
    expect(begun).toHaveLength(MAX_IN_FLIGHT + 1)
  })

  it('lets those go that give up, and their place to others', async () => {
    const { begun, finish, run } = gate()
    for (const id of ids(0, MAX_IN_FLIGHT)) void run(id)
    const abort = new AbortController()
    const given = run(100, abort.signal)
    const kept = run(101)
    abort.abort(new Error('no longer wanted'))
    await expect(given).rejects.toThrow('no longer wanted')
    finish.shift()?.()
    await settle(1)
    expect(begun.at(-1)).toBe(101)
    finish.at(-1)?.()
    expect(await kept).toBe(101)
    await expect(run(102, abort.signal)).rejects.toThrow('no longer wanted')
  })

  it('gives a place free when its dial fails, or was given up at the very moment it was granted', async () => {
    const clock = new FakeClock()
    const it = new DialGate(clock)
    const failing = () => Promise.reject(new Error('refused'))
    for (let i = 0; i < 90; i++)
      await expect(through(it, new AbortController().signal, failing)).rejects.toThrow('refused')
    clock.advance(1000)
    const done: (() => void)[] = []
    const work = () => new Promise<void>((resolve) => done.push(resolve))
    for (const _ of ids(0, MAX_IN_FLIGHT)) void through(it, new AbortController().signal, work)
    const abort = new AbortController()
    const late = through(it, abort.signal, work)
    done.shift()?.()
    await Promise.resolve()
    abort.abort(new Error('too late'))
    await late.catch(() => {})
    for (const finish of done.splice(0)) finish()
    await settle(1)
    let free = 0
    for (const _ of ids(0, MAX_IN_FLIGHT))
      void through(it, new AbortController().signal, () => Promise.resolve(void free++))
    await settle(1)
    expect(free).toBe(MAX_IN_FLIGHT)
  })
})
