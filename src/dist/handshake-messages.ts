import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { splitNodeName } from '../base/node-name.ts'
import { DFLAG } from './flags.ts'

/*
 * The messages of the handshake, without the length in front, which belongs to the carrier (u16 on TCP, u32 on TLS).
 * Source: "Distribution Handshake" in OTP's `erl_dist_protocol`, and `dist_util.erl`. Integers are big-endian.
 *
 *   send_name        A→B  'N' flags:u64 creation:u32 nlen:u16 name:nlen any*      version 6
 *                         'n' version:u16 flags:u32 name                          version 5
 *   status           B→A  's' ( "ok" | "ok_simultaneous" | "nok" | "not_allowed" | "alive"
 *                             | "named:" nlen:u16 name:nlen creation:u32 any* )
 *   status answer    A→B  's' ( "true" | "false" )                                only after "alive"
 *   challenge        B→A  'N' flags:u64 challenge:u32 creation:u32 nlen:u16 name:nlen any*
 *                         'n' version:u16 flags:u32 challenge:u32 name
 *   complement       A→B  'c' flags-high:u32 creation:u32                         only if A sent 'n' and B 'N'
 *   challenge_reply  A→B  'r' challenge:u32 digest:16
 *   challenge_ack    B→A  'a' digest:16
 *
 * Names are ISO 8859-1, as `dist_util.erl` sends them, but UTF-8 within "named:".
 */

/** Version 6 came with OTP 23; 25 to 29 send nothing else. */
export type HandshakeVersion = 5 | 6

/** The first message: who dials. */
export interface SendName {
  readonly version: HandshakeVersion
  /** Version 5 has only the lower 32 bits; the rest comes in the complement. */
  readonly flags: bigint
  /** Undefined in version 5. */
  readonly creation: number | undefined
  /** The dialler's whole name; only its host if the flags ask for a name (NAME_ME). */
  readonly name: string
}

/** The acceptor's answer to {@link SendName}. */
export type Status =
  | { readonly status: 'ok' | 'ok_simultaneous' | 'nok' | 'not_allowed' | 'alive' }
  | { readonly status: 'named'; readonly name: string; readonly creation: number }

/** The acceptor's name and its challenge. */
export interface Challenge extends SendName {
  readonly challenge: number
}

/** What a dialler that began with version 5 still owes. */
export interface Complement {
  /** Bits 32 to 63, in their place. */
  readonly flags: bigint
  readonly creation: number
}

/** The dialler's answer to the challenge, with a challenge of its own. */
export interface ChallengeReply {
  readonly challenge: number
  readonly digest: Uint8Array
}

/** A message that is not what the grammar allows. `detail` says so in words, without the peer's bytes. */
export interface Malformed {
  readonly malformed: true
  readonly detail: string
}

const VERSION_5 = 5
const LOWER_32 = 0xffff_ffffn
const DIGEST_BYTES = 16

export function encodeSendName({ version, flags, creation, name }: SendName): Uint8Array {
  const bytes = nameBytes(name)
  if (version === 5) {
    const message = Buffer.alloc(7 + bytes.length)
    message.write('n', 0, 'latin1')
    message.writeUInt16BE(VERSION_5, 1)
    message.writeUInt32BE(Number(flags & LOWER_32), 3)
    message.set(bytes, 7)
    return message
  }
  const message = Buffer.alloc(15 + bytes.length)
  message.write('N', 0, 'latin1')
  message.writeBigUInt64BE(flags, 1)
  message.writeUInt32BE(creation ?? 0, 9)
  message.writeUInt16BE(bytes.length, 13)
  message.set(bytes, 15)
  return message
}

