/**
 * How nodes and EPMDs of this package know each other, in places real ones carry along without looking.
 *
 *     extra of ALIVE2_REQ and PORT2_RESP  =  "tsunagi" 1  hlen u16  host  data
 *     after ALIVE2_X_RESP, to a marked requester only  =  "tsunagi" 1
 *
 * The first tells any EPMD client that a node is ours, and our EPMD under which host the node wants to be found
 * (which ALIVE2_REQ itself does not say). The second tells our node that the EPMD is ours; OTP's client would take
 * bytes after the reply for garbage, so nobody gets them who did not show the first.
 */
const magic = Buffer.from('tsunagi\x01')

/** What a node of this package writes into `extra`. */
export interface NodeMark {
  /** The part of the node's name after the `@`. */
  readonly host: string
  /** Free bytes of the node. */
  readonly data: Uint8Array
}

export function encodeMark(mark: NodeMark): Uint8Array {
  const host = Buffer.from(mark.host)
  return Buffer.concat([magic, Uint8Array.of(host.length >> 8, host.length & 0xff), host, mark.data])
}

/** Reads the `extra` of a lookup; undefined when the node is not one of ours. */
export function decodeMark(extra: Uint8Array): NodeMark | undefined {
  const bytes = Buffer.from(extra.buffer, extra.byteOffset, extra.byteLength)
  if (!bytes.subarray(0, magic.length).equals(magic) || bytes.length < magic.length + 2) return undefined
  const start = magic.length + 2
  const end = start + bytes.readUInt16BE(magic.length)
  if (end > bytes.length) return undefined
  return { host: bytes.toString('utf8', start, end), data: new Uint8Array(extra.subarray(end)) }
}

/** What our EPMD sends after its answer to a marked node. */
export const serverMark: Uint8Array = magic
