import { isUtf8 } from 'node:buffer'

/**
 * What one NATS message carries. All numbers are big-endian.
 *
 * | bytes | |
 * |---|---|
 * | 1 | the format's version, 1 |
 * | 1 | kind: 0 messages, others of members (`members.ts`) |
 * | 1 | flags: 1 the topic is named, 2 the first of its sequence |
 * | 6 | sender: a random number of this start of the node's engine |
 * | 6 | sequence: the number of the first message among those of this sender to this subject |
 * | 1, n | the sender's node name, UTF-8 |
 * | 4, n | with flag 1: the topic, UTF-8 |
 * | (4, n)* | messages in the order they were sent, each in the External Term Format |
 */
export interface Packet {
  readonly kind: number
  readonly sender: number
  readonly sequence: number
  /** Nobody has missed anything before it: the sender has begun to count anew. */
  readonly first: boolean
  readonly node: string
  /** Undefined where the subject tells it. */
  readonly topic: string | undefined
  /** Where the messages begin. */
  readonly body: number
}

/** The first byte of every packet. */
const FORMAT = 1
/** Of a packet that carries messages. */
export const MESSAGES = 0
const TOPIC = 1
const FIRST = 2

/** Bytes before the sender's name, which begins with its length. */
const FIXED = 15
const KIND = 1
const FLAGS = 2
const SENDER = 3
const SEQUENCE = 9
/** Numbers of senders are below. */
export const SENDERS = 2 ** 48

/** A packet's header, with the topic where the subject does not tell it. It is not numbered yet. */
export function header(kind: number, sender: number, node: string, topic: string | undefined): Buffer {
  const parts = [Buffer.alloc(FIXED + 1), Buffer.from(node)]
  const [fixed, name] = parts as [Buffer, Buffer]
  fixed[0] = FORMAT
  fixed[KIND] = kind
  fixed[FLAGS] = topic === undefined ? 0 : TOPIC
  fixed.writeUIntBE(sender, SENDER, 6)
  fixed[FIXED] = name.length
  if (topic !== undefined) {
    const text = Buffer.from(topic)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    parts.push(length, text)
  }
  return Buffer.concat(parts)
}

/** Numbers a packet. */
export function stamp(packet: Buffer, sequence: number, first: boolean): void {
  packet.writeUIntBE(sequence, SEQUENCE, 6)
  if (first) packet[FLAGS] = (packet[FLAGS] as number) | FIRST
}

/** The header; undefined where it is none of ours. Whatever the bytes are, it does not throw. */
export function readPacket(bytes: Buffer): Packet | undefined {
  if (bytes.length <= FIXED || bytes[0] !== FORMAT) return undefined
  const flags = bytes[FLAGS] as number
  if (flags > (TOPIC | FIRST)) return undefined
  let at = FIXED + 1 + (bytes[FIXED] as number)
  const node = text(bytes, FIXED + 1, at)
  if (node === undefined) return undefined
  let topic: string | undefined
  if ((flags & TOPIC) !== 0) {
    if (at + 4 > bytes.length) return undefined
    const begin = at + 4
    at = begin + bytes.readUInt32BE(at)
    topic = text(bytes, begin, at)
    if (topic === undefined) return undefined
  }
  return {
    kind: bytes[KIND] as number,
    sender: bytes.readUIntBE(SENDER, 6),
    sequence: bytes.readUIntBE(SEQUENCE, 6),
    first: (flags & FIRST) !== 0,
    node,
    topic,
    body: at,
  }
}

/** How many entries follow; undefined where they do not end with the packet. */
export function countEntries(bytes: Buffer, body: number): number | undefined {
  let count = 0
  let at = body
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined
    at += 4 + bytes.readUInt32BE(at)
    count++
  }
  return at === bytes.length ? count : undefined
}

/** Calls `take` with each entry, of a packet whose entries were counted. */
export function eachEntry(bytes: Buffer, body: number, take: (entry: Buffer) => void): void {
  for (let at = body; at < bytes.length; ) {
    const begin = at + 4
    at = begin + bytes.readUInt32BE(at)
    take(bytes.subarray(begin, at))
  }
}

function text(bytes: Buffer, begin: number, end: number): string | undefined {
  if (end > bytes.length) return undefined
  const part = bytes.subarray(begin, end)
  return isUtf8(part) ? part.toString('utf8') : undefined
}
