/**
 * What a node can do, as it tells its peer in the handshake.
 * Source: OTP `erts/emulator/beam/dist.h`; the value of MANDATORY_25_DIGEST in the protocol's documentation is wrong.
 */
export const DFLAG = Object.freeze({
  /** The node is visible: it takes part in `global` and shows up in `nodes()`. */
  PUBLISHED: 1n << 0n,
  /** The atom cache of before OTP R13. Obsolete. */
  ATOM_CACHE: 1n << 1n,
  /** References of several words. */
  EXTENDED_REFERENCES: 1n << 2n,
  /** Monitors of processes (MONITOR_P and its kin). */
  DIST_MONITOR: 1n << 3n,
  /** Funs have a tag of their own. */
  FUN_TAGS: 1n << 4n,
  /** Monitors of registered names. */
  DIST_MONITOR_NAME: 1n << 5n,
  /** The atom cache of before OTP R13 towards hidden nodes. Obsolete. */
  HIDDEN_ATOM_CACHE: 1n << 6n,
  /** NEW_FUN_EXT. */
  NEW_FUN_TAGS: 1n << 7n,
  /** Pids and ports with more than 15 bits of number. */
  EXTENDED_PIDS_PORTS: 1n << 8n,
  /** EXPORT_EXT: `fun m:f/a`. */
  EXPORT_PTR_TAG: 1n << 9n,
  /** BIT_BINARY_EXT: binaries that end within a byte. */
  BIT_BINARIES: 1n << 10n,
  /** NEW_FLOAT_EXT: floats as IEEE 754. */
  NEW_FLOATS: 1n << 11n,
  /** The io server understands Unicode. */
  UNICODE_IO: 1n << 12n,
  /** Messages have a distribution header with an atom cache. */
  DIST_HDR_ATOM_CACHE: 1n << 13n,
  /** SMALL_ATOM_EXT and SMALL_ATOM_UTF8_EXT. */
  SMALL_ATOM_TAGS: 1n << 14n,
  /** Internal to OTP; never on the wire. */
  INTERNAL_15: 1n << 15n,
  /** ATOM_UTF8_EXT and SMALL_ATOM_UTF8_EXT. */
  UTF8_ATOMS: 1n << 16n,
  /** MAP_EXT. */
  MAP_TAG: 1n << 17n,
  /** Creations of 32 bits: NEW_PID_EXT, NEW_PORT_EXT, NEWER_REFERENCE_EXT. */
  BIG_CREATION: 1n << 18n,
  /** SEND_SENDER: a message tells who sent it. */
  SEND_SENDER: 1n << 19n,
  /** Any term as sequential trace label. */
  BIG_SEQTRACE_LABELS: 1n << 20n,
  /** Internal to OTP; never on the wire. */
  PENDING_CONNECT: 1n << 21n,
  /** Exit reasons travel as payload (PAYLOAD_EXIT and its kin). */
  EXIT_PAYLOAD: 1n << 22n,
  /** Large messages may come in fragments. */
  FRAGMENTS: 1n << 23n,
  /** The handshake of version 6, with its `N` messages. */
  HANDSHAKE_23: 1n << 24n,
  /** UNLINK_ID and UNLINK_ID_ACK in place of UNLINK. */
  UNLINK_ID: 1n << 25n,
  /** Stands for every flag of {@link MANDATORY_25} within the lower 32 bits. */
  MANDATORY_25_DIGEST: 1n << 26n,
  /** SPAWN_REQUEST and SPAWN_REPLY. */
  SPAWN: 1n << 32n,
  /** A dialler asks for a name. */
  NAME_ME: 1n << 33n,
  /** Pids, ports and references as large as their tags allow. */
  V4_NC: 1n << 34n,
  /** Process aliases: ALIAS_SEND. */
  ALIAS: 1n << 35n,
  /** LOCAL_EXT. Internal to OTP 26 and later; never on the wire. */
  LOCAL_EXT: 1n << 36n,
  /** ALTACT_SIG_SEND (OTP 28). */
  ALTACT_SIG: 1n << 37n,
  /** Native records, tag 67 (OTP 29). */
  NATIVE_RECORDS: 1n << 38n,
})

/** What a peer must be able to do to connect to OTP 25: `0x1070F94`. This package asks no less of its peers. */
export const MANDATORY_25: bigint =
  DFLAG.EXTENDED_REFERENCES |
  DFLAG.FUN_TAGS |
  DFLAG.EXTENDED_PIDS_PORTS |
  DFLAG.UTF8_ATOMS |
  DFLAG.NEW_FUN_TAGS |
  DFLAG.BIG_CREATION |
  DFLAG.NEW_FLOATS |
  DFLAG.MAP_TAG |
  DFLAG.EXPORT_PTR_TAG |
  DFLAG.BIT_BINARIES |
  DFLAG.HANDSHAKE_23

/** What a peer must be able to do to connect to OTP 26 and later: `0x403070F94`. */
export const MANDATORY_26: bigint = MANDATORY_25 | DFLAG.V4_NC | DFLAG.UNLINK_ID

/** What this package can do; the same set OTP 29 announces, apart from PUBLISHED. */
const SUPPORTED: bigint =
  MANDATORY_26 |
  DFLAG.MANDATORY_25_DIGEST |
  DFLAG.DIST_MONITOR |
  DFLAG.DIST_MONITOR_NAME |
  DFLAG.UNICODE_IO |
  DFLAG.DIST_HDR_ATOM_CACHE |
  DFLAG.SMALL_ATOM_TAGS |
  DFLAG.SEND_SENDER |
  DFLAG.BIG_SEQTRACE_LABELS |
  DFLAG.EXIT_PAYLOAD |
  DFLAG.FRAGMENTS |
  DFLAG.SPAWN |
  DFLAG.ALIAS |
  DFLAG.ALTACT_SIG |
  DFLAG.NATIVE_RECORDS

/** Options of {@link ourFlags}. */
export interface OurFlagsOptions {
  /** Leave PUBLISHED out. Default true. */
  readonly hidden?: boolean
  /** Flags to leave out, to be like an older node. Default none. */
  readonly without?: bigint
}

/** The flags this node announces. LOCAL_EXT never is; NAME_ME is added by a handshake that asks for a name. */
export function ourFlags(options: OurFlagsOptions = {}): bigint {
  const visible = options.hidden === false ? DFLAG.PUBLISHED : 0n
  return (SUPPORTED | visible) & ~(options.without ?? 0n)
}

/** Puts the flags that MANDATORY_25_DIGEST stands for beside it. */
export function expandDigest(flags: bigint): bigint {
  return (flags & DFLAG.MANDATORY_25_DIGEST) === 0n ? flags : flags | MANDATORY_25
}

/** The names of the set bits, lowest first; bits without a name as `bit 40`. */
export function flagNames(flags: bigint): string[] {
  const names: string[] = []
  for (let bit = 0n; flags >> bit !== 0n; bit++) {
    if (((flags >> bit) & 1n) === 1n) names.push(NAME_OF_BIT.get(1n << bit) ?? `bit ${bit}`)
  }
  return names
}

const NAME_OF_BIT: ReadonlyMap<bigint, string> = new Map(Object.entries(DFLAG).map(([name, flag]) => [flag, name]))
