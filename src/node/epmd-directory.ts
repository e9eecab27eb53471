import type { Clock } from '../base/clock.ts'
import { listNames, lookup } from '../epmd/client.ts'
import { listensBeyondLoopback } from '../epmd/listening-sockets.ts'
import { decodeMark } from '../epmd/mark.ts'

/** An EPMD's entry for a node. */
export interface EpmdEntry {
  readonly port: number
  /** Of a kind that stays hidden: C and Java nodes, nodes of this package. `erl -hidden` does not say so to its EPMD. */
  readonly hidden: boolean
  /** The host in the node's own name, where it is known: nodes of this package write it down. Else undefined. */
  readonly host: string | undefined
}

/**
 * The port mappers, as a node uses them. `host` defaults to that of the node's own EPMD, `port` to `port`. All reject with
 * `ERR_EPMD_UNREACHABLE`, `ERR_EPMD_TIMEOUT` or `ERR_EPMD_PROTOCOL`.
 */
export interface EpmdDirectory {
  /** The port of EPMDs, here and on other hosts. */
  readonly port: number
  /** The names an EPMD knows. */
  names(host?: string, port?: number): Promise<{ readonly name: string; readonly port: number }[]>
  /** One name's entry, or undefined when the EPMD does not know it. */
  lookup(alive: string, host?: string, port?: number): Promise<EpmdEntry | undefined>
}

/** Whether other machines can reach what listens at a port of this one, an EPMD for example; undefined: that cannot be told. */
export function isOpenToOthers(port: number): Promise<boolean | undefined> {
  return listensBeyondLoopback(port)
}

/** Node types that stay hidden: 72 those that say so, 104 libei, 110 jinterface. */
const HIDDEN_TYPES: readonly number[] = [72, 104, 110]

/** Asks the EPMD at `own` unless told otherwise. Questions end with the signal. */
export function epmdDirectory(
  own: { readonly host: string; readonly port: number },
  clock: Clock,
  signal: AbortSignal,
): EpmdDirectory {
  return {
    port: own.port,
    async names(host = own.host, port = own.port) {
      const listed = await listNames({ host, port, signal, clock })
      return listed.map(({ name, port }) => ({ name, port }))
    },
    async lookup(alive, host = own.host, port = own.port) {
      const entry = await lookup(alive, { host, port, signal, clock })
      if (entry === undefined) return undefined
      const hidden = HIDDEN_TYPES.includes(entry.nodeType)
      return { port: entry.port, hidden, host: decodeMark(entry.extra)?.host }
    },
  }
}
