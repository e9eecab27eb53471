import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { jsonError } from '../../src/config/json-error.ts'
import { print } from '../../src/term/index.ts'
import { arbitraryTerm } from '../support/arbitrary-term.ts'
import { Folder } from './folder.ts'
import '../support/seed.ts'

const SYS_CONFIG = `%% a comment
[{kernel, [{sync_nodes_mandatory, ['a@127.0.0.1']}, {sync_nodes_timeout, infinity}, {net_ticktime, 60},
  {inet_dist_listen_min, 9100}, {inet_dist_listen_max, 9105}, {dist_auto_connect, once}, {connect_all, false}]},
 {libcluster, [{topologies, [{app, [{strategy, 'Elixir.Cluster.Strategy.Gossip'},
   {config, [{port, 45892}, {if_addr, "0.0.0.0"}, {multicast_addr, {233,252,1,32}}, {secret, <<"hush">>}]}]}]}]}].
`

/** Some places of a text are something else. */
const mutated = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 3 })), { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce((now, [at, cut, put]) => now.slice(0, at) + put + now.slice(at + cut), text))

describe('whatever is in a file', () => {
  it.each([
    ['a sys.config with mistakes', mutated(SYS_CONFIG)],
    [
      'a sys.config of other terms',
      arbitraryTerm().map((term) => `[{kernel, [{net_ticktime, ${print(term)}}]}, {libcluster, ${print(term)}}].`),
    ],
  ])('%s is read, or refused with a reason', async (_, texts) => {
    using folder = new Folder()
    let refused = 0
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const file = folder.write('sys.config', text)
        const outcome = await loadConfig({ file, env: {} }).catch((error: unknown) => error)
        if (!(outcome instanceof Error)) return
        refused++
        expect(outcome).toMatchObject({ code: 'ERR_CONFIG', source: file })
      }),
      { numRuns: 300 },
    )
    expect(refused).toBeGreaterThan(50)
  })

  it('JSON with mistakes is refused with the place, and nothing of what is there', () => {
    const json =
      '{"name": "a@127.0.0.1", "cookie": "hush", "listen": {"port": 9100}, "connectTo": [true, null, -1.5e3]}'
    let refused = 0
    fc.assert(
      fc.property(mutated(json), (text) => {
        try {
          JSON.parse(text)
        } catch (error) {
          refused++
          expect(jsonError(text, error as SyntaxError)).toMatch(/^[^"]{5,60} \(line \d+, column \d+\)$/)
        }
      }),
      { numRuns: 1000 },
    )
    expect(refused).toBeGreaterThan(500)
  })
})
