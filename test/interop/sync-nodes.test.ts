import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeOtp, type Release } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'

/** A `sys.config` that a node of this release can read. */
class ConfigFile implements Disposable {
  /** As the node sees it. */
  readonly path: string
  readonly #folder: string

  constructor(release: Release, kernel: string) {
    const root = release.root ?? ''
    this.#folder = mkdtempSync(join(root, root === '' ? tmpdir() : 'tmp', 'tsunagi-config-'))
    writeFileSync(join(this.#folder, 'sys.config'), `[{kernel, [${kernel}]}].\n`)
    this.path = join(this.#folder.slice(root.length), 'sys.config')
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

describeOtp('waiting for nodes at the start', (release) => {
  it('ours waits for real ones', async () => {
    await using scene = await Scene.open(release)
    const names = [scene.name('erl'), scene.name('erl')] as const
    const waiting = scene.node({
      syncNodes: { mandatory: [names[0]], optional: [names[1]], timeout: Number.POSITIVE_INFINITY },
    })
    let started = false
    const noted = waiting.then(() => {
      started = true
    })
    const first = await scene.erl({ name: names[0] })
    await sees(first, 'length(nodes(hidden))', '1')
    expect(started).toBe(false)
    await scene.erl({ name: names[1] })
    await noted
    expect((await waiting).nodes().sort()).toEqual([...names].sort())
  })

  it('a real one finds ours when it is there first, hidden or not', async () => {
    await using scene = await Scene.open(release)
    const [hidden, visible] = [await scene.node({ mesh: false }), await scene.node({ visible: true })]
    const kernel = `{sync_nodes_mandatory, ['${hidden.name}','${visible.name}']}, {sync_nodes_timeout, infinity}`
    using config = new ConfigFile(release, kernel)
    const erl = await scene.erl({ args: ['-config', config.path] })
    expect(await erl.eval('{nodes(), nodes(hidden)}')).toBe(`{['${visible.name}'],['${hidden.name}']}`)
  })

  it('a real one waits for ours, which must be visible', async () => {
    await using scene = await Scene.open(release)
    const [name, ours] = [scene.name('erl'), scene.name('ts')]
    using config = new ConfigFile(release, `{sync_nodes_mandatory, ['${ours}']}, {sync_nodes_timeout, infinity}`)
    // Its distribution runs before it has started.
    const booting = scene.erl({ name, args: ['-config', config.path] })
    const node = await scene.node({ name: ours, visible: true, connectTo: name })
    await node.ready({ timeout: 25_000 })
    const erl = await booting
    expect(await erl.eval('nodes()')).toBe(`['${ours}']`)
  })

  it('both wait for each other', async () => {
    await using scene = await Scene.open(release)
    const [name, ours] = [scene.name('erl'), scene.name('ts')]
    using config = new ConfigFile(release, `{sync_nodes_mandatory, ['${ours}']}, {sync_nodes_timeout, infinity}`)
    const booting = scene.erl({ name, args: ['-config', config.path] })
    const syncNodes = { mandatory: [name], timeout: Number.POSITIVE_INFINITY }
    const node = await scene.node({ name: ours, visible: true, syncNodes })
    expect(node.nodes()).toEqual([name])
    expect(await (await booting).eval('nodes()')).toBe(`['${ours}']`)
  })
})
