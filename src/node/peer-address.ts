import { OptionError } from '../base/errors.ts'
import { splitNodeName } from '../base/node-name.ts'

/** A peer as a user names it: its node name, and its port where EPMD is not to be asked. */
export interface PeerAddress {
  readonly name: string
  readonly host: string
  readonly port: number | undefined
}

/**
 * Reads `'b@host'`, or `'b@host:9100'` to dial a port without asking EPMD. An IPv6 host with a port has brackets:
 * `'b@[fd00::2]:9100'` is the node `b@fd00::2`.
 *
 * @throws OptionError for `option`
 */
export function parsePeer(value: unknown, option: string): PeerAddress {
  const expected = 'a node name such as "b@127.0.0.1", or with a port, "b@127.0.0.1:9100"'
  if (typeof value !== 'string') throw new OptionError(option, value, expected)
  const parts = /^([^@]+)@(?:\[([^\]]+)\]|([^:@[\]]+|[^@[\]]*:[^@[\]]*:[^@[\]]*))(?::(\d{1,5}))?$/.exec(value)
  const host = parts?.[2] ?? parts?.[3]
  const name = parts === null || host === undefined ? undefined : splitNodeName(`${parts[1]}@${host}`)
  const port = parts?.[4] === undefined ? undefined : Number(parts[4])
  if (name === undefined || (port !== undefined && (port < 1 || port > 65535))) {
    throw new OptionError(option, value, expected)
  }
  return { name: name.full, host: name.host, port }
}
