import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { OptionError } from '../../src/base/errors.ts'
import { defaultLimits } from '../../src/base/limits.ts'
import { silentLogger, stderrLogger } from '../../src/base/logger.ts'
import { type NodeOptions, resolveNodeOptions } from '../../src/node/node-options.ts'

/** The error that options cause. */
function refusal(options: unknown): OptionError {
  try {
    resolveNodeOptions(options as NodeOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError)
    return error as OptionError
  }
  throw new Error(`taken: ${inspect(options)}`)
}

describe('the options of a node', () => {
  it('have defaults', () => {
    const resolved = resolveNodeOptions({ name: 'a@127.0.0.1' })
    expect(resolved).toMatchObject({
      name: { full: 'a@127.0.0.1', alive: 'a', host: '127.0.0.1' },
      cookie: undefined,
      connectTo: [],
      visible: false,
      mesh: true,
      distAutoConnect: 'always',
      listen: { host: '127.0.0.1', ports: [0, 0] },
      netTickTime: 60_000,
      setupTimeout: 7000,
      limits: defaultLimits,
      logger: stderrLogger,
      clock: systemClock,
      terms: { binaries: 'auto', maps: 'auto', floats: 'number', keys: 'atoms' },
    })
    expect([resolved.allow, resolved.syncNodes, resolved.connectAll, resolved.meshRefresh]).toEqual([
      undefined,
      undefined,
      true,
      5000,
    ])
    expect(resolved.resolvedEpmd).toMatchObject({ host: '127.0.0.1', serve: true })
  })

  it('give a node without a name a random short one', () => {
    const [first, second] = [resolveNodeOptions({}), resolveNodeOptions({})]
    expect(first.name.full).toMatch(/^n_[0-9a-f]{10}@[^.]+$/)
    expect(first.name.full).not.toBe(second.name.full)
  })

  it('take what they are given', () => {
    const resolved = resolveNodeOptions({
      name: 'a@10.0.0.1',
      cookies: { 'b@host': 'secret' },
      connectTo: ['b@127.0.0.1', 'c@[fd00::2]:9100'],
      allow: ['b@127.0.0.1'],
      listen: { host: '0.0.0.0', port: 9100 },
      epmd: false,
      netTickTime: Number.POSITIVE_INFINITY,
      limits: { linkMax: 5 },
      logger: silentLogger,
    })
    expect(resolved.connectTo).toEqual([
      { name: 'b@127.0.0.1', host: '127.0.0.1', port: undefined },
      { name: 'c@fd00::2', host: 'fd00::2', port: 9100 },
    ])
    expect(resolved).toMatchObject({
      listen: { host: '0.0.0.0', ports: [9100, 9100] },
      limits: { ...defaultLimits, linkMax: 5 },
    })
    expect(resolved).toMatchObject({ epmd: false, resolvedEpmd: undefined, netTickTime: Number.POSITIVE_INFINITY })
    expect(resolved.cookies.get('b@host')).toBe('secret')
    expect(resolved.allow).toEqual(['b@127.0.0.1'])
    expect(resolveNodeOptions({ sname: 'a@host', listen: false }).listen).toBe(false)
  })

  const name = 'a@127.0.0.1'

  it.each<[string, unknown, string]>([
    ['options', 'a@127.0.0.1', 'a text'],
    ['name', { name: 42 }, '42'],
    ['name', { name: null }, 'null'],
    ['name', { name: 'a' }, '"a"'],
    ['name', { name: 'a@host' }, '"a@host"'],
    ['name', { name: 'a@b@127.0.0.1' }, '"a@b@127.0.0.1"'],
    ['name', { name: 'a b@127.0.0.1' }, '"a b@127.0.0.1"'],
    ['sname', { sname: 'a@b.c' }, '"a@b.c"'],
    ['sname', { sname: '' }, '""'],
    ['sname', { sname: 7 }, '7'],
    ['sname', { name, sname: 'b' }, '"b"'],
    ['connectTo', { name, connectTo: 'nobody' }, '"nobody"'],
    ['connectTo', { name, connectTo: null }, 'null'],
    ['connectTo[1]', { name, connectTo: ['b@127.0.0.1', 5] }, '5'],
    ['visible', { name, visible: 'yes' }, '"yes"'],
    ['visible', { name, visible: null }, 'null'],
    ['mesh', { name, mesh: 1 }, '1'],
    ['distAutoConnect', { name, distAutoConnect: 'sometimes' }, '"sometimes"'],
    ['allow', { name, allow: 'b@127.0.0.1' }, '"b@127.0.0.1"'],
    ['allow[0]', { name, allow: ['b'] }, '"b"'],
    ['meshRefresh', { name, meshRefresh: 5 }, '5'],
    ['connectAll', { name, connectAll: 'no' }, '"no"'],
    ['syncNodes', { name, syncNodes: ['b@127.0.0.1'] }, 'an array of 1'],
    ['syncNodes.timeout', { name, syncNodes: { mandatory: ['b@127.0.0.1'] } }, 'undefined'],
    ['syncNodes.timeout', { name, syncNodes: { timeout: '5s' } }, '"5s"'],
    ['syncNodes.mandatory', { name, syncNodes: { mandatory: 'b@127.0.0.1', timeout: 1 } }, '"b@127.0.0.1"'],
    ['syncNodes.optional[0]', { name, syncNodes: { optional: ['b'], timeout: 1 } }, '"b"'],
    ['listen', { name, listen: 9100 }, '9100'],
    ['listen', { name, listen: true }, 'true'],
    ['listen.host', { name, listen: { host: 1 } }, '1'],
    ['listen.port', { name, listen: { port: 65_536 } }, '65536'],
    ['listen.port', { name, listen: { port: [0, 9100] } }, '0'],
    ['listen.port', { name, listen: { port: [9100] } }, 'an array of 1'],
    ['epmd', { name, epmd: true }, 'true'],
    ['epmd', { name, epmd: null }, 'null'],
    ['epmd.port', { name, epmd: { port: 0 } }, '0'],
    ['epmd.serve', { name, epmd: { serve: 'no' } }, '"no"'],
    ['netTickTime', { name, netTickTime: '60s' }, '"60s"'],
    ['netTickTime', { name, netTickTime: 39 }, '39'],
    ['netTickTime', { name, netTickTime: Number.NaN }, 'NaN'],
    ['setupTimeout', { name, setupTimeout: 0 }, '0'],
    ['setupTimeout', { name, setupTimeout: Number.POSITIVE_INFINITY }, 'Infinity'],
    ['limits', { name, limits: 5 }, '5'],
    ['limits.linkMax', { name, limits: { linkMax: -1 } }, '-1'],
    ['limits.termDepth', { name, limits: { termDepth: '10' } }, '"10"'],
    ['logger', { name, logger: 'pino' }, 'a text'],
    ['logger.debug', { name, logger: {} }, 'undefined'],
    ['clock', { name, clock: 5 }, '5'],
    ['clock.now', { name, clock: {} }, 'undefined'],
    ['binaries', { name, binaries: 'text' }, '"text"'],
    ['maps', { name, maps: 'plain' }, '"plain"'],
    ['floats', { name, floats: true }, 'true'],
    ['keys', { name, keys: 'symbols' }, '"symbols"'],
  ])('name the option %s and the value at fault', (option, options, value) => {
    const error = refusal(options)
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    expect(error.message.startsWith(`${option}: `)).toBe(true)
    expect(error.message).toContain(`got ${value}`)
  })

  it.each([
    ['coockie', 'cookie'],
    ['nettickTime', 'netTickTime'],
    ['connectto', 'connectTo'],
    ['snmae', 'sname'],
  ])('know what %s was meant to be', (typo, meant) => {
    expect(refusal({ name, [typo]: 1 })).toMatchObject({
      option: typo,
      message: expect.stringContaining(`did you mean ${meant}?`),
    })
  })

  it('list themselves where there is nothing like it, also within an option', () => {
    expect(refusal({ name, wonderland: 1 }).message).toMatch(/there is no such option .*name, sname, cookie,.*keys/)
    expect(refusal({ name, listen: { prot: 1 } })).toMatchObject({
      option: 'listen.prot',
      message: expect.stringContaining('did you mean listen.port?'),
    })
    expect(refusal({ name, limits: { linkMaxx: 1 } }).message).toContain('did you mean limits.linkMax?')
  })

  it.each<[string, unknown]>([
    ['a number', { name, cookie: 5_318_008 }],
    ['an object', { name, cookie: { value: '5318008' } }],
    ['a list', { name, cookie: ['5318008'] }],
    ['too long', { name, cookie: '5318008'.repeat(50) }],
    ['not within ISO 8859-1', { name, cookie: '5318008 日本' }],
    ['with a line break', { name, cookie: '5318008\n' }],
    ['of a peer', { name, cookies: { 'b@host': '5318008\n' } }],
    ['of a peer and a number', { name, cookies: { 'b@host': 5_318_008 } }],
    ['in place of cookies', { name, cookies: '5318008' }],
    ['in a list of cookies', { name, cookies: ['5318008'] }],
    ['under a misspelt name', { name, cokie: '5318008' }],
    ['under a misspelt name, in an object', { name, cokies: { 'b@host': '5318008' } }],
  ])('never show a cookie that cannot be used: %s', (_what, options) => {
    const error = refusal(options)
    expect(error.option).toMatch(/^coo?kie/)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/5318008|5_318_008/)
    expect(JSON.stringify(error)).not.toContain('5318008')
  })
})
