import { fileURLToPath } from 'node:url'
import type { StartOptions } from '../../src/tsunagi.ts'
import { startNodeProcess } from '../support/child.ts'
import type { OsProcess } from '../support/os-process.ts'

const fixture = fileURLToPath(new URL('fixtures/static-node.mjs', import.meta.url))

/** Milliseconds. For what hangs: the machine may have one processor to spare. */
const PATIENCE = 90_000

/** Where a node of {@link ToldNodes} runs. */
export interface Place {
  readonly name: string
  /** What its command begins with. */
  readonly within?: readonly string[]
}

/** Nodes in processes of their own, each told the names of all. */
export class ToldNodes implements AsyncDisposable {
  readonly processes: readonly OsProcess[]

  private constructor(processes: readonly OsProcess[]) {
    this.processes = processes
  }

  static async start(places: readonly Place[], options: StartOptions): Promise<ToldNodes> {
    const names = JSON.stringify(places.map(({ name }) => name))
    const launch = ({ name, within = [] }: Place): OsProcess =>
      startNodeProcess([fixture, JSON.stringify({ name, ...options }), names], { within })
    const nodes = new ToldNodes(places.map(launch))
    try {
      await Promise.all(nodes.processes.map((node) => node.waitForOutput(/^started$/, { timeout: PATIENCE })))
      return nodes
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Resolves when the last word of each of them is that it is connected to so many. */
  async see(count: number, of: readonly OsProcess[] = this.processes): Promise<void> {
    const looks = of.map((node) => {
      const last = () => (node.output.at(-1) === `connected ${count}` ? true : undefined)
      return node.waitUntil(last, `to be connected to ${count}`, PATIENCE)
    })
    await Promise.all(looks)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((node) => node[Symbol.asyncDispose]()))
  }
}

/** Why links of a node went down so far. */
export function reasonsOf({ output }: OsProcess): string[] {
  return output.flatMap((line) => /^down \S+ (\S+)$/.exec(line)?.[1] ?? [])
}
