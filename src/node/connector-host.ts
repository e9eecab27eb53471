import type { Clock } from '../base/clock.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import type { Connector } from './connector.ts'
import type { Dialled } from './dial.ts'
import type { DialGate } from './dial-gate.ts'

/** What a connector needs of its node. */
export interface ConnectorHost {
  readonly clock: Clock
  /** Dials wait there for their turn. */
  readonly gate: DialGate
  /** Signals held for one peer while it is dialled. */
  readonly dialQueue: number
  /** Milliseconds to wait for a peer that dials us, when its dial won over ours. */
  readonly patience: number
  /** Why the peer may not be dialled at all. */
  refusal(connector: Connector): ConnectError | undefined
  /** Dials. Rejects with the signal's reason when that aborts. */
  dial(connector: Connector, signal: AbortSignal): Promise<Dialled>
  /** Makes a link of a connection and opens it when the connector has taken it. */
  createLink(dialled: Dialled, connector: Connector): Link
  onUp(connector: Connector, link: Link): void
  onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void
  /** A dial failed; `dropped` signals waited for it. */
  onFailed(connector: Connector, error: ConnectError, dropped: number): void
  /** A signal that had waited could not be sent after all. */
  onUnsent(connector: Connector, error: unknown): void
  /** Nobody needs this connector any more. */
  onIdle(connector: Connector): void
}
