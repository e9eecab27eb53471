import { ConnectError } from './connect-error.ts'
import { acceptorPhases, startAccepting } from './handshake-acceptor.ts'
import { diallerPhases, startDialling } from './handshake-dialler.ts'
import type {
  AcceptConfig,
  DialConfig,
  HandshakeConfig,
  HandshakeEvent,
  HandshakeState,
  PhaseTable,
  Step,
} from './handshake-state.ts'
import { fail } from './handshake-step.ts'

/** The first step of a handshake: a dialler says its name, an acceptor waits for one. */
export function startHandshake(config: HandshakeConfig): Step {
  return config.role === 'dialler' ? startDialling(config) : startAccepting()
}

/**
 * What follows from `event` in `state`. Never throws: whatever a peer sends ends in an action, and so does an exception
 * of a function in `config`. After `done` or `fail` nothing follows from anything.
 */
export function advanceHandshake(config: HandshakeConfig, state: HandshakeState, event: HandshakeEvent): Step {
  if (state.phase === 'over') return { state, actions: [] }
  const table = (config.role === 'dialler' ? diallerPhases : acceptorPhases) as Record<string, AnyPhase | undefined>
  const phase = table[state.phase]
  if (phase === undefined) throw new TypeError(`a ${config.role} has no phase ${state.phase}`)
  const peerName = phase.peerName(config, state)
  const peer = peerName ?? 'the peer'
  switch (event.on) {
    case 'message':
      try {
        return phase.message(config, state, event.message)
      } catch (cause) {
        const reason = `the handshake with ${peer} failed within this node: ${cause}`
        return fail(new ConnectError('ERR_CONNECT_CLOSED', peerName, reason, { cause }))
      }
    case 'closed':
      // The carrier knows best where it has a reason of its own.
      return fail(event.error instanceof ConnectError ? event.error : phase.closed(config, state, event.error))
    case 'timeout': {
      const reason = `${peer} did not send ${phase.awaits} within ${event.ms} ms: it hangs, is overloaded, or is no node`
      return fail(new ConnectError('ERR_CONNECT_TIMEOUT', peerName, reason))
    }
    case 'too-long': {
      const { bytes, limit, hint } = event
      const what = `it announced a message of ${bytes} bytes where ${limit} are allowed`
      const reason = `${peer} does not speak the Erlang distribution protocol: ${hint ?? what}`
      return fail(new ConnectError('ERR_CONNECT_PROTOCOL', peerName, reason))
    }
  }
}

/** A phase of either table; the state's own `phase` picked it, which the type checker cannot follow. */
type AnyPhase = PhaseTable<DialConfig | AcceptConfig, HandshakeState>
