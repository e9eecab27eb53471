import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paintFor } from '../../src/cli/output.ts'
import { bytes, table } from '../../src/cli/top/table.ts'
import type { LinkView } from '../../src/observe/view.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { OsProcess } from '../support/os-process.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { Home, launch, runCommand } from './support.ts'

describe('tsunagi top', () => {
  let cluster: Cluster
  let node: TsunagiNode
  let other: TsunagiNode

  beforeAll(async () => {
    cluster = await Cluster.create()
    other = await cluster.start('other')
    node = await cluster.start('app', { connectTo: [other.name, 'nobody@127.0.0.1'] })
    await node.ready()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const args = (...more: string[]) => ['top', node.name, '--cookie', 'c', '--timeout', '20000', ...more]

  it('prints the links of a node as JSON, without the one that asks', async () => {
    const { code, text } = await runCommand(args('--once', '--json'), { epmdPort: cluster.epmdPort })
    expect(code, text).toBe(0)
    const { answer, links, node: name } = JSON.parse(text)
    expect([name, answer.state]).toEqual([node.name, 'answers'])
    expect(links).toEqual([
      expect.objectContaining({
        from: node.name,
        to: 'nobody@127.0.0.1',
        error: expect.objectContaining({ code: 'ERR_CONNECT_NOT_REGISTERED' }),
      }),
      expect.objectContaining({
        from: node.name,
        to: other.name,
        state: 'connected',
        traffic: expect.objectContaining({ messagesIn: expect.any(Number) }),
        reconnects: 0,
      }),
    ])
  })

  it('prints a table for each look where there is no terminal', async () => {
    using home = new Home()
    await using top = launch(home, args('--interval', '200'), { epmdPort: cluster.epmdPort })
    await top.waitForOutput(/app@127\.0\.0\.1: 1 of 2 links are up$/)
    await top.waitForOutput(/^NODE +STATE +RTT +IN +OUT +MSG IN +MSG OUT +QUEUE +RECONN +RETRY +ERROR$/)
    await top.waitForOutput(/^nobody@127\.0\.0\.1 +(waiting|connecting) .* the EPMD at .* knows no node "nobody"/)
    await top.waitForOutput(/^other@127\.0\.0\.1 +connected +[\d.]+ ms +\d.*B\/s/)
    await top.waitForOutput(/links are up$/, { from: top.output.length })
    top.kill('SIGINT')
    expect((await top.exited).code).toBe(0)
  })

  it('--all: the links of the nodes it knows, too', async () => {
    const { text } = await runCommand(args('--once', '--all', '--json'), { epmdPort: cluster.epmdPort })
    const ends = JSON.parse(text).links.map(({ from }: LinkView) => from)
    expect(ends).toContain(node.name)
    expect(ends.some((from: string) => from.startsWith('tsunagi-'))).toBe(false)
  })

  it('ends with 1 when the node goes away', async () => {
    const mortal = await cluster.start('mortal')
    using home = new Home()
    const watching = ['top', mortal.name, '--cookie', 'c', '--interval', '200']
    await using top = launch(home, watching, { epmdPort: cluster.epmdPort })
    await top.waitForOutput(/links are up$/)
    await mortal.close()
    await top.waitForOutput(/mortal@127\.0\.0\.1: the connection to it was lost/)
    expect((await top.exited).code).toBe(1)
  })

  it('fills a terminal, obeys keys, and leaves it as it was', async () => {
    using home = new Home()
    const main = new URL('../../dist/cli/main.js', import.meta.url).pathname
    const command = ['stty cols 100 rows 20;', process.execPath, main, ...args('--interval', '200')].join(' ')
    await using screen = new OsProcess('script', ['-qefc', command, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: home.path, TERM: 'xterm', ERL_EPMD_PORT: String(cluster.epmdPort) },
    })
    await screen.waitForOutput(/\[\?1049h/)
    await screen.waitForOutput(/NODE↓.* STATE .*ERROR/)
    screen.writeLine('s')
    await screen.waitForOutput(/NODE .* STATE↓/)
    screen.writeLine('p')
    await screen.waitForOutput(/paused/)
    screen.writeLine('q')
    expect((await screen.exited).code).toBe(0)
    expect(screen.output.at(-1)).toContain('\u001b[?1049l')
  })
})

describeOtp('tsunagi top', (release) => {
  it('shows whom an Erlang node sees', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ connectTo: erl.name })
    await node.ready()
    const args = ['top', erl.name, '--cookie', 'secret', '--once', '--timeout', '30000']
    const { code, text } = await runCommand(args, { epmdPort: scene.epmdPort })
    expect(code, text).toBe(0)
    expect(text).toMatch(/: 1 of 1 link is up$/m)
    expect(text).toMatch(new RegExp(`^${node.name} +connected +– +– `, 'm'))
  })
})

