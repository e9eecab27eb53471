import { ConnectError } from './connect-error.ts'
import { DFLAG, flagNames, MANDATORY_25 } from './flags.ts'
import type { Malformed } from './handshake-messages.ts'
import type { HandshakeAction, HandshakeConfig, HandshakeState, Peer, Step } from './handshake-state.ts'

/** Goes on in `state`; the time allowed for the next message begins anew. */
export function proceed(state: HandshakeState, ...messages: readonly Uint8Array[]): Step {
  const actions: HandshakeAction[] = messages.map((message) => ({ do: 'send', message }))
  actions.push({ do: 'restart-timer' })
  return { state, actions }
}

/** Gives up, after sending `messages`. */
export function fail(error: ConnectError, ...messages: readonly Uint8Array[]): Step {
  const actions: HandshakeAction[] = messages.map((message) => ({ do: 'send', message }))
  actions.push({ do: 'fail', error })
  return { state: { phase: 'over' }, actions }
}

/** Gives up on a peer that does not keep to the grammar. */
export function failMalformed(peerName: string | undefined, { detail }: Malformed): Step {
  const reason = `${peerName ?? 'the peer'} does not speak the Erlang distribution protocol: it sent ${detail}`
  return fail(new ConnectError('ERR_CONNECT_PROTOCOL', peerName, reason))
}

/** Why this peer cannot be connected to: the first flags it lacks. `mask` leaves out those it has not sent yet. */
export function missingFlags(config: HandshakeConfig, peer: Peer, mask = ~0n): ConnectError | undefined {
  const missing = (config.required ?? MANDATORY_25) & mask & ~peer.flags
  if (missing === 0n) return undefined
  const names = flagNames(missing).join(', ')
  const reason = `${peer.name} lacks capabilities this node needs (${names}): it must be OTP 25 or newer, or the like of it`
  return new ConnectError('ERR_CONNECT_FLAGS', peer.name, reason, { permanent: true })
}

export function isHidden(flags: bigint): boolean {
  return (flags & DFLAG.PUBLISHED) === 0n
}
