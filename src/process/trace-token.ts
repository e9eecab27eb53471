import { atom } from '../term/atom.ts'
import type { Term } from '../term/term.ts'
import { isTuple, tuple } from '../term/tuple.ts'

/** What carries a trace's context from node to node: the headers of W3C Trace Context, such as `traceparent`. */
export type TraceCarrier = Readonly<Record<string, string>>

const TAG = atom('tsunagi_trace')
const MAX_ENTRIES = 8
const MAX_LENGTH = 4096

/**
 * A carrier as it goes in the place of a trace token (`SEND_TT` and the like), which Erlang's `seq_trace` uses between
 * BEAM nodes: `{tsunagi_trace, [Name, Value, …]}`. Only nodes of this package are sent one.
 */
export function traceToken(carrier: TraceCarrier | undefined): Term {
  return carrier === undefined ? undefined : tuple(TAG, Object.entries(carrier).flat())
}

/** Undefined for everything else that may stand there: tokens of BEAM nodes, and what is too long to be true. */
export function readTraceToken(token: Term): TraceCarrier | undefined {
  if (!isTuple(token) || token.length !== 2 || token[0] !== TAG) return undefined
  const fields = token[1]
  if (!Array.isArray(fields) || fields.length > MAX_ENTRIES * 2 || fields.length % 2 !== 0) return undefined
  const texts = fields.map(textOf)
  let length = 0
  const carrier: Record<string, string> = Object.create(null)
  for (let i = 0; i < texts.length; i += 2) {
    const [name, value] = [texts[i], texts[i + 1]]
    if (name === undefined || value === undefined) return undefined
    length += name.length + value.length
    carrier[name] = value
  }
  return length > MAX_LENGTH ? undefined : carrier
}

/** Whatever way the node decodes binaries. */
function textOf(field: Term): string | undefined {
  if (typeof field === 'string') return field
  return field instanceof Uint8Array && field.length <= MAX_LENGTH ? Buffer.from(field).toString('utf8') : undefined
}

/** Contexts of messages that wait in mailboxes of this node, by the message. */
const carriers = new WeakMap<object, TraceCarrier>()

/** Remembers what came with a message until its receiver looks at it. */
export function carry(message: Term, carrier: TraceCarrier | undefined): void {
  if (carrier !== undefined && typeof message === 'object' && message !== null) carriers.set(message, carrier)
}

/** What came with a message. */
export function carrierOf(message: Term): TraceCarrier | undefined {
  return typeof message === 'object' && message !== null ? carriers.get(message) : undefined
}
