import type { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import type { ProcessSystem } from '../process/process-system.ts'
import type { Atom } from '../term/index.ts'
import type { Connector } from './connector.ts'
import type { ResolvedNodeOptions } from './node-options.ts'
import type { Peers } from './peers.ts'

/** What the services of a node have of it. */
export interface NodeHost {
  /** The node's name, final. */
  readonly self: Atom
  /** This incarnation of it. */
  readonly creation: number
  readonly options: ResolvedNodeOptions
  readonly peers: Peers
  readonly processes: ProcessSystem
}

/** A part of a node that follows its links: the mesh, pg, global. None of its methods throws. */
export interface NodeService {
  /** There is a link. Nothing that the peer sent was read yet. */
  up?(connector: Connector, link: Link): void
  /** A link is gone; monitors and links over it have fired. `error`: the connection or what came over it was at fault. */
  down?(peer: Atom, link: Link, reason: LinkDownReason, error: Error | undefined): void
  /** A dial failed. */
  failed?(connector: Connector, error: ConnectError): void
  /** The node closes; its processes still run, its links are still there. */
  close?(): Promise<void> | void
}
