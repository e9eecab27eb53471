import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Home, launch } from '../cli/support.ts'
import { Folder } from '../config/folder.ts'
import { describeOtp, type Release } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'

/** A folder that a node of this release sees, too, and its path there. */
function sharedFolder({ root = '' }: Release): { folder: Folder; seen: string } {
  const folder = new Folder({}, root === '' ? tmpdir() : join(root, 'tmp'))
  return { folder, seen: folder.path.slice(root.length) }
}

describeOtp('one sys.config for erl and for tsunagi start', (release) => {
  it('makes both wait for each other, and be visible to each other', async () => {
    await using scene = await Scene.open(release)
    using home = new Home()
    const { folder, seen } = sharedFolder(release)
    using _ = folder
    const [theirs, ours] = [scene.name('erl'), scene.name('ts')]
    const kernel = `{sync_nodes_mandatory, ['${theirs}', '${ours}']}, {sync_nodes_timeout, infinity}, {net_ticktime, 40}`
    const file = folder.write('sys.config', `[{kernel, [${kernel}]}].\n`)
    const booting = scene.erl({ name: theirs, args: ['-config', join(seen, 'sys.config')] })
    const args = ['start', '--config', file, '--name', ours, '--cookie', 'secret']
    await using start = launch(home, args, { epmdPort: scene.epmdPort })
    await start.waitForOutput(/^node .*\(visible\)$/)
    const erl = await booting
    await sees(erl, 'nodes()', `['${ours}']`)
    start.kill('SIGTERM')
    expect(await start.exited).toEqual({ code: 0, signal: null })
    await sees(erl, 'nodes()', '[]')
  })

  it('gives ours a port of the range, and a topology that connects them', async () => {
    await using scene = await Scene.open(release)
    using home = new Home()
    using folder = new Folder()
    const erl = await scene.erl()
    const ours = scene.name('ts')
    const strategy = "{strategy, 'Elixir.Cluster.Strategy.Epmd'}"
    const topologies = `{topologies, [{app, [${strategy}, {config, [{hosts, ['${erl.name}']}]}]}]}`
    const [first, last] = [scene.epmdPort + 1, scene.epmdPort + 200]
    const range = `{inet_dist_listen_min, ${first}}, {inet_dist_listen_max, ${last}}`
    const file = folder.write('sys.config', `[{kernel, [${range}]}, {libcluster, [${topologies}]}].\n`)
    const args = ['start', '--config', file, '--name', ours, '--cookie', 'secret']
    await using start = launch(home, args, { epmdPort: scene.epmdPort })
    await start.waitForOutput(new RegExp(`^\\+ ${erl.name} `))
    await sees(erl, 'nodes()', `['${ours}']`)
    const port = Number(/port (\d+)/.exec(start.output.find((line) => line.startsWith('listens')) ?? '')?.[1])
    expect(port).toBeGreaterThanOrEqual(first)
    expect(port).toBeLessThanOrEqual(last)
  })

  it('fails as OTP does when a mandatory node does not come, and ends at a signal while it waits', async () => {
    await using scene = await Scene.open(release)
    using home = new Home()
    using folder = new Folder()
    const absent = scene.name('absent')
    const write = (timeout: string) =>
      folder.write(
        'sys.config',
        `[{kernel, [{sync_nodes_mandatory, ['${absent}']}, {sync_nodes_timeout, ${timeout}}]}].`,
      )
    const args = ['start', '--config', write('50'), '--name', scene.name('ts'), '--cookie', 'secret']
    await using start = launch(home, args, { epmdPort: scene.epmdPort })
    await start.waitForOutput(new RegExp(`mandatory nodes did not come within 50 ms: ${absent}`))
    expect((await start.exited).code).toBe(1)
    write('infinity')
    await using waiting = launch(home, args, { epmdPort: scene.epmdPort })
    await waiting.waitForOutput(/knows no node/)
    waiting.kill('SIGTERM')
    expect((await waiting.exited).code).toBe(130)
  })
})
