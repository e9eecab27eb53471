import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { isLoopbackHost } from '../base/node-name.ts'
import { Listeners } from './listeners.ts'
import { decodeMark, serverMark } from './mark.ts'
import { NameTable, type RegisteredName } from './name-table.ts'
import { addressesFor, type Reach, reachOf } from './reach.ts'
import { RequestParser } from './request-parser.ts'
import {
  type EpmdRequest,
  encodeAliveReply,
  encodeDumpReply,
  encodeNamesReply,
  encodePortReply,
  killReply,
  stopReply,
} from './wire.ts'

export interface EpmdServerOptions {
  /** Port; 0 for any free one. */
  readonly port: number
  /**
   * Addresses to listen at beside loopback, whatever names are registered. Without them the server listens at loopback
   * as long as all registered names are loopback ones, and also where the others are otherwise: see `reachOf`.
   */
  readonly address?: readonly string[] | undefined
  /** Answers STOP_REQ, and KILL_REQ while names are registered. Default false. */
  readonly relaxed?: boolean
  /** Lets KILL_REQ close the server. Default false: an embedded server must not end by request. */
  readonly killable?: boolean
  readonly limits?: Pick<Limits, 'epmdConnections'>
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Events of an {@link EpmdServer} with their arguments. */
export interface EpmdServerEvents {
  register: [name: string]
  unregister: [name: string]
  /** It was found out how far a name has to be seen. */
  reach: [name: string, reach: Reach]
  /** The server listens at these addresses from now on. */
  addresses: [addresses: string[]]
  close: []
}

/** A connection that does not register a name has this long, milliseconds; `packet_timeout` of epmd_srv.c. */
const idleTimeout = 60_000
/** How often addresses are looked up again while names beyond loopback are registered, for those that come later. */
const recheckInterval = 30_000

interface Connection {
  readonly socket: Socket
  readonly fd: number
  readonly parser: RequestParser
  idle: Timer | undefined
  registered: RegisteredName | undefined
}

/**
 * An EPMD. Speaks OTP's protocol with anybody; whoever sends something else, too much, or nothing for a minute, loses
 * the connection. Source: "EPMD Protocol" of `erl_dist_protocol` and `erts/epmd/src/epmd_srv.c`.
 */
export class EpmdServer extends EventEmitter<EpmdServerEvents> implements AsyncDisposable {
  readonly #options: EpmdServerOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #capacity: number
  readonly #listeners: Listeners
  readonly #names = new NameTable()
  readonly #holders = new Set<Connection>()
  /** Connections without a name, oldest first. */
  readonly #visitors = new Set<Connection>()
  readonly #reaches = new Map<RegisteredName, Reach>()
  readonly #closing = new AbortController()
  #placing: Promise<void> = Promise.resolve()
  #recheck: Timer | undefined
  #connections = 0
  #closed: Promise<void> | undefined

  constructor(options: EpmdServerOptions) {
    super()
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#capacity = (options.limits ?? defaultLimits).epmdConnections
    this.#listeners = new Listeners((socket) => this.#accept(socket), this.#logger)
  }

  /** The port it listens on. */
  get port(): number {
    return this.#listeners.port
  }

  /** The addresses it listens at now. */
  get addresses(): string[] {
    return this.#listeners.addresses
  }

  /** @throws {TsunagiError} ERR_LISTEN, with the system's error as cause */
  async listen(): Promise<void> {
    const { port } = this.#options
    try {
      await this.#listeners.open(port, this.#fixedAddresses())
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
      throw new TsunagiError('ERR_LISTEN', `cannot listen on port ${port} (${reason})`, { cause })
    }
  }

  /** Forgets all names, ends all connections; resolves when the port is free. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#recheck?.cancel()
    const freed = this.#listeners.close()
    for (const connection of [...this.#visitors, ...this.#holders]) this.#end(connection)
    await this.#placing
    await freed
    // A change of addresses that was under way may have opened one more.
    await this.#listeners.close()
    this.emit('close')
  }

  #accept(socket: Socket): void {
    const connection: Connection = {
      socket,
      fd: ++this.#connections,
      parser: new RequestParser(),
      idle: this.#clock.after(idleTimeout, () => this.#end(connection)),
      registered: undefined,
    }
    socket.on('error', () => this.#end(connection))
    // A visitor may have closed its half before our answer is out; a name is given up at once.
    socket.on('end', () => connection.registered !== undefined && this.#end(connection))
    socket.on('close', () => this.#end(connection))
    socket.on('data', (chunk) => this.#read(connection, chunk))
    this.#visitors.add(connection)
    if (this.#visitors.size + this.#holders.size <= this.#capacity) return
    // A request takes a few milliseconds: the oldest visitor is the one most likely to never send any.
    this.#end(this.#visitors.values().next().value as Connection)
  }

  /** Forgets a connection and what it registered, and closes it. */
  #end(connection: Connection): void {
    connection.idle?.cancel()
    this.#visitors.delete(connection)
    if (this.#holders.delete(connection)) this.#unregister(connection)
    connection.socket.destroy()
  }

  #read(connection: Connection, chunk: Uint8Array): void {
    // One byte on a connection that holds a name gives the name up; bytes after any other request are an error.
    if (connection.registered !== undefined || !this.#visitors.has(connection)) return this.#end(connection)
    const request = connection.parser.push(chunk)
    if (request.status === 'more') return
    if (request.status === 'bad') {
      this.#logger.debug({ reason: request.reason, peer: connection.socket.remoteAddress }, 'EPMD: bad request')
      return this.#end(connection)
    }
    this.#answer(connection, request.value)
  }

