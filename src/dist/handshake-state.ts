import type { ConnectError } from './connect-error.ts'
import type { HandshakeVersion } from './handshake-messages.ts'

/*
 * The types of the handshake's state machine. It is pure: (state, event) → (state, actions). It knows neither carrier nor
 * clock; its only sources of surprise are the functions in its configuration.
 *
 *   dialler                                      acceptor
 *   ── send_name ─────────────────────────────→  await-name
 *   await-status      ←──────────────── status ──
 *   ── true, after "alive" ───────────────────→  await-alive-answer
 *   await-challenge   ←───────────── challenge ──
 *   ── complement, if it began with version 5 →  await-complement
 *   ── challenge_reply ───────────────────────→  await-reply
 *   await-ack         ←───────── challenge_ack ──
 */

/** A node's name and its incarnation. */
export interface Identity {
  readonly name: string
  /** u32, at least 4. */
  readonly creation: number
}

interface CommonConfig {
  /** What we announce; see `ourFlags`. */
  readonly flags: bigint
  /** What a peer must be able to do. Default `MANDATORY_25`. */
  readonly required?: bigint
  /** The cookie we share with a peer. Used both ways, as OTP does. */
  readonly cookieFor: (peerName: string) => string
  /** Where challenges come from. Default: `node:crypto`. */
  readonly challenge?: () => number
  /** Why the peer may not have this name, as its connection shows; undefined: nothing speaks against it. Default: nothing does. */
  readonly refuses?: (peerName: string) => ConnectError | undefined
}

/** How to dial. */
export interface DialConfig extends CommonConfig {
  readonly role: 'dialler'
  /** Who we are, or only our host: then the peer gives us a name (OTP's dynamic node names). */
  readonly own: Identity | { readonly host: string }
  /** Whom we dial. */
  readonly peerName: string
  /** The version to begin with. Default 6. Only OTP 22 and older need 5. */
  readonly version?: HandshakeVersion
  /** Asked when the peer says it still has a link to us: whether we do want a new one. Default: yes. */
  readonly stillWanted?: () => boolean
}

/** How to answer. */
export interface AcceptConfig extends CommonConfig {
  readonly role: 'acceptor'
  readonly own: Identity
  /**
   * What becomes of a connect by `peerName`; see {@link Decision}. Called once per handshake, before the cookie is known
   * to be right: it may note that the peer is on its way, but must not give up a working link.
   */
  readonly decide: (peerName: string, peer: Claim) => Decision
  /** Makes up a name for a dialler that has none; undefined refuses it. Takes the place of `decide`. Default: refuse. */
  readonly nameFor?: (host: string) => Identity | undefined
}

/** What a dialler says of itself, not yet proven. */
export interface Claim {
  /** Its flags, of which version 5 has sent only the lower 32 bits. */
  readonly flags: bigint
  /** Undefined when it began with version 5. */
  readonly creation: number | undefined
  readonly hidden: boolean
}

/**
 * An acceptor's answer to a connect.
 *
 * - `ok`: nothing stands against it.
 * - `ok_simultaneous`: we were dialling it too and have given that up.
 * - `nok`: we are dialling it and go on with that.
 * - `alive`: we still have a link to it; it may go on and replaces the link once its cookie is proven.
 * - `busy`: a replacement of the link is already on its way; the connection is closed without an answer.
 * - `not_allowed`: it may not connect.
 */
export type Decision = 'ok' | 'ok_simultaneous' | 'nok' | 'alive' | 'busy' | 'not_allowed'

export type HandshakeConfig = DialConfig | AcceptConfig

/** The peer as far as it has told. */
export interface Peer {
  readonly name: string
  readonly flags: bigint
  readonly creation: number
}

/**
 * How an acceptor let a dialler in. `ok`: nothing stood against it. `ok_simultaneous`: it was dialling too, and has given
 * that up. `alive`: it still held a link to the dialler's name, which the new one replaces.
 */
export type Welcome = 'ok' | 'ok_simultaneous' | 'alive'

export type DiallerState =
  | { readonly phase: 'await-status' }
  | { readonly phase: 'await-challenge'; readonly own: Identity; readonly welcome: Welcome }
  | {
      readonly phase: 'await-ack'
      readonly own: Identity
      readonly welcome: Welcome
      readonly peer: Peer
      readonly challenge: number
    }

export type AcceptorState =
  | { readonly phase: 'await-name' }
  | { readonly phase: 'await-alive-answer'; readonly accepted: Accepted }
  | { readonly phase: 'await-complement'; readonly accepted: Accepted; readonly challenge: number }
  | { readonly phase: 'await-reply'; readonly accepted: Accepted; readonly challenge: number }

/** A dialler that may go on. */
export interface Accepted {
  readonly peer: Peer
  readonly version: HandshakeVersion
  /** What we announce to this one. */
  readonly ownFlags: bigint
  /** There is a link to it that this one is to replace. */
  readonly replaces: boolean
}

export type HandshakeState = DiallerState | AcceptorState | { readonly phase: 'over' }

export type HandshakeEvent =
  /** A whole message, without its length. */
  | { readonly on: 'message'; readonly message: Uint8Array }
  /** The timer ran out, which was set to so many milliseconds. */
  | { readonly on: 'timeout'; readonly ms: number }
  /** The connection ended, with an error or without. */
  | { readonly on: 'closed'; readonly error: Error | undefined }
  /** The peer announced a message longer than allowed. `hint` says what it may be instead of a node. */
  | { readonly on: 'too-long'; readonly bytes: number; readonly limit: number; readonly hint?: string | undefined }

export type HandshakeAction =
  | { readonly do: 'send'; readonly message: Uint8Array }
  /** The peer has made a step: the time allowed for the next one begins. */
  | { readonly do: 'restart-timer' }
  /** The peer has proven its cookie: end the old link to it now. The last `send` follows. */
  | { readonly do: 'replace'; readonly peerName: string }
  | { readonly do: 'done'; readonly result: HandshakeResult }
  /** Send what is queued and close. */
  | { readonly do: 'fail'; readonly error: ConnectError }

/** What both sides know after a complete handshake. */
export interface HandshakeResult {
  readonly role: 'dialler' | 'acceptor'
  /** The peer's whole name. */
  readonly peerName: string
  /** The peer's incarnation, u32; 0 when it did not tell (version 5). */
  readonly peerCreation: number
  /** What the peer announced, with MANDATORY_25_DIGEST expanded. */
  readonly peerFlags: bigint
  /** What both sides announced. It holds in both directions. */
  readonly flags: bigint
  /** Whether the peer is a hidden node: it did not announce PUBLISHED. */
  readonly hidden: boolean
  /** Our name, possibly one the peer gave us. */
  readonly ownName: string
  /** Our creation, possibly one the peer gave us. */
  readonly ownCreation: number
  /** How the peer let us in; undefined when it dialled. */
  readonly welcome?: Welcome
}

/** What follows from an event. */
export interface Step {
  readonly state: HandshakeState
  readonly actions: readonly HandshakeAction[]
}

/** How one phase reacts. `State` is the state of that phase. */
export interface PhaseTable<Config, State> {
  /** What the phase waits for, in words: "did not send `awaits`". */
  readonly awaits: string
  /** The peer's name, once it is known. */
  peerName(config: Config, state: State): string | undefined
  message(config: Config, state: State, message: Uint8Array): Step
  /** What it means that the peer closed the connection here. */
  closed(config: Config, state: State, cause: Error | undefined): ConnectError
}
