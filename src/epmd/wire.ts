/**
 * Every message of EPMD, the Erlang port mapper: bytes in, values out, no socket. Source: "EPMD Protocol" in OTP's
 * `erl_dist_protocol`, and `erts/epmd/src/epmd_srv.c` where that page is silent. All integers are big-endian.
 *
 * Requests are framed (u16 length, then the body, whose first byte is the tag). Replies are not: a reply ends where
 * its layout ends, or where the connection does.
 */

const ALIVE2_REQ = 120
const ALIVE2_X_RESP = 118
const ALIVE2_RESP = 121
const PORT_PLEASE2_REQ = 122
const PORT2_RESP = 119
const NAMES_REQ = 110
const DUMP_REQ = 100
const KILL_REQ = 107
const STOP_REQ = 115

/** Longest request body accepted: ALIVE2_REQ with the longest name (255 four-byte characters) and 3 KiB of extra. */
export const maxRequestBytes = 4096

/** What a node says about itself when it registers, and what a lookup returns. */
export interface NodeEntry {
  /** The part of the node's name before the `@`. */
  readonly name: string
  /** TCP port of the node's distribution listener. */
  readonly port: number
  /** 77 `M` normal, 72 `H` hidden. Informational only: OTP sends 77 for hidden nodes too, jinterface 110, libei 104. */
  readonly nodeType: number
  /** 0 = TCP. */
  readonly protocol: number
  /** Highest and lowest handshake version the node speaks. */
  readonly highVersion: number
  readonly lowVersion: number
  /** Free bytes, handed back unchanged by every EPMD. */
  readonly extra: Uint8Array
}

export type EpmdRequest =
  | { readonly type: 'alive2'; readonly entry: NodeEntry }
  | { readonly type: 'port-please2'; readonly name: string }
  | { readonly type: 'names' }
  | { readonly type: 'dump' }
  | { readonly type: 'kill' }
  | { readonly type: 'stop'; readonly name: string }

/** What came of reading a message: the value and the bytes it took, a need for more bytes, or a reason to give up. */
export type Decoded<T> =
  | { readonly status: 'done'; readonly value: T; readonly size: number }
  | { readonly status: 'more' }
  | { readonly status: 'bad'; readonly reason: string }

const more = { status: 'more' } as const
const bad = (reason: string) => ({ status: 'bad', reason }) as const
const done = <T>(value: T, size: number) => ({ status: 'done', value, size }) as const

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// --- Requests -----------------------------------------------------------------------------------------------------

export function encodeRequest(request: EpmdRequest): Uint8Array {
  switch (request.type) {
    case 'alive2':
      return frame(ALIVE2_REQ, encodeEntry(request.entry))
    case 'port-please2':
      return frame(PORT_PLEASE2_REQ, Buffer.from(request.name))
    case 'names':
      return frame(NAMES_REQ)
    case 'dump':
      return frame(DUMP_REQ)
    case 'kill':
      return frame(KILL_REQ)
    case 'stop':
      return frame(STOP_REQ, Buffer.from(request.name))
  }
}

/**
 * Reads one request body (what follows the u16 length).
 *
 *     ALIVE2_REQ        120  entry         register; the connection stays open, its end unregisters
 *     PORT_PLEASE2_REQ  122  name          (rest of the body, a trailing NUL is tolerated)
 *     NAMES_REQ         110
 *     DUMP_REQ          100
 *     KILL_REQ          107
 *     STOP_REQ          115  name          (as above)
 */
export function decodeRequest(body: Uint8Array): Decoded<EpmdRequest> {
  const rest = body.subarray(1)
  switch (body[0]) {
    case ALIVE2_REQ: {
      const entry = decodeEntry(rest)
      if (entry.status === 'more') return bad('ALIVE2_REQ is shorter than its fields say')
      if (entry.status === 'bad') return entry
      return done({ type: 'alive2', entry: entry.value }, body.length)
    }
    case PORT_PLEASE2_REQ:
    case STOP_REQ: {
      const name = decodeName(rest.at(-1) === 0 ? rest.subarray(0, -1) : rest)
      if (name === undefined) return bad('a name that is not UTF-8 or too long')
      return done({ type: body[0] === STOP_REQ ? 'stop' : 'port-please2', name }, body.length)
    }
    case NAMES_REQ:
      return done({ type: 'names' }, body.length)
    case DUMP_REQ:
      return done({ type: 'dump' }, body.length)
    case KILL_REQ:
      return done({ type: 'kill' }, body.length)
    default:
      return bad(`unknown request ${body[0]}`)
  }
}

