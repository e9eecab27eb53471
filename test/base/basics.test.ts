import { describe, expect, it, vi } from 'vitest'
import { Backoff } from '../../src/base/backoff.ts'
import { systemClock } from '../../src/base/clock.ts'
import { defaultLimits } from '../../src/base/limits.ts'
import { silentLogger, stderrLogger } from '../../src/base/logger.ts'
import { checkNodeName, isLongHost, isLoopbackHost, splitNodeName } from '../../src/base/node-name.ts'

describe('backoff', () => {
  it('draws below a ceiling that doubles up to its last, and begins anew', () => {
    const top = new Backoff({ random: () => 0.999999 })
    const ceilings = Array.from({ length: 7 }, () => top.next())
    expect(ceilings).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000])
    expect(top.attempts).toBe(7)
    top.reset()
    expect(top.next()).toBe(500)
    expect(new Backoff({ random: () => 0 }).next()).toBe(0)
    expect(new Backoff({ min: 10, max: 20, random: () => 0.5 }).next()).toBe(5)
  })

  it('stays at its last ceiling however often it is asked', () => {
    const backoff = new Backoff({ random: () => 1 })
    for (let i = 0; i < 5000; i++) expect(backoff.next()).toBeLessThanOrEqual(5000)
  })
})

describe('the system clock', () => {
  it('goes forward, calls back, and can be told not to', async () => {
    const before = systemClock.now()
    const never = vi.fn()
    systemClock.after(1, never).cancel()
    await new Promise<void>((resolve) => systemClock.after(2, resolve, { keepAlive: true }))
    expect(systemClock.now()).toBeGreaterThan(before)
    expect(never).not.toHaveBeenCalled()
  })

  it('takes times longer than a timer holds, as that long', () => {
    const never = vi.fn()
    const timers = [2 ** 40, Number.POSITIVE_INFINITY].map((ms) => systemClock.after(ms, never))
    for (const timer of timers) timer.cancel()
    expect(never).not.toHaveBeenCalled()
  })
})

describe('node names', () => {
  it.each([
    ['a@host', 'a', 'host'],
    ['a.b-c@127.0.0.1', 'a.b-c', '127.0.0.1'],
    ['ü@fd00::2', 'ü', 'fd00::2'],
    [`${'🌊'.repeat(250)}@host`, '🌊'.repeat(250), 'host'],
  ])('%s has two halves', (full, alive, host) => {
    expect(splitNodeName(full)).toEqual({ full, alive, host })
    expect(checkNodeName(full, 'name')).toEqual({ full, alive, host })
  })

  it.each([
    '',
    '@',
    'a',
    '@host',
    'a@',
    'a@b@c',
    'a b@c',
    'a\0@c',
    'a/b@c',
    'a\n@c',
    'a@\x1b[2J',
    'a@\ud800',
    `${'x'.repeat(251)}@host`,
  ])('%j is none', (text) => {
    expect(splitNodeName(text)).toBeUndefined()
    expect(() => checkNodeName(text, 'peer')).toThrow(expect.objectContaining({ option: 'peer', value: text }))
  })

  it('tells long hosts from short ones, and loopback from others', () => {
    expect(['a.b', '127.0.0.1', '::1', 'localhost', 'a'].map(isLongHost)).toEqual([true, true, true, false, false])
    const loopback = ['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']
    expect(loopback.map(isLoopbackHost)).toEqual(loopback.map(() => true))
    const others = ['10.0.0.1', '128.0.0.1', '127.evil.example', 'localhost.example', '::', '::2', '']
    expect(others.map(isLoopbackHost)).toEqual(others.map(() => false))
  })
})

describe('loggers', () => {
  it('are silent, or say warnings and errors on stderr', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) {
        silentLogger[level]({}, level)
        stderrLogger[level]({ secret: 1 }, level)
      }
      expect(write.mock.calls.map(([text]) => text)).toEqual(['tsunagi: warn\n', 'tsunagi: error\n'])
    } finally {
      write.mockRestore()
    }
  })
})

describe('limits', () => {
  it('cannot be changed for everybody, and are all positive', () => {
    expect(Object.isFrozen(defaultLimits)).toBe(true)
    for (const value of Object.values(defaultLimits)) expect(value).toBeGreaterThan(0)
  })
})
