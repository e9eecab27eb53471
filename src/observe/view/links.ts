/** Rates, per second; `in` is towards the node that is spoken of. */
export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
}

export interface LinksView {
  /** By `from`, then `to`. At most 2,000; those of this node first. */
  readonly links: readonly LinkView[]
  readonly total: number
}

/** A link as one of its two ends has it. There are two of a connection, where both ends tell. */
export interface LinkView {
  /** The end that tells. */
  readonly from: string
  readonly to: string
  /**
   * `connected`. `connecting`: a dial is under way. `waiting`: for the next dial. `barred`: disconnected by hand. `idle`:
   * known, and nobody wants it dialled.
   */
  readonly state: 'connected' | 'connecting' | 'waiting' | 'barred' | 'idle'
  /** Since when it is up; null when it is not. */
  readonly upSince: number | null
  readonly nodeType: 'visible' | 'hidden' | null
  /** Who dialled; null where it is not known. */
  readonly dialledBy: string | null
  readonly address: string | null
  /** On whose behalf it is kept: `connectTo`, `mesh`, `topology:app`. At most 20. */
  readonly wantedBy: readonly string[]
  /** Per second, over the last interval; null where the end does not count, as BEAM nodes. */
  readonly traffic: Traffic | null
  /** Since it is up. */
  readonly totals: Traffic | null
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number | null
  /** Over its high-water mark: `send` answers false. */
  readonly full: boolean
  /** Of the last questions over this link, seen from `from`. */
  readonly rtt: Rtt | null
  /** How often it came up again after the first time. */
  readonly reconnects: number
  /** When the next dial is due. */
  readonly retryAt: number | null
  /** Why the last dial failed, or the last link was lost; null while nothing is wrong. */
  readonly error: LinkError | null
  readonly tls: LinkTls | null
}

export interface LinkError {
  /** `ERR_CONNECT_…`, or why a link was lost: `net_tick_timeout`. */
  readonly code: string
  readonly reason: string
  readonly at: number | null
}

/** What TLS says of a link. */
export interface LinkTls {
  readonly protocol: string
  readonly cipher: string | null
  /** The names in the peer's certificate; empty when it has shown none. */
  readonly names: readonly string[]
  readonly expires: number | null
}

/** Milliseconds for a question and its answer. */
export interface Rtt {
  readonly last: number
  readonly p50: number
  readonly p99: number
}

/** Who sees whom, by each node's own report. */
export interface MatrixView {
  /** Rows and columns; at most 100. */
  readonly nodes: readonly string[]
  /** One for each of `nodes`, in that order. */
  readonly rows: readonly MatrixRow[]
  /** Pairs of nodes, both of them up, that are not what they should be; at most 100. */
  readonly odd: readonly OddPair[]
  readonly total: number
}

export interface MatrixRow {
  readonly node: string
  /** Whether the node tells whom it sees. If not, its cells hold what others say of it. */
  readonly tells: boolean
  /** One for each of `nodes`; null on the diagonal. */
  readonly cells: readonly (MatrixCell | null)[]
}

export interface MatrixCell {
  /** Whether the node of the row has a link to that of the column; null: not known. */
  readonly sees: boolean | null
  /** It belongs to an {@link OddPair}. */
  readonly odd: boolean
  readonly rtt: Rtt | null
}

/** `asymmetric`: one says that there is a link, the other that there is none. `missing`: a mesh of which this link is missing. */
export interface OddPair {
  readonly kind: 'asymmetric' | 'missing'
  /** The one that does not see the other. */
  readonly from: string
  readonly to: string
  readonly since: number
}