// --- Replies ------------------------------------------------------------------------------------------------------

/** The answer to ALIVE2_REQ. */
export interface AliveReply {
  /** 0 = registered, anything else = refused, which in practice means that the name is taken. */
  readonly result: number
  readonly creation: number
}

/**
 *     ALIVE2_X_RESP  118  result u8  creation u32     to requesters whose highest version is 6 or more
 *     ALIVE2_RESP    121  result u8  creation u16     to older ones
 */
export function encodeAliveReply(reply: AliveReply, highVersion: number): Uint8Array {
  if (highVersion >= 6) {
    const bytes = Buffer.from([ALIVE2_X_RESP, reply.result, 0, 0, 0, 0])
    bytes.writeUInt32BE(reply.creation, 2)
    return bytes
  }
  const bytes = Buffer.from([ALIVE2_RESP, reply.result, 0, 0])
  bytes.writeUInt16BE(reply.creation, 2)
  return bytes
}

export function decodeAliveReply(bytes: Uint8Array): Decoded<AliveReply> {
  const tag = bytes[0]
  if (tag === undefined) return more
  if (tag !== ALIVE2_X_RESP && tag !== ALIVE2_RESP) return bad(`tag ${tag} in answer to ALIVE2_REQ`)
  const size = tag === ALIVE2_X_RESP ? 6 : 4
  if (bytes.length < size) return more
  const view = viewOf(bytes)
  return done({ result: view.getUint8(1), creation: size === 6 ? view.getUint32(2) : view.getUint16(2) }, size)
}

/**
 *     PORT2_RESP  119  result u8 = 0  entry     then the connection closes
 *     PORT2_RESP  119  result u8 > 0            no such name
 */
export function encodePortReply(entry: NodeEntry | undefined): Uint8Array {
  if (entry === undefined) return Uint8Array.of(PORT2_RESP, 1)
  return Buffer.concat([Uint8Array.of(PORT2_RESP, 0), encodeEntry(entry)])
}

export function decodePortReply(bytes: Uint8Array): Decoded<NodeEntry | undefined> {
  const [tag, result] = bytes
  if (tag === undefined) return more
  if (tag !== PORT2_RESP) return bad(`tag ${tag} in answer to PORT_PLEASE2_REQ`)
  if (result === undefined) return more
  if (result !== 0) return done(undefined, 2)
  const entry = decodeEntry(bytes.subarray(2))
  return entry.status === 'done' ? done(entry.value, entry.size + 2) : entry
}

/** A registered name as NAMES and DUMP show it. */
export interface ListedName {
  readonly name: string
  readonly port: number
}

/** The answer to NAMES_REQ. */
export interface NamesReply {
  /** The port of the EPMD itself; OTP's client refuses an answer whose port is not the one it dialled. */
  readonly epmdPort: number
  readonly names: ListedName[]
}

/**
 *     epmdPort u32  { "name " name " at port " port "\n" }     ends with the connection
 */
export function encodeNamesReply(reply: NamesReply): Uint8Array {
  return encodeText(reply.epmdPort, reply.names.map(({ name, port }) => `name ${name} at port ${port}\n`).join(''))
}

/** Reads a whole NAMES reply; there is no telling where it ends, so call it once the connection has. */
export function decodeNamesReply(bytes: Uint8Array): Decoded<NamesReply> {
  const text = decodeText(bytes)
  if (text === undefined) return bad('a NAMES answer that is cut or not UTF-8')
  const names: ListedName[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const match = /^name (.*) at port (\d{1,5})$/u.exec(line)
    if (match === null) return bad('an unreadable line in the NAMES answer')
    names.push({ name: match[1] as string, port: Number(match[2]) })
  }
  return done({ epmdPort: viewOf(bytes).getUint32(0), names }, bytes.length)
}

/** The answer to DUMP_REQ. `fd` is a file descriptor in Erlang's EPMD, a number of the connection in ours. */
export interface DumpReply {
  readonly epmdPort: number
  readonly active: (ListedName & { readonly fd: number })[]
  /** Names that were registered once and are free now. */
  readonly unused: (ListedName & { readonly fd: number })[]
}

/**
 *     epmdPort u32
 *     { "active name     <" name "> at port " port ", fd = " fd "\n" NUL }
 *     { "old/unused name <" name ">, port = " port ", fd = " fd " \n" NUL }     ends with the connection
 */
