import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { epmd } from '../../../src/cluster/strategies/epmd.ts'
import { erlangHosts } from '../../../src/cluster/strategies/erlang-hosts.ts'
import { localEpmd } from '../../../src/cluster/strategies/local-epmd.ts'
import type { FoundNode, PartialAnswer, PullStrategy } from '../../../src/cluster/strategy.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import type { StrategyUnderTest } from '../../../src/testing/strategy-checks.ts'
import { strategyContext } from '../../../src/testing/strategy-context.ts'
import { freePort } from '../../support/otp.ts'
import { conform } from './conform.ts'
import { EpmdWorld, marked } from './epmd-world.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'

/** A world of `a`, as OTP registers it, and `b`, one of ours. */
async function world(strategy: (port: number) => PullStrategy): Promise<StrategyUnderTest> {
  const names = await EpmdWorld.open({ a: {}, b: marked('127.0.0.1') })
  return {
    strategy: strategy(names.port),
    context: { self: 'self@127.0.0.1', epmd: { port: names.port } },
    nodes: ['a@127.0.0.1', 'b@127.0.0.1'],
    async change() {
      await names.remove('a')
      await names.add('c')
      return ['b@127.0.0.1', 'c@127.0.0.1']
    },
    fail: () => names.fail(),
    recover: () => names.serve(),
    hang: () => names.hang(),
    close: () => names.close(),
  }
}

const PARTS = ['change', 'fail', 'recover', 'hang'] as const

describe('localEpmd', () => {
  conform(() => world(() => localEpmd()), PARTS)

  it('goes by the host that a node of this package wrote down', async () => {
    await using names = await EpmdWorld.open({ a: {}, b: marked('10.1.2.3'), c: marked('short') })
    const context = strategyContext({ self: 'self@127.0.0.1', epmd: { port: names.port } })
    const found = (await localEpmd().discover(context)) as FoundNode[]
    expect(found.map(({ name }) => name).sort()).toEqual(['a@127.0.0.1', 'b@10.1.2.3'])
  })

  it('marks C and Java nodes as hidden, and nodes of this package not', async () => {
    await using names = await EpmdWorld.open({ c: { nodeType: 104 }, j: { nodeType: 110 }, ts: marked('127.0.0.1') })
    const context = strategyContext({ self: 'self@127.0.0.1', epmd: { port: names.port } })
    const found = (await localEpmd().discover(context)) as FoundNode[]
    expect(found.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'c@127.0.0.1', hidden: true },
      { name: 'j@127.0.0.1', hidden: true },
      { name: 'ts@127.0.0.1' },
    ])
  })

  it('says so where the node uses no EPMD', async () => {
    await expect(localEpmd().discover(strategyContext())).rejects.toThrow('uses no EPMD')
  })
})