export function decodeSendName(bytes: Uint8Array): SendName | Malformed {
  const message = view(bytes)
  switch (message[0]) {
    case 0x4e: {
      if (message.length < 15) return malformed('a name message that is too short')
      const flags = message.readBigUInt64BE(1)
      const name = nameWithin(message, 13, (flags & DFLAG.NAME_ME) !== 0n)
      if (typeof name !== 'string') return name
      return { version: 6, flags, creation: message.readUInt32BE(9), name }
    }
    case 0x6e: {
      if (message.length < 8) return malformed('a name message that is too short')
      const name = checkedName(message.toString('latin1', 7), false)
      if (typeof name !== 'string') return name
      return { version: 5, flags: BigInt(message.readUInt32BE(3)), creation: undefined, name }
    }
    default:
      return unexpected(message, 'its name')
  }
}

export function encodeStatus(status: Status): Uint8Array {
  if (status.status !== 'named') return Buffer.from(`s${status.status}`, 'latin1')
  const name = Buffer.from(status.name, 'utf8')
  const message = Buffer.alloc(9 + name.length + 4)
  message.write('snamed:', 0, 'latin1')
  message.writeUInt16BE(name.length, 7)
  message.set(name, 9)
  message.writeUInt32BE(status.creation, 9 + name.length)
  return message
}

export function decodeStatus(bytes: Uint8Array): Status | Malformed {
  const message = view(bytes)
  if (message[0] !== 0x73) return unexpected(message, 'a status')
  const text = message.toString('latin1', 1)
  switch (text) {
    case 'ok':
    case 'ok_simultaneous':
    case 'nok':
    case 'not_allowed':
    case 'alive':
      return { status: text }
  }
  if (!text.startsWith('named:')) return malformed('a status nobody knows')
  if (message.length < 9) return malformed('a name for us that is too short')
  const end = 9 + message.readUInt16BE(7)
  if (message.length < end + 4) return malformed('a name for us that is too short')
  const name = checkedName(message.toString('utf8', 9, end), false)
  if (typeof name !== 'string') return name
  return { status: 'named', name, creation: message.readUInt32BE(end) }
}

/** The answer to `alive`: true goes on, false gives up. */
export function encodeStatusAnswer(goOn: boolean): Uint8Array {
  return Buffer.from(goOn ? 'strue' : 'sfalse', 'latin1')
}

export function decodeStatusAnswer(bytes: Uint8Array): { readonly goOn: boolean } | Malformed {
  const message = view(bytes)
  if (message[0] !== 0x73) return unexpected(message, 'its answer to "alive"')
  switch (message.toString('latin1', 1)) {
    case 'true':
      return { goOn: true }
    case 'false':
      return { goOn: false }
    default:
      return malformed('an answer to "alive" that is neither true nor false')
  }
}

export function encodeChallenge({ version, flags, challenge, creation, name }: Challenge): Uint8Array {
  const bytes = nameBytes(name)
  if (version === 5) {
    const message = Buffer.alloc(11 + bytes.length)
    message.write('n', 0, 'latin1')
    message.writeUInt16BE(VERSION_5, 1)
    message.writeUInt32BE(Number(flags & LOWER_32), 3)
    message.writeUInt32BE(challenge, 7)
    message.set(bytes, 11)
    return message
  }
  const message = Buffer.alloc(19 + bytes.length)
  message.write('N', 0, 'latin1')
  message.writeBigUInt64BE(flags, 1)
  message.writeUInt32BE(challenge, 9)
  message.writeUInt32BE(creation ?? 0, 13)
  message.writeUInt16BE(bytes.length, 17)
  message.set(bytes, 19)
  return message
}

export function decodeChallenge(bytes: Uint8Array): Challenge | Malformed {
  const message = view(bytes)
  switch (message[0]) {
    case 0x4e: {
      if (message.length < 19) return malformed('a challenge that is too short')
      const name = nameWithin(message, 17, false)
      if (typeof name !== 'string') return name
      const flags = message.readBigUInt64BE(1)
      return { version: 6, flags, challenge: message.readUInt32BE(9), creation: message.readUInt32BE(13), name }
    }
    case 0x6e: {
      if (message.length < 12) return malformed('a challenge that is too short')
      const name = checkedName(message.toString('latin1', 11), false)
      if (typeof name !== 'string') return name
      const flags = BigInt(message.readUInt32BE(3))
      return { version: 5, flags, challenge: message.readUInt32BE(7), creation: undefined, name }
    }
    default:
      return unexpected(message, 'a challenge')
  }
}

