import { once } from 'node:events'
import type { Logger } from '../../src/base/logger.ts'
import type { LocalNode, LocalNodeEvents } from '../../src/node/local-node.ts'
import { type StartOptions, startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { freePort } from '../support/otp.ts'

/** Nodes of one test, over loopback; closed together. */
export class Cluster implements AsyncDisposable {
  readonly epmdPort: number
  readonly log: { level: keyof Logger; text: string; data: object }[] = []
  readonly #nodes: LocalNode[] = []

  private constructor(epmdPort: number) {
    this.epmdPort = epmdPort
  }

  static async create(): Promise<Cluster> {
    return new Cluster(await freePort())
  }

  /** Starts `alive@127.0.0.1` with an EPMD of the test's own and the cookie `c`. */
  async start(alive: string, options: StartOptions = {}): Promise<TsunagiNode> {
    const note =
      (level: keyof Logger) =>
      (data: object, text: string): void =>
        void this.log.push({ level, text, data })
    const node = await startNode({
      name: `${alive}@127.0.0.1`,
      cookie: 'c',
      epmd: { port: this.epmdPort },
      logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      ...options,
    })
    this.#nodes.push(node)
    return node
  }

  /** Lines of the log at a level that contain a text. */
  lines(level: keyof Logger, text: string): string[] {
    return this.log.filter((line) => line.level === level && line.text.includes(text)).map((line) => line.text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()))
  }
}

/** The next event of a node about a peer. */
export async function event<E extends keyof LocalNodeEvents>(
  node: LocalNode,
  name: E,
  peer?: string,
): Promise<LocalNodeEvents[E]> {
  for (;;) {
    const args = (await once(node, name)) as LocalNodeEvents[E]
    if (peer === undefined || args[0] === peer) return args
  }
}
