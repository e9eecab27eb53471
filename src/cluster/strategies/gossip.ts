import { isIPv4 } from 'node:net'
import { OptionError } from '../../base/errors.ts'
import { boolean, type Check, integer, knownOnly } from '../../base/options.ts'
import type { Answer, PushStrategy, StrategyContext } from '../strategy.ts'
import type { GossipPlace } from './gossip/gossip-socket.ts'
import { type GossipPace, GossipWatch } from './gossip/gossip-watch.ts'
import { encryptedFormat, type HeartbeatFormat, plainFormat } from './gossip/heartbeat.ts'
import { SignedFormat } from './gossip/signed-heartbeat.ts'
import { optionsWithSecret } from './secret-options.ts'

/** Options of {@link gossip}. In brackets: what libcluster calls them. */
export interface GossipOptions {
  /** UDP port. Default 45892. */
  readonly port?: number
  /** The IPv4 address the socket is bound to [`if_addr`]. Default `0.0.0.0`; another one hears no multicast on Linux. */
  readonly bind?: string
  /** The multicast group, or the broadcast address [`multicast_addr`]. Default `233.252.1.32`, or `255.255.255.255`. */
  readonly address?: string
  /** Broadcast instead of multicast [`broadcast_only`]. Default false. */
  readonly broadcastOnly?: boolean
  /** The IPv4 address of the interface to multicast on [`multicast_if`]. Default: the system's choice. */
  readonly interface?: string
  /** Routers that multicast passes, plus one [`multicast_ttl`]. Default 1. */
  readonly ttl?: number
  /** Encrypts heartbeats; with `signed`, signs them. Only who has the same is heard. */
  readonly secret?: string
  /** Sends and takes heartbeats of this package's own kind, signed with `secret`, or else with the cookie. Default false. */
  readonly signed?: boolean
  /** How far the clocks of nodes may differ, in milliseconds, with `signed`. Default 30,000. */
  readonly window?: number
  /** Milliseconds between heartbeats, at most: each wait is drawn evenly up to it. Default 5,000, as libcluster has it. */
  readonly interval?: number
  /** A node that was silent for so many intervals is found no more. Default 6. */
  readonly silentIntervals?: number
  /** Names kept at a time; others are not found until there is room. Default 1,000. */
  readonly maxNames?: number
}

const KNOWN = [
  'port',
  'bind',
  'address',
  'broadcastOnly',
  'interface',
  'ttl',
  'secret',
  'signed',
  'window',
  'interval',
  'silentIntervals',
  'maxNames',
] as const satisfies readonly (keyof GossipOptions)[]

const DAY = 24 * 60 * 60 * 1000

/**
 * Nodes that tell each other of themselves by UDP, in the format of libcluster's `Gossip`: plain, or encrypted with `secret`;
 * with `signed`, in a format of this package's own that cannot be forged or replayed. It tells by itself: a node is found with
 * its first heartbeat, and lost when it was silent for `silentIntervals` (libcluster never forgets one). Until a watch has
 * lasted as long, its answers are not whole.
 *
 * @throws OptionError
 *
 * @example
 * gossip({ secret: 'somepassword' })
 */
export function gossip(options: GossipOptions = {}): PushStrategy {
  optionsWithSecret(options, '{ secret: "somepassword" }')
  knownOnly(options, KNOWN)
  const place = placeOf(options)
  const pace = paceOf(options)
  const format = formatOf(options, pace.maxNames)
  return {
    name: 'gossip',
    async *watch(context: StrategyContext): AsyncGenerator<Answer> {
      const watch = await GossipWatch.open(context, place, format(context), pace)
      try {
        for (;;) {
          yield watch.answer()
          await watch.changed()
        }
      } finally {
        watch.close()
      }
    },
  }
}

function placeOf(options: GossipOptions): GossipPlace {
  const broadcastOnly = boolean(options.broadcastOnly ?? false, 'broadcastOnly')
  const address = ipv4(options.address ?? (broadcastOnly ? '255.255.255.255' : '233.252.1.32'), 'address')
  if (!broadcastOnly && !/^2(2[4-9]|3\d)\./.test(address)) {
    throw new OptionError('address', address, 'a multicast group, from 224.0.0.0 to 239.255.255.255')
  }
  return {
    port: integer(1, 65535, 'a port')(options.port ?? 45892, 'port'),
    bind: ipv4(options.bind ?? '0.0.0.0', 'bind'),
    address,
    broadcastOnly,
    interface: options.interface === undefined ? undefined : ipv4(options.interface, 'interface'),
    ttl: integer(1, 255)(options.ttl ?? 1, 'ttl'),
  }
}

function paceOf(options: GossipOptions): GossipPace {
  const interval = integer(10, DAY, 'milliseconds')(options.interval ?? 5000, 'interval')
  const silentIntervals = integer(2, 1_000_000)(options.silentIntervals ?? 6, 'silentIntervals')
  return {
    interval,
    silence: interval * silentIntervals,
    maxNames: integer(1, 1_000_000)(options.maxNames ?? 1000, 'maxNames'),
  }
}

function formatOf(options: GossipOptions, maxNames: number): (context: StrategyContext) => HeartbeatFormat {
  const secret = options.secret === undefined ? undefined : secretText(options.secret, 'secret')
  const window = integer(1000, DAY, 'milliseconds')(options.window ?? 30_000, 'window')
  if (!boolean(options.signed ?? false, 'signed')) {
    if (options.window !== undefined) throw new OptionError('window', window, 'it only together with signed')
    const format = secret === undefined ? plainFormat : encryptedFormat(secret)
    return () => format
  }
  return ({ cookie, logger, topology }) => {
    let complained = false
    const onSkew = (name: string, ms: number): void => {
      const text = `a heartbeat of ${name} is ${Math.abs(Math.round(ms / 1000))} s ${ms < 0 ? 'late' : 'early'}`
      const why = 'the clocks differ too much (window), or somebody plays it again'
      logger[complained ? 'debug' : 'warn']({ topology, node: name }, `topology ${topology}: ${text}: ${why}`)
      complained = true
    }
    return new SignedFormat({ secret: secret ?? cookie, window, maxNames, wallClock: Date.now, onSkew })
  }
}

const ipv4: Check<string> = (value, option) => {
  if (typeof value !== 'string' || !isIPv4(value)) throw new OptionError(option, value, 'an IPv4 address')
  return value
}

/** Its value is in no error. */
const secretText: Check<string> = (value, option) => {
  if (typeof value === 'string' && value !== '') return value
  throw new OptionError(option, undefined, '', `${option}: expected a non-empty string`)
}
