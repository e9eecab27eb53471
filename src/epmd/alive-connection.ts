import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import { connectEpmd } from './connect.ts'
import { EpmdError } from './errors.ts'
import { serverMark } from './mark.ts'
import { type AliveReply, decodeAliveReply, encodeRequest, type NodeEntry } from './wire.ts'

export interface AliveOptions {
  readonly entry: NodeEntry
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Milliseconds for the EPMD to accept a registration, as in erl_epmd.erl. */
const registerTimeout = 10_000
/** Milliseconds for the EPMD to close its half after we closed ours. */
const closeTimeout = 1000

/**
 * Registers a name with an EPMD. The name stays registered as long as the connection lives.
 *
 * @throws {EpmdError} ERR_EPMD_UNREACHABLE, ERR_EPMD_TIMEOUT, ERR_EPMD_PROTOCOL, ERR_EPMD_REFUSED, ERR_NAME_TAKEN; or the
 *   signal's reason
 */
export async function registerAlive(options: AliveOptions): Promise<AliveConnection> {
  const { entry, host, port, clock, signal } = options
  const fail = (code: EpmdError['code'], what: string, cause?: unknown) =>
    new EpmdError(code, `the EPMD at ${host}:${port} ${what}`, options, { cause })
  const late = () => fail('ERR_EPMD_TIMEOUT', `did not register ${entry.name} in ${registerTimeout} ms`)
  return withDeadline({ timeout: registerTimeout, clock, signal }, late, async (limit) => {
    const socket = await connectEpmd({ host, port, timeout: registerTimeout, clock, signal: limit })
    try {
      return await new Promise<AliveConnection>((resolve, reject) => {
        let received: Uint8Array = new Uint8Array()
        limit.addEventListener('abort', () => reject(limit.reason), { once: true })
        socket.on('error', (cause) => reject(fail('ERR_EPMD_REFUSED', 'closed the connection', cause)))
        socket.on('end', () =>
          reject(fail('ERR_EPMD_REFUSED', `closed the connection instead of registering ${entry.name}`)),
        )
        socket.on('data', (chunk) => {
          received = Buffer.concat([received, chunk])
          const reply = decodeAliveReply(received)
          if (reply.status === 'bad') reject(fail('ERR_EPMD_PROTOCOL', `sent ${reply.reason}`))
          if (reply.status !== 'done') return
          if (reply.value.result !== 0) reject(fail('ERR_NAME_TAKEN', `knows another node named ${entry.name}`))
          else resolve(new AliveConnection(socket, reply.value, received.subarray(reply.size), clock))
        })
        socket.write(encodeRequest({ type: 'alive2', entry }))
      })
    } catch (error) {
      socket.destroy()
      throw error
    }
  })
}

/** A registered name, for as long as its connection lives. Does not keep the process alive. */
export class AliveConnection {
  readonly creation: number
  /** Resolves when the name is no longer registered. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #clock: Clock
  #afterReply: Uint8Array

  constructor(socket: Socket, reply: AliveReply, afterReply: Uint8Array, clock: Clock) {
    this.creation = reply.creation
    this.#socket = socket
    this.#clock = clock
    this.#afterReply = afterReply
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.removeAllListeners('data')
    socket.on('data', (chunk) => {
      if (this.#afterReply.length < serverMark.length) this.#afterReply = Buffer.concat([this.#afterReply, chunk])
    })
    socket.unref()
  }

  /** Whether the EPMD is one of this package; Erlang's says nothing after its answer. */
  get ours(): boolean {
    return Buffer.from(serverMark).equals(this.#afterReply.subarray(0, serverMark.length))
  }

  /**
   * Gives the name up. Resolves once the EPMD has closed its half too, by which time it has forgotten the name, so that
   * the next node of this name does not find it taken.
   */
  async close(): Promise<void> {
    if (this.#socket.closed) return
    const timer: Timer = this.#clock.after(closeTimeout, () => this.#socket.destroy(), { keepAlive: true })
    this.#socket.end()
    await this.closed
    timer.cancel()
  }
}
