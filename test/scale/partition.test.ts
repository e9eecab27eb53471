import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { freePort } from '../support/otp.ts'

/** The way to one node from the other side. It can be interrupted: then nothing passes, and nobody is told. */
class Way implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #open = true

  private constructor(server: Server, target: number) {
    this.#server = server
    server.on('connection', (near) => {
      const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      const pair = [near, far] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [far, near]] as const) {
        from.on('error', () => {})
        from.on('data', (data) => to.write(data))
        from.on('end', () => to.end())
        from.on('close', () => this.#closed(pair))
        if (!this.#open) from.pause()
      }
    })
  }

  static async to(target: number): Promise<Way> {
    const server = createServer({ allowHalfOpen: true })
    const way = new Way(server, target)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return way
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  interrupt(): void {
    this.#open = false
    for (const socket of [...this.#pairs].flat()) socket.pause()
  }

  mend(): void {
    this.#open = true
    for (const pair of this.#pairs) {
      for (const socket of pair) socket.resume()
      this.#closed(pair)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of [...this.#pairs].flat()) socket.destroy()
  }

  /** A side that is gone takes the other one along, but not while nothing passes. */
  #closed(pair: readonly [Socket, Socket]): void {
    if (!this.#open || !pair.some((socket) => socket.destroyed)) return
    for (const socket of pair) socket.destroy()
    this.#pairs.delete(pair)
  }
}

class Ways implements AsyncDisposable {
  readonly all: Way[] = []

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.all) await way[Symbol.asyncDispose]()
  }
}

const SIZE = 5

describe('a partition', () => {
  it('of five and five nodes that outlasts the net tick parts them, and is whole again when it is over', async () => {
    await using cluster = await Cluster.create()
    const alives = Array.from({ length: 2 * SIZE }, (_, i) => `n${i}`)
    const ports = await Promise.all(alives.map(() => freePort()))
    await using ways = new Ways()
    for (const port of ports) ways.all.push(await Way.to(port))
    const sideOf = (i: number) => (i < SIZE ? 0 : 1)
    const nodes: TsunagiNode[] = []
    for (const [i, alive] of alives.entries()) {
      const found = alives.map((other, j) => ({
        name: `${other}@127.0.0.1`,
        port: sideOf(i) === sideOf(j) ? (ports[j] as number) : (ways.all[j] as Way).port,
      }))
      nodes.push(
        await cluster.start(alive, {
          listen: { port: ports[i] as number },
          epmd: false,
          mesh: false,
          netTickTime: 2000,
          setupTimeout: 2000,
          topologies: { app: { strategy: () => found } },
        }),
      )
    }
    const see = async (count: number): Promise<void> => {
      const all = () => expect(nodes.map((node) => node.nodes().length)).toEqual(nodes.map(() => count))
      await vi.waitFor(all, { timeout: 50_000, interval: 50 })
    }
    await see(2 * SIZE - 1)
    const reasons = new Set<string>()
    for (const node of nodes) node.on('nodedown', (_, { reason }) => void reasons.add(reason))
    for (const way of ways.all) way.interrupt()
    await see(SIZE - 1)
    expect(reasons).toContain('net_tick_timeout')
    for (const [i, node] of nodes.entries()) {
      const side = nodes.filter((_, j) => j !== i && sideOf(j) === sideOf(i)).map(({ name }) => name)
      expect(node.nodes().sort()).toEqual(side)
    }
    for (const way of ways.all) way.mend()
    await see(2 * SIZE - 1)
  }, 180_000)
})
