import { fileURLToPath } from 'node:url'
import type { atom, StartOptions, TsunagiNode, tuple } from '../../src/index.ts'
import type { Store } from '../../src/store/index.ts'
import type { StoreOptions } from '../../src/store/store-options.ts'
import { startNodeProcess } from '../support/child.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import type { Place } from './told-nodes.ts'

const fixture = fileURLToPath(new URL('fixtures/store-node.mjs', import.meta.url))

/** Milliseconds. For what hangs: the machine may have one processor to spare. */
const PATIENCE = 60_000

/** What functions get that run in the process of a {@link StoreNode}. */
export interface StoreScene {
  readonly node: TsunagiNode
  readonly store: Store
  /** What they keep for those that run later. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is, only they know.
  readonly kept: Record<string, any>
  /** Prints a line. */
  readonly say: (line: string) => void
  readonly atom: typeof atom
  readonly tuple: typeof tuple
}

/** How a function failed in another process. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly code?: string
}

/** A node with a store in a process of its own. */
export class StoreNode {
  readonly name: string
  readonly process: OsProcess
  #asked = 0

  constructor(name: string, process: OsProcess) {
    this.name = name
    this.process = process
  }

  /**
   * Runs a function there: its text is sent, so that it may use nothing from around it. Arguments and result cross as JSON.
   *
   * @throws Error with name, message and code of the one that was thrown there
   */
  async run<A extends readonly unknown[], R>(
    fn: (scene: StoreScene, ...args: A) => R,
    ...args: A
  ): Promise<Awaited<R>> {
    const id = ++this.#asked
    const from = this.process.output.length
    this.process.writeLine(JSON.stringify({ id, text: String(fn), args }))
    const prefix = `answer ${id} `
    const line = await this.process.waitForOutput(new RegExp(`^${prefix}`), { from, timeout: PATIENCE })
    const said = JSON.parse(line.slice(prefix.length)) as { value?: Awaited<R>; error?: Failure }
    if (said.error === undefined) return said.value as Awaited<R>
    throw Object.assign(new Error(said.error.message), said.error)
  }
}

/** Nodes with stores of one name, each told the names of all. */
export class StoreNodes implements AsyncDisposable {
  readonly #names: readonly string[]
  readonly #nodeOptions: StartOptions
  readonly #storeOptions: StoreOptions
  readonly #nodes = new Map<string, StoreNode>()

  private constructor(names: readonly string[], nodeOptions: StartOptions, storeOptions: StoreOptions) {
    this.#names = names
    this.#nodeOptions = { cookie: 'secret', connectTo: [...names], ...nodeOptions }
    this.#storeOptions = storeOptions
  }

  /** Starts them all, and waits until each sees all. */
  static async start(
    places: readonly Place[],
    storeOptions: StoreOptions,
    nodeOptions: StartOptions = {},
  ): Promise<StoreNodes> {
    const epmd = { port: await freePort() }
    const nodes = new StoreNodes(
      places.map(({ name }) => name),
      { epmd, ...nodeOptions },
      storeOptions,
    )
    try {
      await Promise.all(places.map((place) => nodes.start(place)))
      await Promise.all(nodes.all.map((node) => node.run(ready, places.length - 1)))
      return nodes
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
  }

  get all(): readonly StoreNode[] {
    return [...this.#nodes.values()]
  }

  /** Starts one; again, if it was there before. */
  async start({ name, within = [] }: Place, storeOptions: StoreOptions = {}): Promise<StoreNode> {
    const options = { name, ...this.#nodeOptions, connectTo: this.#names.filter((other) => other !== name) }
    const args = [fixture, JSON.stringify(options), JSON.stringify({ ...this.#storeOptions, ...storeOptions })]
    const node = new StoreNode(name, startNodeProcess(args, { within }))
    this.#nodes.set(name, node)
    await node.process.waitForOutput(/^started$/, { timeout: PATIENCE })
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(({ process }) => process[Symbol.asyncDispose]()))
  }
}

/** To run on a node: resolves when it takes part along with so many others. */
export async function ready({ store }: StoreScene, nodes: number): Promise<void> {
  await store.ready({ nodes, timeout: 60_000 })
}
