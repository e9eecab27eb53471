import { afterAll, beforeAll, expect, it } from 'vitest'
import { atom, tuple } from '../../src/term/index.ts'
import { loadPhoenix, meet, next, received, startPubSub } from '../interop/support/phoenix.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, type TestNode } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'
import { Home, launch, outcome, runCommand } from './support.ts'

const NAME = 'MyApp.PubSub'

describeTools('tsunagi pub and sub, with nodes of ours', ['epmd'], () => {
  let scene: Scene
  let node: TestNode
  let other: TestNode

  beforeAll(async () => {
    scene = await Scene.open()
    node = await scene.node()
    other = await scene.node({ connectTo: node.name })
    await other.ready()
    await Promise.all([node, other].map((it) => it.pubsub(NAME).ready({ timeout: 25_000 })))
  })
  afterAll(async () => await scene[Symbol.asyncDispose]())

  const run = (...args: string[]) => runCommand([...args, '--cookie', 'secret'], { epmdPort: scene.epmdPort })

  it('pub: to the subscribers of all nodes, and says which', async () => {
    const subscriptions = [node, other].map((it) => it.pubsub(NAME).subscribe('sensors'))
    const { code, text } = await run('pub', node.name, NAME, 'sensors', '{temperature, 21.5}', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(text)).toEqual({ pubsub: NAME, topic: 'sensors', nodes: [node.name, other.name].sort() })
    for (const subscription of subscriptions) expect(await next(subscription)).toEqual(tuple(atom('temperature'), 21.5))
  })

  it('pub: to the subscribers of one node only', async () => {
    const [here, there] = [node, other].map((it) => it.pubsub(NAME).subscribe('one'))
    const { code, text } = await run('pub', node.name, NAME, 'one', 'ping', '--only')
    expect([code, text]).toEqual([0, `broadcast to ${node.name}`])
    expect(await next(here as NonNullable<typeof here>)).toBe(atom('ping'))
    other.pubsub(NAME).localBroadcast('one', 'end')
    expect(await next(there as NonNullable<typeof there>)).toBe('end')
  })

  it('pub: says that a node does not take part', async () => {
    const { code, text } = await run('pub', node.name, 'Other.PubSub', 'sensors', 'ping', '--timeout', '1000')
    expect(code).toBe(1)
    expect(text).toContain(`${node.name} has no pub/sub Other.PubSub`)
  })

  it('sub: prints what is broadcast, on whatever node, until it has enough', async () => {
    using home = new Home()
    const args = ['sub', node.name, NAME, 'sensor:*', '--pattern', '--count', '3', '--json', '--cookie', 'secret']
    await using sub = launch(home, args, { epmdPort: scene.epmdPort })
    for (const { name } of [node, other]) await sub.waitForOutput(new RegExp(`^\\+ ${name}$`))
    await expect.poll(() => [node, other].map((it) => it.pubsub(NAME).nodes().length)).toEqual([2, 2])
    node.pubsub(NAME).broadcast('sensor:kitchen', { celsius: 21.5 })
    await sub.waitForOutput(/kitchen/)
    other.pubsub(NAME).broadcast('sensor:garden', [1, 'two'])
    await sub.waitForOutput(/garden/)
    node.pubsub(NAME).broadcast('other', 1)
    node.pubsub(NAME).broadcast('sensor:', atom('last'))
    const { code, output } = await outcome(sub)
    expect(code).toBe(0)
    expect(output.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))).toEqual([
      { topic: 'sensor:kitchen', node: node.name, message: '#{celsius => 21.5}' },
      { topic: 'sensor:garden', node: other.name, message: '[1,<<"two">>]' },
      { topic: 'sensor:', node: node.name, message: 'last' },
    ])
  })

  it('sub: ends in good order when it is asked to', async () => {
    using home = new Home()
    const args = ['sub', node.name, NAME, 'sensors', '--cookie', 'secret']
    await using sub = launch(home, args, { epmdPort: scene.epmdPort })
    await sub.waitForOutput(new RegExp(`^\\+ ${node.name}$`))
    sub.kill('SIGINT')
    expect((await outcome(sub)).code).toBe(0)
    await expect.poll(() => node.nodes()).toEqual([other.name])
  })
})

describeOtp(
  'tsunagi pub and sub, with Elixir,',
  (release) => {
    let scene: Scene
    let elixir: OtpNode

    beforeAll(async () => {
      scene = await Scene.open(release)
      elixir = await scene.elixir()
      await loadPhoenix(elixir)
      await startPubSub(elixir, NAME)
    })
    afterAll(async () => await scene?.[Symbol.asyncDispose]())

    it('broadcast to a Phoenix.PubSub and print what it broadcasts', async () => {
      await elixir.eval(`Phoenix.PubSub.subscribe(${NAME}, "sensors")`)
      const node = await scene.node({ connectTo: elixir.name })
      const pubsub = node.pubsub(NAME)
      await meet(pubsub, elixir)
      const ours = pubsub.subscribe('sensors')
      const args = [
        'pub',
        elixir.name,
        NAME,
        'sensors',
        '{temperature, 21.0, #{<<"at">> => nil}}',
        '--cookie',
        'secret',
      ]
      const { code, text } = await runCommand(args, { epmdPort: scene.epmdPort })
      expect([code, text]).toEqual([0, `broadcast to ${[elixir.name, node.name].sort().join(', ')}`])
      expect(await received(elixir)).toBe('{:temperature, 21.0, %{"at" => nil}}')
      expect(await next(ours)).toEqual(tuple(atom('temperature'), 21, new Map([['at', null]])))

      using home = new Home()
      const subscribing = ['sub', elixir.name, NAME, 'sensors', '--count', '1', '--cookie', 'secret']
      await using sub = launch(home, subscribing, { epmdPort: scene.epmdPort })
      await sub.waitForOutput(new RegExp(`^\\+ ${elixir.name}$`))
      await expect.poll(() => elixir.eval(`length(:pg.get_members(Phoenix.PubSub, ${NAME}.Adapter))`)).toBe('3')
      await elixir.eval(`Phoenix.PubSub.broadcast(${NAME}, "sensors", {:ok, 1.0, "text"})`)
      const printed = await outcome(sub)
      expect(printed.code).toBe(0)
      expect(printed.output).toContain('{ok,1.0,<<"text">>}')
    })
  },
  { elixir: true },
)
