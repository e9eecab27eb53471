import { createHash } from 'node:crypto'

/** Longer keys go by their digest: NATS refuses lines of more than 4,096 bytes by default. */
const LONGEST = 512

/**
 * A store's key as a key of JetStream KV, which takes `[-/_=.a-zA-Z0-9]`: one token, everything but letters, digits, `-` and
 * `_` as `=` with two hexadecimal digits per byte of UTF-8. A key that gets too long so is `==` and its SHA-256.
 */
export function bucketKey(key: string): string {
  const text = key.replace(/[^\w-]/gu, (character) => {
    return Array.from(Buffer.from(character), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join('')
  })
  return text.length <= LONGEST ? text : `==${createHash('sha256').update(key).digest('base64url')}`
}

/** The store's key; undefined for a digest, whose record has it, and for what `bucketKey` does not make. */
export function storeKey(text: string): string | undefined {
  if (text === '' || !/^(?:[\w-]|=[0-9a-f]{2})+$/.test(text)) return undefined
  const key = Buffer.from(text.replaceAll('=', '%').replace(/%([0-9a-f]{2})|./g, toByte), 'latin1').toString()
  return bucketKey(key) === text ? key : undefined
}

function toByte(match: string, hexadecimal: string | undefined): string {
  return hexadecimal === undefined ? match : String.fromCharCode(Number.parseInt(hexadecimal, 16))
}
