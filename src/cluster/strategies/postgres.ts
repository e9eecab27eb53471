import { OptionError } from '../../base/errors.ts'
import { integer, knownOnly, string } from '../../base/options.ts'
import type { Answer, PushStrategy, StrategyContext } from '../strategy.ts'
import { channelOfCookie, cutIdentifier } from './postgres/channel.ts'
import type { Database } from './postgres/notify-line.ts'
import { PostgresWatch } from './postgres/postgres-watch.ts'
import { optionsWithSecret } from './secret-options.ts'

/** Options of {@link postgres}. In brackets: what libcluster_postgres calls them. */
export interface PostgresOptions {
  /**
   * The database: a URL such as `postgres://user:password@host:5432/database`, or options of the package `postgres`
   * (`host`, `port`, `database`, `username`, `password`, `ssl`, …) [keys of their own]. Default: what the environment says
   * (`PGHOST`, `PGUSER`, …). All nodes of a cluster use the same database, and no pooler that shares connections.
   */
  readonly connection?: string | { readonly [option: string]: unknown }
  /**
   * The channel [`channel_name`]. Default, as there: the node's cookie, with `_` for everything but letters, digits and `_`.
   * Who may look into the database sees it: name a channel where not all of them may know the cookie. Of more than 63 bytes
   * PostgreSQL takes the first.
   */
  readonly channel?: string
  /** Milliseconds between heartbeats [`heartbeat_interval`]. Default 5,000. */
  readonly heartbeatInterval?: number
  /** A node that was silent for so many heartbeats is found no more. Default 6; libcluster_postgres never forgets one. */
  readonly silentHeartbeats?: number
  /** Names kept at a time; others are not found until there is room. Default 1,000. */
  readonly maxNames?: number
}

const KNOWN = [
  'connection',
  'channel',
  'heartbeatInterval',
  'silentHeartbeats',
  'maxNames',
] as const satisfies readonly (keyof PostgresOptions)[]

const DAY = 24 * 60 * 60 * 1000

/**
 * Nodes that tell each other of themselves through a PostgreSQL database, by `LISTEN` and `NOTIFY`, together with nodes that
 * use libcluster_postgres. It tells by itself: a node is found with its first heartbeat, and lost when it was silent for
 * `silentHeartbeats`. While the database is away all nodes stay found; it is connected again after the topology's `interval`.
 * Until a watch has lasted for `silentHeartbeats` its answers are not whole.
 *
 * Needs the package `postgres` (porsager), version 3, and two connections a node.
 *
 * @throws OptionError; lookups fail with `ERR_PACKAGE_MISSING` where the package is not installed
 *
 * @example
 * postgres({ connection: process.env.DATABASE_URL, channel: 'my_cluster' })
 */
export function postgres(options: PostgresOptions = {}): PushStrategy {
  optionsWithSecret(options, '{ connection: "postgres://user@host/database" }')
  knownOnly(options, KNOWN)
  const database = databaseOf(options.connection)
  const channel = options.channel === undefined ? undefined : channelName(options.channel)
  const heartbeatInterval = integer(10, DAY, 'milliseconds')(options.heartbeatInterval ?? 5000, 'heartbeatInterval')
  const silentHeartbeats = integer(2, 1_000_000)(options.silentHeartbeats ?? 6, 'silentHeartbeats')
  const maxNames = integer(1, 1_000_000)(options.maxNames ?? 1000, 'maxNames')
  const pace = { heartbeatInterval, silence: heartbeatInterval * silentHeartbeats, maxNames }
  return {
    name: 'postgres',
    async *watch(context: StrategyContext): AsyncGenerator<Answer> {
      context.signal.throwIfAborted()
      const name = cutIdentifier(channel ?? channelOfCookie(context.cookie))
      const watch = await PostgresWatch.open(context, { database, channel: name }, pace)
      try {
        for (;;) {
          yield watch.answer()
          await watch.changed()
        }
      } finally {
        await watch.close()
      }
    },
  }
}

/** Its value is in no error: there is a password in it. */
function databaseOf(value: unknown): Database {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^postgres(ql)?:\/\//.test(value)) return value
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  const expected = 'a URL such as "postgres://user@host/database", or options of the package postgres'
  throw new OptionError('connection', undefined, '', `connection: expected ${expected}`)
}

function channelName(value: unknown): string {
  const name = string(value, 'channel')
  if (name.includes('\0')) throw new OptionError('channel', value, 'a name without NUL characters')
  return name
}
