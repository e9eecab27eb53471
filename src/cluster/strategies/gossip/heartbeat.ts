import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { splitNodeName } from '../../../base/node-name.ts'
import { atom, decode, encode, isAtom, type Term } from '../../../term/index.ts'

/** How heartbeats look on the wire. */
export interface HeartbeatFormat {
  /** The packet that says that a node is there. */
  write(name: string): Buffer
  /** The name in a packet; undefined when it is none of this format, whatever it is. */
  read(packet: Buffer): string | undefined
}

/** Longest packet that is looked at, in bytes: one of libcluster with the longest name has 1,100. */
export const MAX_PACKET = 2048

const PRELUDE = Buffer.from('heartbeat::')
const NODE = atom('node')
/** The map may have more than libcluster puts into it, but not much. */
const LIMITS = { termDepth: 8, termCount: 256, inflatedBytes: MAX_PACKET } as const

/**
 * libcluster's: `heartbeat::` and `term_to_binary(#{node => Name})`. Other keys of the map are nobody's concern, as there.
 * Source: libcluster, `lib/strategy/gossip.ex`.
 */
export const plainFormat: HeartbeatFormat = {
  write: (name) => Buffer.concat([PRELUDE, encode({ node: atom(name) })]),
  read(packet) {
    if (!packet.subarray(0, PRELUDE.length).equals(PRELUDE)) return undefined
    let term: Term
    try {
      term = decode(packet.subarray(PRELUDE.length), { maps: 'map', binaries: 'bytes', limits: LIMITS })
    } catch {
      return undefined
    }
    const node = term instanceof Map ? (term.get(NODE) as Term) : undefined
    return isAtom(node) && splitNodeName(node.name) !== undefined ? node.name : undefined
  },
}

const IV_BYTES = 16

/**
 * libcluster's with a `secret`: 16 random bytes, then the plain packet in AES-256-CBC under the secret's SHA-256. Without a
 * signature: what decrypts to a heartbeat counts as one, also when it was recorded yesterday.
 */
export function encryptedFormat(secret: string, random: (bytes: number) => Buffer = randomBytes): HeartbeatFormat {
  const key = createHash('sha256').update(secret).digest()
  return {
    write(name) {
      const iv = random(IV_BYTES)
      const cipher = createCipheriv('aes-256-cbc', key, iv)
      return Buffer.concat([iv, cipher.update(plainFormat.write(name)), cipher.final()])
    },
    read(packet) {
      if (packet.length < 2 * IV_BYTES || packet.length % IV_BYTES !== 0) return undefined
      const decipher = createDecipheriv('aes-256-cbc', key, packet.subarray(0, IV_BYTES))
      try {
        return plainFormat.read(Buffer.concat([decipher.update(packet.subarray(IV_BYTES)), decipher.final()]))
      } catch {
        return undefined
      }
    },
  }
}
