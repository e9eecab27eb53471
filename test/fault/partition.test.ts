import { describe, expect, it } from 'vitest'
import { missingForNetworks, Networks } from '../support/network-namespaces.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { describeSkipped } from '../support/tools.ts'
import { type Place, reasonsOf, ToldNodes } from './told-nodes.ts'

const SIZE = 5

const partition = (): void => {
  it('of five and five processes that outlasts the net tick parts them, and is whole again when it is over', async () => {
    using networks = Networks.open(SIZE)
    const placesOn = (side: 'left' | 'right'): Place[] =>
      Array.from({ length: SIZE }, (_, i) => ({
        name: `n${i}@${networks.address(side, i)}`,
        within: networks.inside(side),
      }))
    // One EPMD on each side, that the nodes there serve among themselves.
    const options = { epmd: { port: await freePort() }, netTickTime: 2000 }
    await using nodes = await ToldNodes.start([...placesOn('left'), ...placesOn('right')], options)
    await nodes.see(2 * SIZE - 1)
    for (let time = 0; time < 2; time++) {
      networks.cut()
      await nodes.see(SIZE - 1)
      networks.heal()
      await nodes.see(2 * SIZE - 1)
    }
    for (const node of nodes.processes) expect(reasonsOf(node).length).toBeGreaterThanOrEqual(2 * SIZE)
    expect(nodes.processes.flatMap(reasonsOf)).toContain('net_tick_timeout')
  }, 400_000)
}

const missing = missingForNetworks()
const title = 'a partition of the network'
if (missing.length === 0) describe(title, partition)
else describeSkipped(title, missing, partition)

describe('a node that is stopped for longer than the net tick', () => {
  it('is lost to the others, whose links it still holds when it goes on, and is connected to all again', async () => {
    const places = [0, 1, 2].map((i) => ({ name: `n${i}@127.0.0.1` }))
    const options = { epmd: { port: await freePort() }, netTickTime: 1000, setupTimeout: 2000 }
    await using nodes = await ToldNodes.start(places, options)
    await nodes.see(2)
    for (const [i, stopped] of nodes.processes.entries()) {
      const others = nodes.processes.filter((node) => node !== stopped)
      const from = others.map(({ output }) => output.length)
      stopped.kill('SIGSTOP')
      const lost = (node: OsProcess, j: number) =>
        node.waitForOutput(new RegExp(`^down n${i}@127.0.0.1 net_tick_timeout$`), { from: from[j] as number })
      await Promise.all(others.map(lost))
      const before = stopped.output.length
      stopped.kill('SIGCONT')
      // It has to find out first.
      await stopped.waitForOutput(/^down /, { from: before })
      await nodes.see(2)
    }
    expect(nodes.processes.every(({ exit }) => exit === undefined)).toBe(true)
  }, 240_000)
})
