import { once } from 'node:events'
import { expect, it, vi } from 'vitest'
import { OsProcess } from '../support/os-process.ts'
import type { OtpNode } from '../support/otp.ts'
import { bareEnvironment, commandOf, describeOtp, type Release } from '../support/releases.ts'
import { nextEvent, Scene, sees, type TestNode } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'
import { describeForeign, startEiClient } from './support/foreign.ts'

/** How often BEAM nodes are asked in these tests, in milliseconds. */
const meshRefresh = 100

/** Resolves when a node is connected to exactly these, by whatever way. */
async function connectedTo(node: TestNode, ...names: string[]): Promise<void> {
  const wanted = names.sort()
  await vi.waitFor(() => expect(node.nodes().sort()).toEqual(wanted), { timeout: 20_000, interval: 20 })
}

/**
 * Resolves when a node has asked a BEAM node and acted on the answer: it found one of ours that only that one knew.
 * Whom it was to dial for an answer before, it has at least begun to.
 */
async function refreshed(scene: Scene, node: TestNode, via: OtpNode): Promise<TestNode> {
  // Its name sorts behind all others, so that it is for `node` to dial.
  const name = `zz${scene.name('late')}`
  const up = nextEvent(node, 'nodeup', name)
  const late = await scene.node({ name, connectTo: via.name, meshRefresh: Number.POSITIVE_INFINITY, mesh: false })
  await up
  return late
}

describeOtp('the mesh among BEAM nodes', (release) => {
  it.each(['first', 'second'])(
    'brings two of ours together that only know the same node, if the %s dials',
    async (who) => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const connectTo = erl.name
      const names = [scene.name('x'), scene.name('y')].sort()
      if (who === 'second') names.reverse()
      const [one, two] = names as [string, string]
      const first = await scene.node({ name: one, connectTo, meshRefresh })
      await first.ready({ timeout: 20_000 })
      const second = await scene.node({ name: two, connectTo, meshRefresh })
      await Promise.all([connectedTo(first, erl.name, two), connectedTo(second, erl.name, one)])
      await sees(erl, 'lists:sort(nodes(hidden))', `['${names.sort().join("','")}']`)
    },
  )

  it('finds the visible nodes a node knows, those that come later too', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl(), await scene.erl()]
    await one.eval(`net_kernel:connect_node('${two.name}')`)
    const node = await scene.node({ connectTo: one.name, meshRefresh })
    await connectedTo(node, one.name, two.name)
    const three = await scene.erl()
    await three.eval(`net_kernel:connect_node('${two.name}')`)
    await connectedTo(node, one.name, two.name, three.name)
    // They still are a mesh of their own, and we are no part of it.
    const names = [one, two, three].map(({ name }) => name).sort()
    for (const erl of [one, two, three]) {
      const others = names.filter((name) => name !== erl.name)
      await sees(erl, '{lists:sort(nodes()), nodes(hidden)}', `{['${others.join("','")}'],['${node.name}']}`)
    }
  })

  it('leaves hidden nodes alone that are none of ours', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const hidden = await scene.erl({ hidden: true })
    await hidden.eval(`net_kernel:connect_node('${erl.name}')`)
    const node = await scene.node({ connectTo: erl.name, meshRefresh })
    await refreshed(scene, node, erl)
    await refreshed(scene, node, erl)
    expect(node.nodes('known')).not.toContain(hidden.name)
    await sees(hidden, 'nodes(connected)', `['${erl.name}']`)
  })

  withTerminal(() =>
    it('leaves remote shells alone', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const shell = scene.name('rem')
      const args = ['-hidden', '-name', shell, '-setcookie', 'secret', '-start_epmd', 'false', '-remsh', erl.name]
      scene.own(onTerminal(release, scene, 'erl', args))
      await sees(erl, 'nodes(hidden)', `['${shell}']`)
      const node = await scene.node({ connectTo: erl.name, meshRefresh })
      await refreshed(scene, node, erl)
      await refreshed(scene, node, erl)
      expect(node.nodes('known')).not.toContain(shell)
    }),
  )

  it('does not drag back a node that disconnected, until that comes up anew', async () => {
    await using scene = await Scene.open(release)
    const one = await scene.erl()
    const name = scene.name('two')
    const two = await scene.erl({ name })
    await one.eval(`net_kernel:connect_node('${name}')`)
    const node = await scene.node({ connectTo: one.name, meshRefresh })
    await connectedTo(node, one.name, name)
    const down = nextEvent(node, 'nodedown', name)
    expect(await two.eval(`erlang:disconnect_node('${node.name}')`)).toBe('true')
    expect((await down)[1].reason).toBe('connection_closed')
    const late = await refreshed(scene, node, one)
    expect(node.nodes('known').sort()).toEqual([one.name, late.name].sort())
    await sees(one, 'nodes()', `['${name}']`)
    // So fast that `one` may never be seen without it.
    await two[Symbol.asyncDispose]()
    await using again = await scene.erl({ name })
    const up = nextEvent(node, 'nodeup', name)
    await one.eval(`net_kernel:connect_node('${name}')`)
    await up
    await sees(again, 'nodes(hidden)', new RegExp(node.name))
  })

  it('does not dial whom we disconnected', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl(), await scene.erl()]
    await one.eval(`net_kernel:connect_node('${two.name}')`)
    const node = await scene.node({ connectTo: one.name, meshRefresh })
    await connectedTo(node, one.name, two.name)
    await node.disconnect(two.name)
    const late = await refreshed(scene, node, one)
    expect(node.nodes().sort()).toEqual([one.name, late.name].sort())
    // And those two are not parted by it, as visible nodes would be.
    expect(await one.eval('nodes()')).toBe(`['${two.name}']`)
    expect(await two.eval('{nodes(), nodes(hidden)}')).toBe(`{['${one.name}'],[]}`)
  })

  it('does not bridge clusters with different cookies, and tries once', async () => {
    await using scene = await Scene.open(release)
    const [one, other] = [await scene.erl(), await scene.erl({ cookie: 'other' })]
    await one.eval(`erlang:set_cookie('${other.name}', other)`)
    expect(await one.eval(`net_kernel:connect_node('${other.name}')`)).toBe('true')
    const node = await scene.node({ meshRefresh })
    const failures: string[] = []
    node.on('connect-failed', (name, { code }, retryIn) => void failures.push(`${name} ${code} ${retryIn}`))
    await node.connect(one.name)
    const late = await refreshed(scene, node, one)
    await refreshed(scene, node, one)
    expect(failures).toEqual([`${other.name} ERR_CONNECT_COOKIE undefined`])
    expect(node.nodes()).not.toContain(other.name)
    expect(late.nodes()).not.toContain(other.name)
    expect(await other.eval('{nodes(), nodes(hidden)}')).toBe(`{['${one.name}'],[]}`)
  })

  it('lets go of a name when the node that reported it goes', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl(), await scene.erl()]
    await one.eval(`net_kernel:connect_node('${two.name}')`)
    const node = await scene.node({ connectTo: one.name, meshRefresh })
    await connectedTo(node, one.name, two.name)
    const downs = [nextEvent(node, 'nodedown', two.name), nextEvent(node, 'nodedown', one.name)]
    two.kill()
    await downs[0]
    one.kill()
    await downs[1]
    await vi.waitFor(() => expect(node.nodes('known')).toEqual([one.name]), { timeout: 15_000, interval: 20 })
  })
})

