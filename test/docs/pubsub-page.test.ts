/** The blocks of docs/pubsub.md, as they are written and in their order, TypeScript here and Elixir in a node of Elixir. */
import { inspect } from 'node:util'
import { expect, it, vi } from 'vitest'
import { readBroadcast } from '../../src/pubsub/broadcast.ts'
import { atom, tuple } from '../../src/term/index.ts'
import { loadPhoenix, meet } from '../interop/support/phoenix.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { blocksOf } from './pages.ts'

const blocks = blocksOf('docs/pubsub.md').filter(
  ({ language, hidden }) => !hidden && ['ts', 'elixir'].includes(language),
)

/** Passes any object with a number of degrees. */
const schema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof (value as { celsius?: unknown } | null)?.celsius === 'number'
        ? { value }
        : { issues: [{ message: 'no celsius' }] },
  },
}

const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>

describeOtp(
  'docs/pubsub.md',
  (release) => {
    it('holds what it says, block by block', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      await loadPhoenix(elixir)
      const node = await scene.node({ connectTo: elixir.name })
      await node.ready()

      const printed: string[] = []
      const console = {
        log: (...words: unknown[]) =>
          printed.push(words.map((it) => (typeof it === 'string' ? it : inspect(it))).join(' ')),
      }
      let first = true
      const runElixir = async (at: number): Promise<void> => {
        const { text } = blocks[at] as { text: string }
        // From the second block on both sides have the pub/sub.
        if (!first) await meet(node.pubsub('MyApp.PubSub'), elixir)
        first = false
        if (text.includes('Channel')) await elixir.eval('Browser.join(MyApp.PubSub, "room:lobby")')
        await elixir.eval(text)
      }
      const program = blocks.map(({ language, text }, at) => (language === 'ts' ? text : `await elixir(${at})\n`))
      const run = new AsyncFunction(
        ...['node', 'atom', 'tuple', 'schema', 'readBroadcast', 'console', 'elixir'],
        program.join('\n'),
      )
      await run(node, atom, tuple, schema, readBroadcast, console, runElixir)

      await elixir.waitForOutput(/^Elixir: order 42 is paid$/)
      const texts = [await elixir.evalBytes('Browser.text()'), await elixir.evalBytes('Browser.text()')]
      expect(texts.map((text) => JSON.parse(text.toString('utf8')))).toEqual([
        [null, null, 'room:lobby', 'new_msg', { body: 'hello' }],
        [null, null, 'room:lobby', 'new_msg', { body: 'hello from TypeScript', at: '1970-01-01T00:00:00.000Z' }],
      ])
      const expected = [
        'got {order_paid,42}',
        'got {order_sent,42}',
        'iterator { celsius: 21.5 }',
        'function { celsius: 20.5 }',
        'mailbox { celsius: 19.5 }',
        'sensor:kitchen 1 true',
        'measured 21.5',
        'set to 21',
        "new_msg { body: 'hello' }",
        "new_msg { body: 'hello from TypeScript', at: '1970-01-01T00:00:00.000Z' }",
        'admin disk full',
      ]
      await vi.waitUntil(() => printed.length >= expected.length, { timeout: 20_000, interval: 20 })
      expect([...printed].sort()).toEqual([...expected].sort())
    })
  },
  { elixir: true },
)
