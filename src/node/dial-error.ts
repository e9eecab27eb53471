import { ConnectError } from '../dist/connect-error.ts'

/** The peer has said that its own dial, which is under way, goes before ours. */
export function isSimultaneous(error: unknown): boolean {
  return error instanceof ConnectError && error.code === 'ERR_CONNECT_SIMULTANEOUS'
}

/** Of that dial nothing came. */
export function outwaited(name: string): ConnectError {
  const reason = `${name} dialled us at the same moment, and its dial came to nothing`
  return new ConnectError('ERR_CONNECT_SIMULTANEOUS', name, reason)
}

/** A dial that was ended on this side. */
export function gaveUp(name: string): ConnectError {
  return new ConnectError('ERR_CONNECT_CLOSED', name, `${name}: the dial was given up, the node disconnects`)
}

/** Whatever a dial rejected with. */
export function asConnectError(error: unknown, name: string): ConnectError {
  if (error instanceof ConnectError) return error
  const reason = `${name}: ${error instanceof Error ? error.message : String(error)}`
  return new ConnectError('ERR_CONNECT_CLOSED', name, reason, { cause: error })
}