describeOtp(
  'the mesh and IEx',
  (release) => {
    withTerminal(() =>
      it('leaves remote shells alone', async () => {
        await using scene = await Scene.open(release)
        const elixir = await scene.elixir()
        const shell = scene.name('rem')
        const args = [
          '--hidden',
          '--name',
          shell,
          '--cookie',
          'secret',
          '--erl',
          '-start_epmd false',
          '--remsh',
          elixir.name,
        ]
        scene.own(onTerminal(release, scene, 'iex', args))
        await sees(elixir, 'Node.list(:hidden)', `[:"${shell}"]`)
        const node = await scene.node({ connectTo: elixir.name, meshRefresh })
        await refreshed(scene, node, elixir)
        await refreshed(scene, node, elixir)
        expect(node.nodes('known')).not.toContain(shell)
      }),
    )
  },
  { elixir: true },
)

describeOtp('a C node', (release) => {
  describeForeign('libei', () => {
    it('is not dialled by those that learn of it, nor asked whom it knows', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const client = scene.own(startEiClient({ node: erl.name, cookie: 'secret', epmdPort: scene.epmdPort }))
      await client.waitForOutput(/^waiting/)
      const node = await scene.node({ connectTo: erl.name, meshRefresh })
      await refreshed(scene, node, erl)
      await refreshed(scene, node, erl)
      expect(await erl.eval('length(nodes(hidden))')).not.toBe('0')
      expect(node.nodes('known').some((name) => name.startsWith('foreign'))).toBe(false)
      const up = once(node, 'nodeup')
      const direct = scene.own(startEiClient({ node: node.name, cookie: 'secret', epmdPort: scene.epmdPort }))
      await direct.waitForOutput(/^waiting/)
      await up
      await refreshed(scene, node, erl)
      expect(direct.output.filter((line) => line.startsWith('got'))).toEqual([])
    })
  })
})

describeTools('visible and hidden nodes of ours', ['epmd'], () => {
  it('meet: the hidden ones dial', async () => {
    await using scene = await Scene.open()
    const visible = await scene.node({ name: scene.name('v'), visible: true })
    const first = await scene.node({ name: scene.name('a'), connectTo: visible.name })
    const second = await scene.node({ name: scene.name('z'), connectTo: visible.name })
    await Promise.all([first, second, visible].map((node) => node.ready({ nodes: 2, timeout: 20_000 })))
    const third = await scene.node({ name: scene.name('m'), connectTo: second.name })
    await third.ready({ nodes: 3, timeout: 20_000 })
    expect(visible.nodes('hidden').sort()).toEqual([first.name, second.name, third.name].sort())
  })
})

/** What needs a terminal: `script` makes one. Both tools are of util-linux. */
function withTerminal(body: () => void): void {
  describeTools('on a terminal', ['script', 'setpriv'], body)
}

/** A program that wants a terminal, and one it gets. */
function onTerminal(release: Release, scene: Scene, program: string, args: readonly string[]): OsProcess {
  const [file, rest] = commandOf(release, program, args)
  const line = [file, ...rest].map((word) => `'${word}'`).join(' ')
  const env = { ...bareEnvironment(release), HOME: '/tmp', TERM: 'xterm', ERL_EPMD_PORT: String(scene.epmdPort) }
  // It would outlive its terminal.
  const command = `exec setpriv --pdeathsig KILL -- ${line}`
  return new OsProcess('script', ['-qfec', command, '/dev/null'], { env })
}
