import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { listNames } from '../../src/epmd/client.ts'
import type { LocalNode } from '../../src/node/local-node.ts'
import { atom } from '../../src/term/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { freePort } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees, type TestNode } from '../support/scene.ts'

describeOtp('many nodes of ours in one process', (release) => {
  it('are one mesh and all of them nodes of a real cluster', async () => {
    const count = 24
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const nodes: TestNode[] = []
    for (let i = 0; i < count; i++) {
      const connectTo = nodes[0] === undefined ? [] : [nodes[0].name]
      nodes.push(await scene.node({ connectTo }))
    }
    // Each was told of one other, and finds the rest.
    await Promise.all(nodes.map((node) => node.ready({ nodes: count - 1, timeout: 20_000 })))
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).map(({ name }) => name)
      expect(node.nodes().sort()).toEqual(others.sort())
    }
    await Promise.all(nodes.map((node) => node.start({ handleCall: () => node.name }, { name: 'who' })))
    const names = nodes.map(({ name }) => `'${name}'`).join()
    await sees(
      erl,
      `[gen_server:call({who, N}, ask) =:= atom_to_binary(N) || N <- [${names}]]`,
      `[${nodes.map(() => 'true')}]`,
    )
    const [first] = nodes as [TestNode]
    for (const { name } of nodes) expect(await first.call({ name: 'who', node: name }, atom('ask'))).toBe(name)
    expect(nodes.flatMap((node) => node.log.messages('warn'))).toEqual([])
  })
})

describe('thirty nodes of ours in one process', () => {
  it('find each other over an EPMD of their own, and are gone afterwards', async () => {
    const count = 30
    const epmd = { port: await freePort() }
    const nodes: LocalNode[] = []
    try {
      for (let i = 0; i < count; i++) {
        const connectTo = nodes.slice(0, 1).map(({ name }) => name)
        const name = `thirty${i}@127.0.0.1`
        nodes.push(await startNode({ name, cookie: 'secret', epmd, connectTo, logger: silentLogger }))
      }
      await Promise.all(nodes.map((node) => node.ready({ nodes: count - 1, timeout: 50_000 })))
      const names = nodes.map(({ name }) => name).sort()
      for (const node of nodes) expect([...node.nodes(), node.name].sort()).toEqual(names)
      expect(nodes.filter(({ servesEpmd }) => servesEpmd).length).toBeGreaterThan(0)
    } finally {
      await Promise.all(nodes.map((node) => node.close()))
    }
    await expect(listNames(epmd)).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  }, 60_000)
})