  #answer(connection: Connection, request: EpmdRequest): void {
    const { socket } = connection
    if (request.type === 'port-please2') {
      return this.#reply(connection, encodePortReply(this.#names.find(request.name)))
    }
    if (request.type === 'names') {
      return this.#reply(connection, encodeNamesReply({ epmdPort: this.port, names: [...this.#names.active] }))
    }
    // The others change something or show more, and are for this machine alone.
    if (!isLocalPeer(socket)) return this.#end(connection)
    switch (request.type) {
      case 'alive2':
        return this.#register(connection, request)
      case 'dump': {
        const { active, unused } = this.#names
        return this.#reply(
          connection,
          encodeDumpReply({ epmdPort: this.port, active: [...active], unused: [...unused] }),
        )
      }
      case 'kill':
        return this.#kill(connection)
      case 'stop':
        return this.#stop(connection, request.name)
    }
  }

  /** Sends a reply and ends the connection once it is out; a peer that does not read has until its idle time-out. */
  #reply(connection: Connection, bytes: Uint8Array): void {
    connection.socket.end(bytes)
  }

  #register(connection: Connection, { entry }: EpmdRequest & { type: 'alive2' }): void {
    const registered = this.#names.register(entry, connection.fd)
    if (registered === undefined) {
      return this.#reply(connection, encodeAliveReply({ result: 1, creation: 99 }, entry.highVersion))
    }
    connection.registered = registered
    connection.idle?.cancel()
    this.#visitors.delete(connection)
    this.#holders.add(connection)
    const reply = encodeAliveReply({ result: 0, creation: registered.creation }, entry.highVersion)
    const marked = decodeMark(entry.extra) !== undefined
    connection.socket.write(marked ? Buffer.concat([reply, serverMark]) : reply)
    this.#logger.debug({ name: entry.name, port: entry.port }, `EPMD: ${entry.name} registered`)
    this.emit('register', entry.name)
    if (this.#options.address === undefined) void this.#findReach(registered, connection.socket.remoteAddress)
  }

  #unregister({ registered }: Connection): void {
    if (registered === undefined) return
    this.#names.unregister(registered)
    this.#logger.debug({ name: registered.name }, `EPMD: ${registered.name} unregistered`)
    this.emit('unregister', registered.name)
    if (this.#reaches.delete(registered)) this.#place()
  }

  #kill(connection: Connection): void {
    const { killable, relaxed } = this.#options
    if (killable !== true || (this.#holders.size > 0 && relaxed !== true)) return this.#reply(connection, killReply.no)
    connection.socket.end(killReply.ok, () => void this.close())
  }

  #stop(connection: Connection, name: string): void {
    if (this.#options.relaxed !== true) return this.#end(connection)
    for (const holder of this.#holders) {
      if (holder.registered?.name !== name) continue
      this.#end(holder)
      return this.#reply(connection, stopReply.stopped)
    }
    this.#reply(connection, stopReply.noSuchName)
  }

  // --- Where to listen ----------------------------------------------------------------------------------------------

  /** The addresses that do not depend on names. The first one decides who owns the port: a wildcard, or 127.0.0.1. */
  #fixedAddresses(): string[] {
    const wanted = this.#options.address ?? []
    const loopback = [wanted.includes('0.0.0.0') ? '0.0.0.0' : '127.0.0.1', wanted.includes('::') ? '::' : '::1']
    const covered = (it: string) => loopback.includes(it.includes(':') ? '::' : '0.0.0.0')
    return [...new Set([...loopback, ...wanted.filter((it) => !covered(it))])]
  }

  async #findReach(registered: RegisteredName, address = '127.0.0.1'): Promise<void> {
    const reach = await reachOf(registered, address.replace('::ffff:', ''), this.#clock, this.#closing.signal)
    if (this.#closing.signal.aborted || this.#names.find(registered.name) !== registered) return
    this.emit('reach', registered.name, reach)
    if (reach === 'loopback') return
    this.#reaches.set(registered, reach)
    this.#place()
  }

  /** Brings the addresses in line with the registered names, one change after the other. */
  #place(): void {
    this.#placing = this.#placing
      .then(() => this.#keepPlaces())
      .catch((error: Error) => this.#logger.warn({ err: error }, `EPMD cannot tell where to listen: ${error.message}`))
  }

  async #keepPlaces(): Promise<void> {
    const wanted = await Promise.all([...this.#reaches.values()].map(addressesFor))
    if (this.#closing.signal.aborted) return
    const changed = await this.#listeners.keep([...new Set([...this.#fixedAddresses(), ...wanted.flat()])])
    if (this.#closing.signal.aborted) return
    if (changed) {
      this.#logger.info({ addresses: this.addresses }, `EPMD listens at ${this.addresses.join(', ')}`)
      this.emit('addresses', this.addresses)
    }
    this.#recheck?.cancel()
    this.#recheck = this.#reaches.size === 0 ? undefined : this.#clock.after(recheckInterval, () => this.#place())
  }
}

/** Whether the other end is on this machine, as epmd_srv.c sees it: loopback, or the address the connection came to. */
function isLocalPeer({ remoteAddress, localAddress }: Socket): boolean {
  if (remoteAddress === undefined) return false
  return remoteAddress === localAddress || isLoopbackHost(remoteAddress.replace('::ffff:', ''))
}
