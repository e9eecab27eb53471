import type { StartOptions } from '../tsunagi.ts'
import type { Setting } from './setting.ts'

type Settings = ReadonlyMap<string, Setting>

/** Keys that mean something to other parts of a BEAM, or that this node fulfils as it is. */
const NOT_OURS = /^(logger|logger_.*|error_logger.*|start_.*|standard_io_encoding|shell_.*|os_cmd.*|net_tickintensity)$/

/**
 * The options that kernel's parameters of distribution stand for, and the keys of others that change what a node does and that
 * this one does not follow. Source: OTP's kernel(6), `kernel_config.erl`, `inet_tcp_dist.erl`.
 *
 * @throws ConfigError
 */
export function kernelOptions(kernel: Settings): { options: StartOptions; ignored: string[] } {
  const used = new Set<string>()
  const get = (key: string): Setting | undefined => {
    used.add(key)
    return kernel.get(key)
  }
  const tick = get('net_ticktime')
  const setup = get('net_setuptime')
  const auto = get('dist_auto_connect')
  const all = get('connect_all')
  const listen = listenOf(get)
  const sync = syncOf(get)
  const options: StartOptions = {
    ...(sync === undefined ? {} : { syncNodes: sync }),
    ...(tick === undefined ? {} : { netTickTime: tick.integer(1, 2 ** 31, 'seconds') * 1000 }),
    ...(setup === undefined ? {} : { setupTimeout: setup.integer(1, 120, 'seconds, at most 120') * 1000 }),
    ...(auto === undefined ? {} : { distAutoConnect: auto.oneOf('never', 'once', 'always') }),
    ...(all === undefined ? {} : { connectAll: all.boolean() }),
    ...(listen === undefined ? {} : { listen }),
  }
  const ignored = [...kernel.keys()].filter((key) => !used.has(key) && !NOT_OURS.test(key))
  return { options, ignored: ignored.map((key) => `kernel.${key}`) }
}

/** Without a timeout OTP waits for nobody. */
function syncOf(get: (key: string) => Setting | undefined): StartOptions['syncNodes'] {
  const timeout = get('sync_nodes_timeout')
  const [mandatory, optional] = [get('sync_nodes_mandatory'), get('sync_nodes_optional')]
  if (timeout === undefined) return undefined
  return {
    timeout: timeout.time('milliseconds'),
    ...(mandatory === undefined ? {} : { mandatory: mandatory.nodes() }),
    ...(optional === undefined ? {} : { optional: optional.nodes() }),
  }
}

/** A range of which only the first port is given has no other; one of which only the last is given is none. */
function listenOf(get: (key: string) => Setting | undefined): StartOptions['listen'] {
  const [min, max] = [get('inet_dist_listen_min'), get('inet_dist_listen_max')]
  const address = get('inet_dist_use_interface')
  if (get('dist_listen')?.boolean() === false) return false
  if (min === undefined && address === undefined) return undefined
  const host = address === undefined ? {} : { host: address.address() }
  if (min === undefined) return host
  const first = min.integer(1, 65535)
  const last = max === undefined ? first : max.integer(first, 65535)
  return { ...host, port: [first, last] }
}
