import type { Traffic } from './links.ts'

export type Runtime = 'typescript' | 'erlang' | 'elixir' | 'gleam' | 'unknown'

export interface NodesView {
  /** This node first, then by name. At most 500. */
  readonly nodes: readonly NodeView[]
  /** How many there are in all. */
  readonly total: number
}

/** What is known of a node. */
export interface NodeView {
  readonly name: string
  /** It is the one that shows. */
  readonly self: boolean
  /**
   * `connected`: there is a link from here. `remote`: up, as others say, without a link from here. `connecting`: wanted, and
   * being dialled or waiting for the next dial. `down`: nobody has a link to it. `barred`: disconnected by hand.
   */
  readonly state: 'self' | 'connected' | 'remote' | 'connecting' | 'barred' | 'down'
  /** Since when it has been in this state. */
  readonly since: number
  readonly runtime: Runtime
  /** Of the runtime: `0.1.0` of this package, `1.17.3` of Elixir, `27` of OTP. */
  readonly version: string | null
  /** All versions that are known, by name: `tsunagi`, `node`, `v8`, `openssl`, `otp`, `erts`, `elixir`. */
  readonly versions: Readonly<Record<string, string>>
  readonly visibility: 'visible' | 'hidden' | null
  readonly answer: NodeAnswer
  /** When it was started. */
  readonly startedAt: number | null
  /** Tells two incarnations of one name apart. */
  readonly creation: number | null
  /** The event loop of a TypeScript node. */
  readonly eventLoop: EventLoop | null
  readonly memory: NodeMemory | null
  /** Processor time used, of one processor: 1.5 is one and a half. */
  readonly cpu: number | null
  readonly processes: {
    /** Processes that live. */
    readonly count: number
    /** Registered names. */
    readonly names: number
    /** Messages in all mailboxes; null on BEAM nodes. */
    readonly mailbox: number | null
    /** BEAM: processes that are ready to run. */
    readonly runQueue: number | null
  } | null
  readonly os: {
    readonly host: string
    readonly platform: string
    readonly release: string
    readonly arch: string
    readonly cpus: number
    readonly pid: number
  } | null
  /** Where it listens; empty for a node that only dials, null where it is not known. */
  readonly listening: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[] | null
  /** Whether it serves the EPMD of its host. */
  readonly servesEpmd: boolean | null
  /** Certificates it uses for links, its own and those its peers have shown. */
  readonly certificates: readonly CertificateView[]
  /** Nodes that have a link to it. */
  readonly seenBy: readonly string[]
  /** Of all its links together, by its own count; null where it does not tell. */
  readonly traffic: Traffic | null
  /** Whether it lets this node act upon it: topologies, connect and disconnect. */
  readonly actions: boolean
}

/** How it answers what this node asks it. */
export interface NodeAnswer {
  /**
   * `answers`. `waiting`: not asked yet, or no answer yet. `late`: the last answers did not come in time. `refused`: it does
   * not tell (`observable: false`), or does not let itself be asked. `invalid`: what it answered is no report. `none`: there
   * is no link to ask it by.
   */
  readonly state: 'answers' | 'waiting' | 'late' | 'refused' | 'invalid' | 'none'
  /** When it last answered. */
  readonly at: number | null
  /** Why not, in words. */
  readonly reason: string | null
}

export interface EventLoop {
  /** Delay of its timers, in milliseconds, over the last seconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Share of the time it was busy. */
  readonly utilisation: number
}

/** Bytes. */
export interface NodeMemory {
  /** What the system counts for the process (TypeScript), or what the emulator has allocated in all (BEAM). */
  readonly total: number
  /** TypeScript: the heap of V8, and what is outside of it. */
  readonly heapUsed: number | null
  readonly heapTotal: number | null
  readonly external: number | null
  /** BEAM: `erlang:memory/0`. */
  readonly processes: number | null
  readonly binary: number | null
  readonly ets: number | null
  readonly atom: number | null
  readonly code: number | null
}

export interface CertificateView {
  readonly subject: string
  readonly expires: number
  /** `own`, or the node that has shown it. */
  readonly of: string
}