describe('the table', () => {
  const link: LinkView = {
    from: 'a@h',
    to: 'b@h',
    state: 'connected',
    upSince: 0,
    nodeType: 'hidden',
    dialledBy: 'a@h',
    address: null,
    wantedBy: [],
    traffic: { bytesIn: 1234, bytesOut: 0, messagesIn: 0.4, messagesOut: 12_345 },
    totals: null,
    queuedBytes: 0,
    full: false,
    rtt: { last: 0.25, p50: 0.25, p99: 0.25 },
    reconnects: 0,
    retryAt: null,
    error: null,
    tls: null,
  }
  const busy: LinkView = {
    ...link,
    to: 'c@h',
    reconnects: 3,
    traffic: { bytesIn: 5e6, bytesOut: 0, messagesIn: 0, messagesOut: 0 },
  }
  const down: LinkView = {
    ...link,
    to: 'd@h\u001b[2J',
    state: 'waiting',
    traffic: null,
    queuedBytes: null,
    rtt: null,
    retryAt: 3500,
    error: { code: 'ERR_CONNECT_REFUSED', reason: 'd@h\u001b[2J: refused', at: 0 },
  }
  const options = { reverse: false, marked: false, from: false, width: 200, now: 1000, paint: paintFor({}) }

  it('has a line for each link', () => {
    expect(table([down, link], { ...options, sort: 'node' })).toEqual([
      'NODE     STATE          RTT        IN    OUT  MSG IN  MSG OUT  QUEUE  RECONN  RETRY  ERROR',
      'b@h      connected  0.25 ms  1.2 kB/s  0 B/s   0.4/s   12 k/s    0 B       0',
      'd@h·[2J  waiting          –         –      –       –        –      –       0  2.5 s  refused',
    ])
  })

  it('is sorted by what was asked for, the most first and what is not known last', () => {
    const nodes = (sort: 'in' | 'reconnects' | 'state', reverse = false) =>
      table([down, link, busy], { ...options, sort, reverse })
        .slice(1)
        .map((line) => line.slice(0, 3))
    expect(nodes('in')).toEqual(['c@h', 'b@h', 'd@h'])
    expect(nodes('reconnects')).toEqual(['c@h', 'b@h', 'd@h'])
    expect(nodes('state')).toEqual(['b@h', 'c@h', 'd@h'])
    expect(nodes('in', true)).toEqual(['d@h', 'b@h', 'c@h'])
  })

  it('is cut at the edge of the terminal', () => {
    const lines = table([down], { ...options, sort: 'node', width: 40 })
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
  })

  it.each([
    [0, '0 B/s'],
    [999, '999 B/s'],
    [1000, '1.0 kB/s'],
    [12_345, '12 kB/s'],
    [999_600, '1.0 MB/s'],
    [2.5e12, '2500 GB/s'],
    [null, '–'],
  ])('writes %s bytes as %s', (value, text) => {
    expect(bytes(value)).toBe(text)
  })
})
