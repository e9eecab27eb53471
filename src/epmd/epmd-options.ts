import { OptionError } from '../base/errors.ts'
import { isLoopbackHost } from '../base/node-name.ts'
import { boolean, instance, integer, knownOnly, string } from '../base/options.ts'
import { checkAddresses, epmdEnvironment } from './environment.ts'

/** The `epmd` option of a node. */
export interface EpmdOptions {
  /** Where the EPMD of this node is. Default `127.0.0.1`. */
  readonly host?: string
  /** Port of EPMDs, here and on other hosts. Default `ERL_EPMD_PORT`, else 4369. */
  readonly port?: number
  /** Serve an EPMD when none is there. Default true, unless `host` is another machine. */
  readonly serve?: boolean
  /**
   * Addresses an EPMD served here listens at, beside loopback. Default `ERL_EPMD_ADDRESS`; without either it listens
   * at loopback, and further only for names that have to be found from elsewhere.
   */
  readonly address?: string | readonly string[]
}

/** {@link EpmdOptions} with defaults and Erlang's environment variables put in. */
export interface ResolvedEpmdOptions {
  readonly host: string
  readonly port: number
  readonly serve: boolean
  readonly address: readonly string[] | undefined
  readonly relaxed: boolean
}

/**
 * Checks a node's `epmd` option and completes it from the environment as it is now.
 *
 * @throws {OptionError} naming the option, such as `epmd.port`, or the environment variable
 */
export function resolveEpmdOptions(options: EpmdOptions = {}, path = 'epmd'): ResolvedEpmdOptions {
  instance(options, path, 'an object of EPMD options', (it) => !Array.isArray(it))
  knownOnly(options, ['host', 'port', 'serve', 'address'], `${path}.`)
  const environment = epmdEnvironment()
  const host = options.host === undefined ? '127.0.0.1' : string(options.host, `${path}.host`)
  const here = isLoopbackHost(host)
  const serve = options.serve === undefined ? here : boolean(options.serve, `${path}.serve`)
  if (serve && !here) throw new OptionError(`${path}.serve`, serve, `false when ${path}.host is another machine`)
  const { address } = options
  return {
    host,
    port: options.port === undefined ? environment.port : integer(1, 65535, 'a port')(options.port, `${path}.port`),
    serve,
    address: address === undefined ? environment.address : checkAddresses(address, `${path}.address`),
    relaxed: environment.relaxed,
  }
}
