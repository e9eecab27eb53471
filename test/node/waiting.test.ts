import { describe, expect, it } from 'vitest'
import { withLimits } from '../../src/node/waiting.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

const never = new Promise<never>(() => {})

describe('a wait with limits', () => {
  it('settles as what is waited for does, and leaves no timer', async () => {
    const clock = new FakeClock()
    const abort = new AbortController()
    const options = { timeout: 100, signal: abort.signal }
    expect(await withLimits(Promise.resolve(1), clock, options, 'nothing came')).toBe(1)
    await expect(withLimits(Promise.reject(new Error('no')), clock, options, 'nothing came')).rejects.toThrow('no')
    expect(clock.pending).toBe(0)
  })

  it('ends after its time, 5 seconds unless told otherwise, and never after Infinity', async () => {
    const clock = new FakeClock()
    const outcomes: string[] = []
    const wait = (timeout?: number) =>
      withLimits(never, clock, timeout === undefined ? {} : { timeout }, 'nothing came').catch((error) => {
        outcomes.push(`${clock.now()} ${error.code} ${error.message}`)
      })
    void wait(Number.POSITIVE_INFINITY)
    const both = [wait(), wait(200)]
    clock.advance(1e9)
    await Promise.all(both)
    expect(outcomes.map((it) => it.replace(/^\d+ /, '')).sort()).toEqual([
      'ERR_TIMEOUT nothing came within 200 ms',
      'ERR_TIMEOUT nothing came within 5000 ms',
    ])
    expect(clock.pending).toBe(0)
  })

  it('rejects with the reason of its signal, also of one that had aborted before', async () => {
    const clock = new FakeClock()
    const abort = new AbortController()
    const wait = withLimits(never, clock, { signal: abort.signal }, 'nothing came')
    abort.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
    const failed = Promise.reject(new Error('nobody hears this'))
    await expect(withLimits(failed, clock, { signal: abort.signal }, 'nothing came')).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
  })

  it.each([Number.NaN, -1, '5', null])('refuses %j as its time', async (timeout) => {
    const wait = withLimits(never, new FakeClock(), { timeout: timeout as number }, 'nothing came')
    await expect(wait).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'timeout' })
  })
})
