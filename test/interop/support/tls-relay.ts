import { connect, createServer, type Server, type Socket } from 'node:net'

/** Types of TLS records (RFC 8446, section 5.1). */
const HANDSHAKE = 22
const APPLICATION_DATA = 23
/** A KeyUpdate in TLS 1.3: header of 4 bytes, 1 of its own, 1 for its type, 16 of the tag. No frame of a link is that short. */
const KEY_UPDATE_BYTES = 22

/** Stands between two nodes and counts the records that pass, whose kind and length anybody can see. */
export class TlsRelay implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Records of TLS handshakes, in both directions. */
  handshakes = 0
  /** Key updates of TLS 1.3, in both directions. */
  keyUpdates = 0

  /** Passes connections on to this port of loopback. */
  static async open(target: number): Promise<TlsRelay> {
    const relay = new TlsRelay(target)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  private constructor(target: number) {
    this.#server = createServer((inner) => {
      const outer = connect(target, '127.0.0.1')
      for (const [from, to] of [[inner, outer] as const, [outer, inner] as const]) {
        const count = this.#counter()
        from.on('data', count)
        from.on('error', () => {})
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
        this.#sockets.add(from)
        from.pipe(to)
      }
    })
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the relay is closed')
    return address.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  #counter(): (chunk: Buffer) => void {
    let pending = Buffer.alloc(0)
    return (chunk) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 5) {
        const length = pending.readUInt16BE(3)
        if (pending.length < 5 + length) return
        if (pending[0] === HANDSHAKE) this.handshakes++
        if (pending[0] === APPLICATION_DATA && length === KEY_UPDATE_BYTES) this.keyUpdates++
        pending = pending.subarray(5 + length)
      }
    }
  }
}