describe('epmd', () => {
  conform(() => world(() => epmd(['127.0.0.1'])), PARTS)

  it('keeps the nodes of hosts that answer apart from one that does not', async () => {
    await using names = await EpmdWorld.open({ a: {} })
    const dead = await freePort()
    const context = strategyContext({ epmd: { port: names.port } })
    const { nodes, errors } = (await epmd(['127.0.0.1', `127.0.0.1:${dead}`]).discover(context)) as PartialAnswer
    expect([...nodes]).toEqual([{ name: 'a@127.0.0.1' }])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_EPMD_UNREACHABLE', port: dead })])
  })

  it('finds the nodes that a host had when it answered last, so that those of the others can be lost', async () => {
    const gone = await EpmdWorld.open({ b: { port: 41000 } })
    await using names = await EpmdWorld.open({ a: {}, c: {} })
    const context = strategyContext({ epmd: { port: names.port } })
    const strategy = epmd(['127.0.0.1', `127.0.0.1:${gone.port}`])
    const look = async (): Promise<{ found: string[]; whole: boolean | undefined; errors: number }> => {
      const { nodes, whole, errors } = (await strategy.discover(context)) as PartialAnswer
      return { found: Array.from(nodes, (node) => (node as FoundNode).name).sort(), whole, errors: errors.length }
    }
    expect(await look()).toEqual({ found: [A, B, C], whole: true, errors: 0 })
    await gone[Symbol.asyncDispose]()
    expect(await look()).toEqual({ found: [A, B, C], whole: true, errors: 1 })
  })

  it('is not sure at first of a host that never answered, and goes on without it then', async () => {
    await using names = await EpmdWorld.open({ a: {} })
    const context = strategyContext({ epmd: { port: names.port } })
    const strategy = epmd(['127.0.0.1', `127.0.0.1:${await freePort()}`])
    expect(await strategy.discover(context)).toMatchObject({ whole: false })
    expect(await strategy.discover(context)).toMatchObject({ nodes: [{ name: A }], whole: true })
  })

  it('has the nodes of the others before a topology has no more patience with one that is silent', async () => {
    await using names = await EpmdWorld.open({ a: {} })
    await using silent = await EpmdWorld.open({})
    await silent.hang()
    const clock = new FakeClock()
    const context = strategyContext({ clock, epmd: { port: names.port } })
    const outcome = epmd(['127.0.0.1', `127.0.0.1:${silent.port}`]).discover(context)
    // Who is asked after it has answered, too.
    for (let i = 0; i < 3; i++) await epmd(['127.0.0.1']).discover(context)
    clock.advance(4000)
    expect(await outcome).toMatchObject({ nodes: [{ name: A }], errors: [{ code: 'ERR_TIMEOUT' }] })
  })

  it('rejects with all reasons when no host answers', async () => {
    const [one, other] = [await freePort(), await freePort()]
    const context = strategyContext({ epmd: { port: one } })
    const outcome = epmd(['127.0.0.1', `127.0.0.1:${other}`]).discover(context)
    await expect(outcome).rejects.toThrow(new RegExp(`${one}.*${other}`))
  })

  it('gives the port of nodes whose EPMD is at another port than ours, since a dial would not find them', async () => {
    await using names = await EpmdWorld.open({ a: { port: 41234 } })
    const context = strategyContext({ epmd: { port: await freePort() } })
    const { nodes } = (await epmd([`127.0.0.1:${names.port}`]).discover(context)) as PartialAnswer
    expect([...nodes]).toEqual([{ name: 'a@127.0.0.1', port: 41234 }])
  })

  it('takes localhost for its own host, and cuts hosts short for short names', async () => {
    await using names = await EpmdWorld.open({ a: {} })
    const context = strategyContext({ self: 'self@localhost', epmd: { port: names.port } })
    const answer = async (host: string): Promise<string[]> => {
      const { nodes } = (await epmd([host]).discover(context)) as PartialAnswer
      return Array.from(nodes, (node) => (typeof node === 'string' ? node : node.name))
    }
    expect(await answer('localhost')).toEqual(['a@localhost'])
    expect(await answer('127.0.0.1')).toEqual(['a@127.0.0.1'])
  })

  it('asks for an entry once, and again when the name has another port', async () => {
    await using names = await EpmdWorld.open({ a: { port: 41000 } })
    const context = strategyContext({ epmd: { port: names.port } })
    let lookups = 0
    const counting = {
      ...context,
      epmd: {
        ...(context.epmd as NonNullable<typeof context.epmd>),
        lookup: (...args: [string]) => {
          lookups++
          return (context.epmd as NonNullable<typeof context.epmd>).lookup(...args)
        },
      },
    }
    const strategy = epmd(['127.0.0.1'])
    await strategy.discover(counting)
    await strategy.discover(counting)
    expect(lookups).toBe(1)
    await names.remove('a')
    await names.add('a', { port: 41001 })
    await strategy.discover(counting)
    expect(lookups).toBe(2)
  })

  it('goes on with entries where a lookup ran out of time', async () => {
    await using names = await EpmdWorld.open({ a: {}, b: { port: 40002 } })
    const context = strategyContext({ epmd: { port: names.port } })
    const epmdOf = context.epmd as NonNullable<typeof context.epmd>
    const asked: string[] = []
    let others = (): void => {}
    const answered = new Promise<void>((resolve) => {
      others = resolve
    })
    const inTime = {
      ...epmdOf,
      lookup(...args: Parameters<typeof epmdOf.lookup>) {
        asked.push(args[0])
        return epmdOf.lookup(...args)
      },
    }
    const late: typeof epmdOf = {
      ...epmdOf,
      async lookup(...args) {
        const entry = await inTime.lookup(...args)
        if (args[0] === 'b') {
          setImmediate(others)
          return entry
        }
        await answered
        throw new Error('late')
      },
    }
    const strategy = epmd(['127.0.0.1'])
    await expect(strategy.discover({ ...context, epmd: late })).rejects.toThrow('late')
    const { nodes } = (await strategy.discover({ ...context, epmd: inTime })) as PartialAnswer
    expect([...nodes]).toHaveLength(2)
    expect(asked.sort()).toEqual(['a', 'a', 'b'])
  })

  it.each([[[]], ['altair'], [['']], [['a b']], [['a@b']], [['altair:0']], [['altair:70000']], [[4369]]])(
    'refuses %j as hosts',
    (hosts) => {
      expect(() => epmd(hosts as string[])).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    },
  )

  it.each(['altair', 'altair.example.com:4370', '10.0.0.1', 'fd00::2', '[fd00::2]:4370'])(
    'takes %s as a host',
    (host) => {
      expect(epmd([host]).name).toBe('epmd')
    },
  )
})

