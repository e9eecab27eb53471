import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startNodeProcess } from '../support/child.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'

const fixture = fileURLToPath(new URL('fixtures/local-epmd-node.mjs', import.meta.url))
const COUNT = 10
/** Milliseconds. For what hangs: ten nodes start on a machine that may have one processor to spare. */
const PATIENCE = 60_000

/** Ten processes that know each other by their EPMD only, which one of them serves. */
class Ten implements AsyncDisposable {
  readonly nodes: OsProcess[] = []
  readonly #epmdPort: number

  private constructor(epmdPort: number) {
    this.#epmdPort = epmdPort
  }

  static async start(): Promise<Ten> {
    const ten = new Ten(await freePort())
    for (let i = 0; i < COUNT; i++) ten.nodes.push(ten.#launch(i))
    await Promise.all(ten.nodes.map((node) => node.waitForOutput(/^started/, { timeout: PATIENCE })))
    return ten
  }

  /** Resolves when each node has said as its last word that it is connected to all others. */
  async meshed(): Promise<void> {
    await Promise.all(
      this.nodes.map((node) => {
        const last = () => (node.output.at(-1) === `connected ${COUNT - 1}` ? true : undefined)
        return node.waitUntil(last, 'to be connected to all', PATIENCE)
      }),
    )
  }

  /** Kills a node; resolves when all others have seen it. */
  async kill(index: number): Promise<void> {
    const node = this.nodes[index] as OsProcess
    const others = this.nodes.filter((other) => other !== node)
    const froms = others.map(({ output }) => output.length)
    node.kill('SIGKILL')
    await node.exited
    const lost = new RegExp(`^connected ${COUNT - 2}$`)
    const see = (other: OsProcess, i: number) =>
      other.waitForOutput(lost, { from: froms[i] as number, timeout: PATIENCE })
    await Promise.all(others.map(see))
  }

  async restart(index: number): Promise<void> {
    const node = this.#launch(index)
    this.nodes[index] = node
    await node.waitForOutput(/^started/, { timeout: PATIENCE })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
  }

  #launch(index: number): OsProcess {
    return startNodeProcess([fixture, `n${index}@127.0.0.1`, String(this.#epmdPort)])
  }
}

describe('ten nodes that know only their EPMD', () => {
  it('are all connected to each other, and are so again when one was killed and restarted, whoever serves the EPMD', async () => {
    await using ten = await Ten.start()
    await ten.meshed()
    const served = ten.nodes.map(({ output }) => output[0] === 'started with the EPMD')
    expect(served.filter(Boolean)).toHaveLength(1)
    const server = served.indexOf(true)
    for (const index of [(server + 1) % COUNT, server]) {
      await ten.kill(index)
      await ten.restart(index)
      await ten.meshed()
    }
  }, 240_000)
})