export function encodeComplement({ flags, creation }: Complement): Uint8Array {
  const message = Buffer.alloc(9)
  message.write('c', 0, 'latin1')
  message.writeUInt32BE(Number(flags >> 32n), 1)
  message.writeUInt32BE(creation, 5)
  return message
}

export function decodeComplement(bytes: Uint8Array): Complement | Malformed {
  const message = view(bytes)
  if (message[0] !== 0x63) return unexpected(message, 'the rest of its flags')
  if (message.length !== 9) return malformed('a complement of the wrong length')
  return { flags: BigInt(message.readUInt32BE(1)) << 32n, creation: message.readUInt32BE(5) }
}

export function encodeChallengeReply({ challenge, digest }: ChallengeReply): Uint8Array {
  const message = Buffer.alloc(5 + DIGEST_BYTES)
  message.write('r', 0, 'latin1')
  message.writeUInt32BE(challenge, 1)
  message.set(digest, 5)
  return message
}

export function decodeChallengeReply(bytes: Uint8Array): ChallengeReply | Malformed {
  const message = view(bytes)
  if (message[0] !== 0x72) return unexpected(message, 'its answer to our challenge')
  if (message.length !== 5 + DIGEST_BYTES) return malformed('an answer to our challenge of the wrong length')
  return { challenge: message.readUInt32BE(1), digest: message.subarray(5) }
}

export function encodeChallengeAck(digest: Uint8Array): Uint8Array {
  const message = Buffer.alloc(1 + DIGEST_BYTES)
  message.write('a', 0, 'latin1')
  message.set(digest, 1)
  return message
}

export function decodeChallengeAck(bytes: Uint8Array): { readonly digest: Uint8Array } | Malformed {
  const message = view(bytes)
  if (message[0] !== 0x61) return unexpected(message, 'its answer to our challenge')
  if (message.length !== 1 + DIGEST_BYTES) return malformed('an answer to our challenge of the wrong length')
  return { digest: message.subarray(1) }
}

/** What proves that one knows the cookie: MD5 of the cookie and the challenge received, in decimal. */
export function digest(cookie: string, challenge: number): Uint8Array {
  return createHash('md5').update(cookieBytes(cookie)).update(String(challenge)).digest()
}

/** Compares two digests in a time that does not depend on where they differ. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A challenge nobody can foresee, u32. */
export function randomChallenge(): number {
  return randomBytes(4).readUInt32BE(0)
}

/** Cookies are atoms: OTP feeds their ISO 8859-1 bytes to MD5, and cannot use others. */
function cookieBytes(cookie: string): Uint8Array {
  return Buffer.from(cookie, isLatin1(cookie) ? 'latin1' : 'utf8')
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, isLatin1(name) ? 'latin1' : 'utf8')
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false
  return true
}

/** Reads `nlen:u16 name:nlen` at `at`; what follows is for future versions and ignored. */
function nameWithin(message: Buffer, at: number, hostOnly: boolean): string | Malformed {
  const end = at + 2 + message.readUInt16BE(at)
  if (end > message.length) return malformed('a name longer than its message')
  return checkedName(message.toString('latin1', at + 2, end), hostOnly)
}

function checkedName(name: string, hostOnly: boolean): string | Malformed {
  const valid = splitNodeName(hostOnly ? `x@${name}` : name) !== undefined
  // Control characters have no place in a name, and names come to be printed in logs.
  return valid && !/\p{Cc}/u.test(name) ? name : malformed(hostOnly ? 'an invalid host' : 'an invalid node name')
}

function unexpected(message: Buffer, expected: string): Malformed {
  if (message.length === 0) return malformed(`an empty message instead of ${expected}`)
  return malformed(`a message with tag ${message[0]} instead of ${expected}`)
}

function malformed(detail: string): Malformed {
  return { malformed: true, detail }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
