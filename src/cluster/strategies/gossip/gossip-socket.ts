import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { TsunagiError } from '../../../base/errors.ts'
import { textOf } from '../../discovery-error.ts'
import { MAX_PACKET } from './heartbeat.ts'

/** Where gossip is sent and heard. */
export interface GossipPlace {
  readonly port: number
  /** The address the socket is bound to. */
  readonly bind: string
  /** The multicast group, or the broadcast address. */
  readonly address: string
  readonly broadcastOnly: boolean
  /** The address of the interface for multicast; undefined: the system chooses. */
  readonly interface: string | undefined
  readonly ttl: number
}

/** Its owner. */
export interface GossipListener {
  onPacket(packet: Buffer): void
  /** The socket is of no use any more. */
  onError(error: Error): void
}

/** A UDP socket that shares its port with all others of this machine that gossip. */
export class GossipSocket {
  readonly #socket: Socket
  readonly #place: GossipPlace

  private constructor(socket: Socket, place: GossipPlace) {
    this.#socket = socket
    this.#place = place
  }

  /** @throws TsunagiError `ERR_LISTEN`, or the signal's reason */
  static async open(place: GossipPlace, listener: GossipListener, signal: AbortSignal): Promise<GossipSocket> {
    signal.throwIfAborted()
    // With this libuv also sets SO_REUSEPORT where that is what shares a port: on macOS and the BSDs.
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    try {
      socket.bind(place.port, place.bind)
      await once(socket, 'listening', { signal })
      socket.setBroadcast(true)
    } catch (error) {
      socket.on('error', () => {})
      socket.close()
      signal.throwIfAborted()
      const at = `${place.bind}:${place.port}`
      throw new TsunagiError('ERR_LISTEN', `gossip cannot listen on UDP ${at}: ${textOf(error)}`, { cause: error })
    }
    // As timers do, it leaves it to the node to keep the process alive.
    socket.unref()
    socket.on('error', (error) => listener.onError(error))
    socket.on('message', (packet) => {
      if (packet.length <= MAX_PACKET) listener.onPacket(packet)
    })
    return new GossipSocket(socket, place)
  }

  /**
   * Joins the group, and answers why it could not. To be called again and again: the network may come after the node, or
   * come back as another interface.
   */
  join(): Error | undefined {
    const { address, broadcastOnly, ttl, interface: by } = this.#place
    if (broadcastOnly) return undefined
    try {
      if (by !== undefined) this.#socket.setMulticastInterface(by)
      this.#socket.setMulticastTTL(ttl)
      this.#socket.setMulticastLoopback(true)
      this.#socket.addMembership(address, by)
      return undefined
    } catch (error) {
      // It is a member already.
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
      return new TsunagiError('ERR_LISTEN', `gossip cannot join ${address}: ${textOf(error)}`, { cause: error })
    }
  }

  /** Resolves to why the packet could not be sent, or to undefined. */
  async send(packet: Buffer): Promise<Error | undefined> {
    const { address, port } = this.#place
    return await new Promise((resolve) => {
      this.#socket.send(packet, port, address, (error) => {
        if (error === null || error === undefined) return resolve(undefined)
        const text = `gossip cannot be sent to ${address}:${port}: ${textOf(error)}`
        resolve(new TsunagiError('ERR_LISTEN', text, { cause: error }))
      })
    })
  }

  close(): void {
    this.#socket.close()
  }
}
