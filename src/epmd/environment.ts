import { isIP } from 'node:net'
import { OptionError } from '../base/errors.ts'

/** What Erlang's own variables say about EPMD. */
export interface EpmdEnvironment {
  /** `ERL_EPMD_PORT`, default 4369. */
  readonly port: number
  /** `ERL_EPMD_ADDRESS`: addresses an EPMD started here listens on, beside loopback; undefined when not set. */
  readonly address: string[] | undefined
  /** `ERL_EPMD_RELAXED_COMMAND_CHECK` is set: names may be stopped by request. */
  readonly relaxed: boolean
}

/**
 * Reads the variables of OTP's `epmd` manual, at each call. The only place that does.
 *
 * @throws {OptionError} when a variable holds something else than ports and addresses.
 */
export function epmdEnvironment(env: NodeJS.ProcessEnv = process.env): EpmdEnvironment {
  const { ERL_EPMD_PORT: port, ERL_EPMD_ADDRESS: address, ERL_EPMD_RELAXED_COMMAND_CHECK: relaxed } = env
  const number = port === undefined || port === '' ? 4369 : Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65535) {
    throw new OptionError('ERL_EPMD_PORT', port, 'a port from 1 to 65535')
  }
  const list = address === undefined || address.trim() === '' ? undefined : address.trim().split(/[\s,]+/)
  if (list !== undefined) checkAddresses(list, 'ERL_EPMD_ADDRESS')
  return { port: number, address: list, relaxed: relaxed !== undefined }
}

/** The `address` option of an EPMD as a list. @throws {OptionError} for anything but IP addresses. */
export function checkAddresses(value: string | readonly string[], option: string): string[] {
  const list = typeof value === 'string' ? [value] : [...value]
  for (const address of list) {
    if (isIP(address) === 0) throw new OptionError(option, address, 'an IP address, or several')
  }
  return list
}
