import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { systemClock } from '../../../src/base/clock.ts'
import type { Limits } from '../../../src/base/limits.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { startNode, type TsunagiNode } from '../../../src/index.ts'
import type { Change, Conflict, EngineOptions, StoreEngine } from '../../../src/store/engine.ts'
import { mesh } from '../../../src/store/engines/mesh.ts'
import { resolveTermOptions } from '../../../src/term/term-options.ts'

/** One node with a store's engine, and what it has told. */
export interface Actor {
  readonly node: TsunagiNode
  readonly engine: StoreEngine
  readonly changes: Change[]
  readonly conflicts: Conflict[]
  /** Resolves when `done` holds, which is looked at after each change. */
  until(done: () => boolean): Promise<void>
}

/** Nodes of one cluster in this process, each with an engine for the same store. */
export class Stage implements AsyncDisposable {
  readonly cookie = randomBytes(8).toString('hex')
  readonly #nodes: TsunagiNode[] = []
  readonly #engines = new Set<StoreEngine>()
  #epmd: number | undefined

  /** Starts a node that finds the others. */
  async node(name: string, limits: Partial<Limits> = {}): Promise<TsunagiNode> {
    const port = await this.epmd()
    const node = await startNode({
      name: `${name}@127.0.0.1`,
      cookie: this.cookie,
      epmd: { port },
      connectTo: this.#nodes.map((other) => other.name),
      limits,
      logger: silentLogger,
    })
    this.#nodes.push(node)
    return node
  }

  /** The port of this cluster's EPMD. */
  async epmd(): Promise<number> {
    this.#epmd ??= await freePort()
    return this.#epmd
  }

  open(node: TsunagiNode, options: Partial<EngineOptions>): Actor {
    const waiting = new Set<() => void>()
    const changes: Change[] = []
    const conflicts: Conflict[] = []
    const told = (): void => {
      for (const check of [...waiting]) check()
    }
    const engine = mesh().open({
      name: 'store',
      host: node,
      clock: systemClock,
      wallClock: Date.now,
      logger: silentLogger,
      terms: resolveTermOptions({}),
      options: {
        loader: undefined,
        members: undefined,
        durability: 'majority',
        directory: undefined,
        sync: false,
        heartbeat: 100,
        lease: 1000,
        ...options,
      },
      observer: {
        change: (change) => {
          changes.push(change)
          told()
        },
        conflict: (conflict) => {
          conflicts.push(conflict)
          told()
        },
        loader: told,
      },
    })
    this.#engines.add(engine)
    return {
      node,
      engine,
      changes,
      conflicts,
      until: (done) =>
        new Promise((resolve) => {
          const check = (): void => {
            if (!done()) return
            waiting.delete(check)
            resolve()
          }
          waiting.add(check)
          check()
        }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines) await engine.close()
    for (const node of this.#nodes) await node.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
