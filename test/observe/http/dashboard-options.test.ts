import { describe, expect, it } from 'vitest'
import { resolveDashboardOptions, resolveMountOptions } from '../../../src/observe/http/dashboard-options.ts'

describe('options of a dashboard', () => {
  it('have defaults that show it to this machine alone, and let nobody act', () => {
    const { allowedHosts, open, ...rest } = resolveDashboardOptions({})
    expect(rest).toEqual({
      actions: false,
      host: '127.0.0.1',
      port: 0,
      processMetrics: true,
      readyNodes: 0,
      tail: true,
      token: undefined,
      viewers: 100,
    })
    expect([[...allowedHosts], [...open]]).toEqual([[], ['alive', 'ready']])
  })

  it.each([
    [{ prt: 4040 }, 'dashboard.prt: there is no such option (did you mean dashboard.port?)'],
    [{ port: 70_000 }, 'dashboard.port: expected a port from 0 to 65535, got 70000'],
    [{ actions: 'yes' }, 'dashboard.actions: expected true or false, got "yes"'],
    [
      { allowedHosts: ['a:80'] },
      'dashboard.allowedHosts[0]: expected a host name without a port, such as "nodes.example.com", got "a:80"',
    ],
    [{ allowedHosts: 'a' }, 'dashboard.allowedHosts: expected a list, got "a"'],
    [{ open: ['api'] }, 'dashboard.open[0]: expected one of "alive", "ready", "metrics", got "api"'],
    [{ viewers: 0 }, 'dashboard.viewers: expected an integer from 1 to 10000, got 0'],
    [
      { token: 'short' },
      /^dashboard\.token: expected 16 to 512 printable .* got one of 5 characters \(it is not shown\)$/,
    ],
    [{ token: 'with a space in the midst' }, /not shown/],
    [{ token: false }, /got a boolean/],
    [{ host: '0.0.0.0' }, /^dashboard\.token: expected a token, since others can reach 0\.0\.0\.0/],
    [[], 'dashboard: expected an object of dashboard options, got an array of 0'],
  ])('%j are refused', (options, message) => {
    expect(() => resolveDashboardOptions(options as object)).toThrow(message)
  })

  it('never show a token that is wrong', () => {
    expect(() => resolveDashboardOptions({ token: 'hunter2' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2'), value: undefined }),
    )
  })

  it("of a mounted one have a path, and a token that may be somebody else's business", () => {
    expect(resolveMountOptions({ path: '/ops/cluster/', token: false })).toMatchObject({
      path: '/ops/cluster',
      token: undefined,
    })
    const token = 'correct-horse-battery'
    expect(resolveMountOptions({ token })).toMatchObject({ path: '', token })
    expect(() => resolveMountOptions(undefined as never)).toThrow('options: expected an object of dashboard options')
    expect(() => resolveMountOptions({ token: undefined })).toThrow('token: expected a token, or false')
    for (const path of ['cluster', '/a//b', '/..', '/a/.b', '/a b', '/a%20b', '/a?b']) {
      expect(() => resolveMountOptions({ path, token }), path).toThrow('path: expected a path such as "/cluster"')
    }
  })
})
