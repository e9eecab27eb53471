import { describe, expect, it } from 'vitest'
import { randomCookie } from '../../src/node/cookie.ts'
import { type Exposure, isWeak, warnOfExposure } from '../../src/node/exposure.ts'
import { LogBook } from '../process/network.ts'
import { Cluster } from './cluster.ts'

const strong = 'XKQVTDWMOLJIBYTUUGPH'

function warnings(exposure: Partial<Exposure>): string[] {
  const log = new LogBook()
  const listening = { host: '10.0.0.1', port: 4711 }
  warnOfExposure(log, { listening, tls: false, cookies: [strong], ...exposure })
  return log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

describe('a node that others can reach', () => {
  it('says so when its links are not encrypted', () => {
    expect(warnings({})).toEqual([expect.stringMatching(/^listens on 10\.0\.0\.1 port 4711 without TLS/)])
    expect(warnings({ listening: { host: '::', port: 1 } })).toHaveLength(1)
    expect(warnings({ tls: true })).toEqual([])
  })

  it('says so, once, when its cookie can be guessed, and not which it is', () => {
    const said = warnings({ tls: true, cookies: [strong, 'hello', 'secret'] })
    expect(said).toEqual([expect.stringMatching(/with a cookie that can be guessed/)])
    expect(said[0]).not.toMatch(/hello|secret/)
  })

  it('says nothing on loopback, or when it does not listen', () => {
    for (const host of ['127.0.0.1', '::1', 'localhost', '127.0.0.53']) {
      expect(warnings({ listening: { host, port: 1 }, cookies: ['hello'] })).toEqual([])
    }
    expect(warnings({ listening: undefined, cookies: ['hello'] })).toEqual([])
  })

  it('says it at its start', async () => {
    await using cluster = await Cluster.create()
    await cluster.start('a', { listen: { host: '0.0.0.0' } })
    expect(cluster.lines('warn', 'without TLS')).toHaveLength(1)
    expect(cluster.lines('warn', 'can be guessed')).toHaveLength(1)
    await cluster.start('b')
    expect(cluster.lines('warn', 'listens on')).toHaveLength(2)
  })

  it.each(['hello', 'secret', 'my-secret-cookie-1', 'supersecretpassword', 'aaaaaaaaaaaaaaaaaaaa', '0123456789abcde'])(
    'has a weak cookie with %s',
    (cookie) => {
      expect(isWeak(cookie)).toBe(true)
    },
  )

  it('has a strong one by chance', () => {
    expect([strong, randomCookie(), 'q7Jx-9fTz_22Lm-0a'].map(isWeak)).toEqual([false, false, false])
  })
})
