import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { vi } from 'vitest'
import { listNames } from '../../../src/epmd/client.ts'
import { startEpmd } from '../../../src/epmd/epmd.ts'
import { encodeMark } from '../../../src/epmd/mark.ts'
import type { EpmdServer } from '../../../src/epmd/server.ts'
import type { NodeEntry } from '../../../src/epmd/wire.ts'
import { alive, entry } from '../../epmd/wire-peer.ts'
import { freePort } from '../../support/otp.ts'

/** The `extra` of a node of this package. */
export function marked(host: string): Partial<NodeEntry> {
  return { nodeType: 72, extra: encodeMark({ host, data: new Uint8Array() }) }
}

/** An EPMD of the test's own, with names that no node stands behind. */
export class EpmdWorld {
  readonly port: number
  readonly #entries = new Map<string, Partial<NodeEntry>>()
  readonly #sockets = new Map<string, Socket>()
  #server: EpmdServer | undefined
  #mute: { server: Server; sockets: Set<Socket> } | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async open(entries: Readonly<Record<string, Partial<NodeEntry>>>): Promise<EpmdWorld> {
    const world = new EpmdWorld(await freePort())
    await world.serve()
    for (const [name, more] of Object.entries(entries)) await world.add(name, more)
    return world
  }

  /** Registers a name; before and after a failure it is the same. */
  async add(name: string, more: Partial<NodeEntry> = {}): Promise<void> {
    this.#entries.set(name, more)
    this.#sockets.set(name, (await alive(this.port, entry(name, more))).socket)
  }

  async remove(name: string): Promise<void> {
    this.#entries.delete(name)
    this.#sockets.get(name)?.destroy()
    this.#sockets.delete(name)
    await vi.waitFor(async () => {
      const names = await listNames({ port: this.port })
      if (names.some((it) => it.name === name)) throw new Error(`${name} is still registered`)
    })
  }

  /** Serves, with all names, where nothing was served before. */
  async serve(): Promise<void> {
    this.#server = await startEpmd({ port: this.port })
    for (const [name, more] of [...this.#entries]) await this.add(name, more)
  }

  async fail(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy()
    this.#sockets.clear()
    await this.#server?.close()
    this.#server = undefined
  }

  /** Accepts connections and says nothing. */
  async hang(): Promise<void> {
    await this.fail()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => sockets.add(socket.on('error', () => {})))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.#mute = { server, sockets }
  }

  async close(): Promise<void> {
    for (const socket of this.#mute?.sockets ?? []) socket.destroy()
    this.#mute?.server.close()
    await this.fail()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
