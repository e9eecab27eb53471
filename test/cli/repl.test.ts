import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTerminal } from '../../src/cli/repl.ts'
import { openString, StringCompletion } from '../../src/cli/repl-completion.ts'
import { atom } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'

let cluster: Cluster
let node: TsunagiNode
let other: TsunagiNode

beforeAll(async () => {
  cluster = await Cluster.create()
  other = await cluster.start('other')
  node = await cluster.start('app', { connectTo: other.name })
  await node.ready()
  const server = { handleCall: () => atom('ok') }
  await node.start(server, { name: 'counter' })
  await other.start(server, { name: 'Elixir.Far' })
})
afterAll(() => cluster[Symbol.asyncDispose]())

describe('what is completed within quotes', () => {
  it('is nodes and names of this one', async () => {
    const strings = new StringCompletion(node)
    expect(await strings.complete("await ping('ot")).toEqual([[other.name], 'ot'])
    expect(await strings.complete('call("cou')).toEqual([['counter'], 'cou'])
    expect(await strings.complete('call(cou')).toBeUndefined()
    expect((await strings.complete('call("'))?.[0]).toEqual(expect.arrayContaining([node.name, other.name, 'counter']))
  })

  it('is names of another node, too, where the line has its name', async () => {
    const strings = new StringCompletion(node)
    expect(await strings.complete("call({ name: 'Elixir.F")).toEqual([[], 'Elixir.F'])
    expect(await strings.complete(`call({ node: '${other.name}', name: 'Elixir.F`)).toEqual([
      ['Elixir.Far'],
      'Elixir.F',
    ])
  })

  it.each([
    ["ping('b@", 'b@'],
    ["ping('b')", undefined],
    [`say("it's`, "it's"],
    ["'a\\'b", "a'b"],
    ['`', ''],
    ['', undefined],
  ])('of %j it is %j', (line, text) => {
    expect(openString(line)).toBe(text)
  })
})

describeOtp('what is completed within quotes', (release) => {
  it('is names of an Erlang node', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const ours = await scene.node({ connectTo: erl.name })
    await ours.ready()
    const found = await new StringCompletion(ours).complete(`call({ node: '${erl.name}', name: 'application_c`)
    expect(found).toEqual([['application_controller'], 'application_c'])
  })
})

describe('the REPL on a terminal', () => {
  it('completes with Tab, awaits, and has commands of its own', async () => {
    vi.stubEnv('TSUNAGI_REPL_HISTORY', '').stubEnv('TERM', 'xterm')
    const [input, output] = [new PassThrough(), new PassThrough()]
    let text = ''
    output.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    const server = await openTerminal(node, { input, output, terminal: true })
    Object.assign(server.context, { node })
    const shows = (what: RegExp): Promise<unknown> => expect.poll(() => text, { timeout: 20_000 }).toMatch(what)
    input.write("await node.ping('oth")
    input.write('\t')
    await shows(/node\.ping\('other@127\.0\.0\.1/)
    input.write("')\n")
    await shows(/'pong'/)
    input.write('.names\n')
    await shows(/^counter\r?$/m)
    input.write('.nodes\n')
    await shows(/^other@127\.0\.0\.1 +hidden\r?$/m)
    input.write('.ping nobody@127.0.0.1\n')
    await shows(/^pang\r?$/m)
    input.write('.connect nobody@127.0.0.1\n')
    await shows(/knows no node "nobody"/)
    input.write('.help\n')
    await shows(/\.connect +Connect to a node/)
    const closed = once(server, 'exit')
    server.close()
    await closed
    vi.unstubAllEnvs()
  })
})
