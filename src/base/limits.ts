/**
 * Every bound on what a peer can make this process spend, in one place. `docs/limits.md` explains each. All are
 * options of `startNode({ limits })`; sizes are bytes, times milliseconds.
 */
export interface Limits {
  /** Longest frame accepted from an established link. Larger messages arrive as fragments. Default 128 MiB. */
  readonly frameBytes: number
  /** Longest message accepted in the handshake. Default 4 KiB. */
  readonly handshakeBytes: number
  /** How deep a decoded term may nest. Default 2,000. */
  readonly termDepth: number
  /** How many terms one message may hold in all. Default 16 million. */
  readonly termCount: number
  /** Largest size a compressed term may unpack to. Default 64 MiB. */
  readonly inflatedBytes: number
  /** Largest message put together from fragments. Default 256 MiB. */
  readonly fragmentedBytes: number
  /** How many fragmented messages one link may have unfinished. Default 256. */
  readonly fragmentSequences: number
  /** How many handshakes may be unfinished on the listener at once. Default 128. */
  readonly pendingHandshakes: number
  /**
   * Handshakes that may fail from one address (for IPv6 one /64) within a minute; after that connections from there are closed
   * at once, until the next one may fail again. Default 100.
   */
  readonly failedHandshakes: number
  /** Messages a mailbox holds before it overflows. Default 1 million. */
  readonly mailboxMessages: number
  /** Bytes (as they came over the wire) a mailbox holds before it overflows. Default 256 MiB. */
  readonly mailboxBytes: number
  /** Links and monitors the processes of one peer may have on those of this node. Default 1 million. */
  readonly peerTies: number
  /** Queued bytes on a link above which `send` answers false. Default 1 MiB. */
  readonly linkHighWater: number
  /** Queued bytes on a link above which `send` throws `ERR_LINK_FULL`. Default 256 MiB. */
  readonly linkMax: number
  /** Exposed functions that run for one peer at once. Default 10,000. */
  readonly spawnedPerPeer: number
  /** Messages held for a node that is being dialled. Default 10,000. */
  readonly dialQueue: number
  /** Nodes one topology takes from one answer of its strategy. Default 10,000. */
  readonly topologyNames: number
  /** Connections an embedded EPMD holds open at once. Default 1,000. */
  readonly epmdConnections: number
  /** Atoms this node introduces to one BEAM peer through the keys of plain objects. Default 10,000. */
  readonly keyAtoms: number
  /** Atoms this node introduces to one BEAM peer in all. Default 100,000. */
  readonly peerAtoms: number
  /** Global names and locks this node keeps. Default 1 million. */
  readonly globalEntries: number
  /** Memberships in process groups that one peer's scope can have here; a long group name counts for several. Default 1 million. */
  readonly pgMembers: number
  /** Longest source of a distributed function, in UTF-8. Default 256 KiB. */
  readonly functionBytes: number
  /** Writes of one node that the loader of a store has ordered and not carried out yet. Default 250,000. */
  readonly storeRequests: number
  /** Bytes of their keys and values. Default 256 MiB. */
  readonly storeRequestBytes: number
  /** Leases on keys of a store that one node holds, or waits for, at the loader. Default 100,000. */
  readonly storeLeases: number
}

const KiB = 1024
const MiB = 1024 * KiB

export const defaultLimits: Limits = Object.freeze({
  frameBytes: 128 * MiB,
  handshakeBytes: 4 * KiB,
  termDepth: 2_000,
  termCount: 16_000_000,
  inflatedBytes: 64 * MiB,
  fragmentedBytes: 256 * MiB,
  fragmentSequences: 256,
  pendingHandshakes: 128,
  failedHandshakes: 100,
  mailboxMessages: 1_000_000,
  mailboxBytes: 256 * MiB,
  peerTies: 1_000_000,
  linkHighWater: MiB,
  linkMax: 256 * MiB,
  spawnedPerPeer: 10_000,
  dialQueue: 10_000,
  topologyNames: 10_000,
  epmdConnections: 1_000,
  keyAtoms: 10_000,
  peerAtoms: 100_000,
  globalEntries: 1_000_000,
  pgMembers: 1_000_000,
  functionBytes: 256 * KiB,
  storeRequests: 250_000,
  storeRequestBytes: 256 * MiB,
  storeLeases: 100_000,
})