export function encodeDumpReply(reply: DumpReply): Uint8Array {
  const active = reply.active.map((it) => `active name     <${it.name}> at port ${it.port}, fd = ${it.fd}\n\0`)
  const unused = reply.unused.map((it) => `old/unused name <${it.name}>, port = ${it.port}, fd = ${it.fd} \n\0`)
  return encodeText(reply.epmdPort, [...active, ...unused].join(''))
}

/** Reads a whole DUMP reply, once the connection has ended. */
export function decodeDumpReply(bytes: Uint8Array): Decoded<DumpReply> {
  const text = decodeText(bytes)
  if (text === undefined) return bad('a DUMP answer that is cut or not UTF-8')
  const active: DumpReply['active'] = []
  const unused: DumpReply['unused'] = []
  for (const line of text.split('\0')) {
    if (line === '') continue
    const match = /^(active|old\/unused) name +<(.*)>(?: at port |, port = )(\d{1,5}), fd = (-?\d+) ?\n$/u.exec(line)
    if (match === null) return bad('an unreadable line in the DUMP answer')
    const listed = { name: match[2] as string, port: Number(match[3]), fd: Number(match[4]) }
    ;(match[1] === 'active' ? active : unused).push(listed)
  }
  return done({ epmdPort: viewOf(bytes).getUint32(0), active, unused }, bytes.length)
}

/** Answers to KILL_REQ: the EPMD exits, or will not. */
export const killReply = { ok: Buffer.from('OK'), no: Buffer.from('NO') } as const
/** Answers to STOP_REQ. */
export const stopReply = { stopped: Buffer.from('STOPPED'), noSuchName: Buffer.from('NOEXIST') } as const

// --- Shared layouts -----------------------------------------------------------------------------------------------

/**
 *     entry = port u16  nodeType u8  protocol u8  highVersion u16  lowVersion u16  nlen u16  name  elen u16  extra
 */
function encodeEntry(entry: NodeEntry): Uint8Array {
  const name = Buffer.from(entry.name)
  const bytes = Buffer.allocUnsafe(12 + name.length + entry.extra.length)
  bytes.writeUInt16BE(entry.port, 0)
  bytes.writeUInt8(entry.nodeType, 2)
  bytes.writeUInt8(entry.protocol, 3)
  bytes.writeUInt16BE(entry.highVersion, 4)
  bytes.writeUInt16BE(entry.lowVersion, 6)
  bytes.writeUInt16BE(name.length, 8)
  bytes.set(name, 10)
  bytes.writeUInt16BE(entry.extra.length, 10 + name.length)
  bytes.set(entry.extra, 12 + name.length)
  return bytes
}

function decodeEntry(bytes: Uint8Array): Decoded<NodeEntry> {
  if (bytes.length < 10) return more
  const view = viewOf(bytes)
  const nameEnd = 10 + view.getUint16(8)
  if (bytes.length < nameEnd + 2) return more
  const extraEnd = nameEnd + 2 + view.getUint16(nameEnd)
  if (bytes.length < extraEnd) return more
  const name = decodeName(bytes.subarray(10, nameEnd))
  if (name === undefined) return bad('a name that is not UTF-8 or too long')
  const entry = {
    name,
    port: view.getUint16(0),
    nodeType: view.getUint8(2),
    protocol: view.getUint8(3),
    highVersion: view.getUint16(4),
    lowVersion: view.getUint16(6),
    extra: new Uint8Array(bytes.subarray(nameEnd + 2, extraEnd)),
  }
  return done(entry, extraEnd)
}

/** A name as epmd_srv.c checks it: valid UTF-8 of at most 255 characters. */
function decodeName(bytes: Uint8Array): string | undefined {
  if (bytes.length > 255 * 4) return undefined
  try {
    const name = utf8.decode(bytes)
    return [...name].length <= 255 ? name : undefined
  } catch {
    return undefined
  }
}

function encodeText(epmdPort: number, text: string): Uint8Array {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text))
  bytes.writeUInt32BE(epmdPort, 0)
  bytes.write(text, 4)
  return bytes
}

function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return undefined
  try {
    return utf8.decode(bytes.subarray(4))
  } catch {
    return undefined
  }
}

function frame(tag: number, body: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = Buffer.allocUnsafe(3 + body.length)
  bytes.writeUInt16BE(1 + body.length, 0)
  bytes.writeUInt8(tag, 2)
  bytes.set(body, 3)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
