import fc from 'fast-check'
import { expect, it } from 'vitest'
import { splitNodeName } from '../../../../src/base/node-name.ts'
import { Answers } from '../../../../src/cluster/answer.ts'
import { parseResolvConf } from '../../../../src/cluster/strategies/dns/resolv-conf.ts'
import { dns } from '../../../../src/cluster/strategies/dns.ts'
import { dnsSrv } from '../../../../src/cluster/strategies/dns-srv.ts'
import { FakeClock } from '../../../../src/testing/fake-clock.ts'
import { strategyContext } from '../../../../src/testing/strategy-context.ts'
import { NameServer } from './name-server.ts'
import '../../../support/seed.ts'

const ZONE = {
  'SRV app.test': ['9100 a.app.test', '9101 b.app.test', '0 .'],
  'A app.test': ['10.0.0.1', '10.0.0.2'],
  'AAAA app.test': ['fd00::1'],
  'PTR 1.0.0.10.in-addr.arpa': ['a.app.test'],
  'PTR 2.0.0.10.in-addr.arpa': ['b app@test'],
}

/** Some bytes are others, or the end is missing, or more comes. */
const changes = fc.record({
  bytes: fc.array(fc.tuple(fc.nat(120), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
  length: fc.option(fc.nat(120), { nil: undefined, freq: 5 }),
  more: fc.uint8Array({ maxLength: 20 }),
})

it.each([
  ['dnsSrv', (servers: string[]) => dnsSrv({ query: 'app.test.', ports: true, servers })],
  ['dns', (servers: string[]) => dns({ query: 'app.test.', names: 'hostname', servers })],
])('whatever a server answers, %s finds names, or says why not', async (_, make) => {
  await using server = await NameServer.open(ZONE)
  const strategy = make([server.address])
  const policy = { self: 'app@10.0.0.9', hidden: false, filter: undefined, mapName: undefined }
  let [found, refused] = [0, 0]
  await fc.assert(
    fc.asyncProperty(changes, async ({ bytes, length, more }) => {
      server.spoil = (rest) => {
        const spoilt = Buffer.concat([rest.subarray(0, length), more])
        for (const [at, bits] of bytes) if (at < spoilt.length) spoilt[at] = (spoilt[at] as number) ^ bits
        return spoilt
      }
      const clock = new FakeClock()
      // An answer to no question of ours is waited on: until time is over.
      const over = setTimeout(() => clock.advance(10_000), 20)
      try {
        const answer = await strategy.discover(strategyContext({ self: 'app@10.0.0.9', clock }))
        const { nodes, rejected } = new Answers(100).take(answer, policy)
        for (const name of nodes.keys()) expect(splitNodeName(name)?.alive).toBe('app')
        found += nodes.size
        refused += rejected.length
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        expect((error as Error).message).not.toBe('')
        refused++
      } finally {
        clearTimeout(over)
      }
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 150 },
  )
  expect([found > 20, refused > 20]).toEqual([true, true])
})

it('whatever is in resolv.conf, there are domains to try', () => {
  const word = fc.oneof(
    fc.constantFrom('search', 'domain', 'options', 'ndots:5', 'ndots:99999999999', '#', ';'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 40 }).map((words) => words.join(' '))), (lines) => {
      const { search, ndots } = parseResolvConf(lines.join('\n'))
      expect(search.length).toBeLessThanOrEqual(32)
      expect(search.every((domain) => domain !== '' && !/\s/.test(domain))).toBe(true)
      expect(Number.isInteger(ndots) && ndots >= 0 && ndots <= 15).toBe(true)
    }),
    { numRuns: 300 },
  )
})
