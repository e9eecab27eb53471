import { randomInt } from 'node:crypto'
import { lookup as resolveHost } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { TsunagiError } from '../base/errors.ts'
import type { Carrier } from '../dist/carrier.ts'
import type { Identity } from '../dist/handshake-state.ts'
import { listenTcp, type TcpListener } from '../dist/tcp.ts'
import type { TlsTransport } from '../dist/tls-transport.ts'
import { Registration } from '../epmd/registration.ts'
import type { ResolvedNodeOptions } from './node-options.ts'

/** Who gets the connections that come in. */
export interface Door {
  /** Asked before anything is made of a connection from this address. */
  admits(address: string): boolean
  accept(carrier: Carrier): void
}

/** How a node can be found: its listener, and its name at the EPMD. A node that does not listen has neither. */
export class Presence {
  /** This incarnation of the node, u32: given by the EPMD, else random. */
  readonly creation: number
  readonly #tcp: TcpListener | undefined
  readonly #registration: Registration | undefined

  /**
   * Listens and registers. `door` gets each connection, which may be before this resolves.
   *
   * @throws TsunagiError `ERR_LISTEN`, `ERR_NAME_TAKEN`, `ERR_EPMD_…`; nothing is left behind then
   */
  static async open(options: ResolvedNodeOptions, door: Door, tls?: TlsTransport): Promise<Presence> {
    const tcp = await listen(options, door, tls)
    try {
      const registration = tcp === undefined ? undefined : registrationOf(options, tcp.port)
      const registered = await registration?.start()
      return new Presence(registered?.creation ?? randomCreation(), tcp, registration)
    } catch (error) {
      await tcp?.close()
      throw error
    }
  }

  private constructor(creation: number, tcp: TcpListener | undefined, registration: Registration | undefined) {
    this.creation = creation
    this.#tcp = tcp
    this.#registration = registration
  }

  /** The address and port peers connect to. */
  get listening(): { readonly host: string; readonly port: number } | undefined {
    return this.#tcp === undefined ? undefined : { host: this.#tcp.host, port: this.#tcp.port }
  }

  /** Whether this process serves the EPMD. */
  get servesEpmd(): boolean {
    return this.#registration?.serving !== undefined
  }

  /** Frees port and name. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#tcp?.close(), this.#registration?.close()])
  }
}

/** A name for a node on `host` that asks for one, as OTP makes them: twelve characters. */
export function randomIdentity(host: string): Identity {
  const alive = Array.from({ length: 12 }, () => randomInt(36).toString(36).toUpperCase()).join('')
  return { name: `${alive}@${host}`, creation: randomCreation() }
}

/** Never 0 to 3, which older nodes could not tell apart from theirs. */
function randomCreation(): number {
  return randomInt(4, 2 ** 32)
}

/** Binds the listener at the node's own address, so that it is reached under its name and from nowhere else. */
async function listen(
  { listen: where, name, clock, logger }: ResolvedNodeOptions,
  door: Door,
  tls: TlsTransport | undefined,
): Promise<TcpListener | undefined> {
  if (where === false) return undefined
  const host = where.host ?? (await addressOfHost(name.host))
  const onError = (error: Error): void => logger.warn({ err: error }, `cannot accept connections: ${error.message}`)
  const onCarrier = (carrier: Carrier): void => door.accept(carrier)
  const admits = (address: string): boolean => door.admits(address)
  const carry = tls && { carry: (socket: Socket) => tls.accept(socket) }
  const [first, last] = where.ports
  for (let port = first; ; port++) {
    try {
      return await listenTcp({ host, port, admits, onCarrier, onError, clock, ...carry })
    } catch (error) {
      if (!isTaken(error) || first === last) throw error
      if (port < last) continue
      const reason = `cannot listen on ${host}: other programs listen on all ports from ${first} to ${last}`
      throw new TsunagiError('ERR_LISTEN', reason, { cause: error })
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof TsunagiError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
}

async function addressOfHost(host: string): Promise<string> {
  try {
    const { address } = await resolveHost(host)
    return address
  } catch (cause) {
    const reason = `the host of this node's name, ${host}, has no address; nobody could reach it under that name`
    throw new TsunagiError('ERR_LISTEN', `${reason}: use another host, or set listen.host`, { cause })
  }
}

function registrationOf(options: ResolvedNodeOptions, port: number): Registration | undefined {
  const { epmd, name, visible, clock, logger, limits } = options
  if (epmd === false) return undefined
  const { alive, host } = name
  return new Registration({ alive, host, port, hidden: !visible, epmd, clock, logger, limits })
}