describe('erlangHosts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagi-hosts-'))
  const file = join(folder, '.hosts.erlang')
  afterAll(() => rmSync(folder, { recursive: true }))
  const make = (): Promise<StrategyUnderTest> => {
    writeFileSync(file, "% Hosts.\n'127.0.0.1'.\n")
    return world(() => erlangHosts({ file }))
  }
  conform(make, PARTS)

  it('looks where OTP looks: here, at home, at the root of OTP; the first counts', async () => {
    await using names = await EpmdWorld.open({ a: {} })
    const context = strategyContext({ self: 'self@localhost', epmd: { port: names.port } })
    const places = ['here', 'home', 'root'].map((place) => mkdtempSync(join(tmpdir(), `tsunagi-${place}-`)))
    const [here, home, root] = places as [string, string, string]
    const before = { cwd: process.cwd(), HOME: process.env.HOME, ROOTDIR: process.env.ROOTDIR }
    try {
      process.chdir(here)
      process.env.HOME = home
      process.env.ROOTDIR = root
      await expect(erlangHosts().discover(context)).rejects.toThrow(`there is no .hosts.erlang, ${home}`)
      for (const [place, host] of [
        [root, 'localhost'],
        [home, '127.0.0.1'],
        [here, 'localhost'],
      ] as const) {
        writeFileSync(join(place, '.hosts.erlang'), `'${host}'.\n`)
        const { nodes } = (await erlangHosts().discover(context)) as PartialAnswer
        expect([...nodes]).toEqual([{ name: `a@${host}` }])
      }
    } finally {
      process.chdir(before.cwd)
      for (const [name, value] of Object.entries({ HOME: before.HOME, ROOTDIR: before.ROOTDIR })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      for (const place of places) rmSync(place, { recursive: true })
    }
  })

  it.each([
    ["'altair'", 'dot'],
    ['altair. 5.', 'and not 5.'],
    ["'a host'.", "and not 'a host'."],
    ['"altair".', 'expected host names'],
    ["'a@b'.", 'expected host names'],
    ['', 'names no host'],
    ["'unterminated.", 'unterminated'],
  ])('refuses a file that says %j', async (text, complaint) => {
    writeFileSync(file, text)
    const context = strategyContext({ epmd: { port: 1 } })
    await expect(erlangHosts({ file }).discover(context)).rejects.toThrow(complaint)
  })
})
