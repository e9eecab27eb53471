import type { Clock } from '../base/clock.ts'
import type { Limits } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import { checkAddresses, epmdEnvironment } from './environment.ts'
import { EpmdServer } from './server.ts'

/** Options of {@link startEpmd}. */
export interface StartEpmdOptions {
  /** Default `ERL_EPMD_PORT`, else 4369. */
  readonly port?: number
  /** Addresses to listen at beside loopback. Default `ERL_EPMD_ADDRESS`; without either, as the registered names need. */
  readonly address?: string | readonly string[]
  /** Lets names be stopped, and the server be killed while it has names. Default `ERL_EPMD_RELAXED_COMMAND_CHECK`. */
  readonly relaxed?: boolean
  readonly limits?: Pick<Limits, 'epmdConnections'>
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Starts an EPMD of its own, as OTP's `epmd` command does: the server of `tsunagi epmd`. It keeps the process alive until
 * `close()`, or until `epmd -kill` asks it to end while it has no names.
 *
 * @throws {TsunagiError} ERR_LISTEN, when another one has the port (cause EADDRINUSE) for example; ERR_INVALID_OPTION
 */
export async function startEpmd(options: StartEpmdOptions = {}): Promise<EpmdServer> {
  const environment = epmdEnvironment()
  const address = options.address === undefined ? environment.address : checkAddresses(options.address, 'address')
  const { port = environment.port, relaxed = environment.relaxed } = options
  const server = new EpmdServer({ ...options, port, relaxed, address, killable: true })
  await server.listen()
  return server
}
