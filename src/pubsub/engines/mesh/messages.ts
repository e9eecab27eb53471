import {
  type Atom,
  atom,
  type DecodeOptions,
  isAtom,
  isTuple,
  type Term,
  type Tuple,
  tuple,
} from '../../../term/index.ts'
import type { RetainedStamp } from '../../engine.ts'

/**
 * What the PG2 adapter sends: `{forward_to_local, Topic, Message, Dispatcher}`, the same since Phoenix.PubSub 2.0. Nodes of
 * this package add `{Time, Node}` to what is retained, when they send it to each other.
 */
const FORWARD = atom('forward_to_local')

/** Characters of a node's name, which is an atom. */
const MAX_NODE = 255

/** A broadcast as it came over a link. */
export interface Forward {
  readonly topic: string
  readonly message: Term
  readonly dispatcher: Atom
  readonly retained: RetainedStamp | undefined
}

export function forward(topic: string, message: Term, dispatcher: Atom, retained: RetainedStamp | undefined): Tuple {
  return retained === undefined
    ? tuple(FORWARD, topic, message, dispatcher)
    : tuple(FORWARD, topic, message, dispatcher, tuple(retained.time, retained.node))
}

/** Undefined for what is none, and for one whose topic is no text. `as` decodes the whole message anew. */
export function readForward(message: Term, as: (terms: DecodeOptions) => Term): Forward | undefined {
  if (!isTuple(message) || message[0] !== FORWARD || (message.length !== 4 && message.length !== 5)) return undefined
  const topic = topicOf(message[1], as)
  const dispatcher = message[3]
  if (topic === undefined || !isAtom(dispatcher)) return undefined
  if (message.length === 4) return { topic, message: message[2], dispatcher, retained: undefined }
  const retained = readStamp(message[4])
  return retained === undefined ? undefined : { topic, message: message[2], dispatcher, retained }
}

/** The message itself, of a forward that is decoded anew. */
export function payloadOf(message: Term): Term {
  return (message as Tuple)[2]
}

/** Only a text that is valid UTF-8 is a topic, however binaries are decoded. */
function topicOf(topic: Term, as: (terms: DecodeOptions) => Term): string | undefined {
  if (typeof topic === 'string' && !topic.includes('\uFFFD')) return topic
  if (typeof topic !== 'string' && !(topic instanceof Uint8Array)) return undefined
  const strict = (as({ binaries: 'auto' }) as Tuple)[1]
  return typeof strict === 'string' ? strict : undefined
}

/** Undefined for what is none. */
export function readStamp(stamp: Term): RetainedStamp | undefined {
  if (!isTuple(stamp) || stamp.length !== 2) return undefined
  const time = stamp[0]
  const node = stamp[1] instanceof Uint8Array ? Buffer.from(stamp[1]).toString() : stamp[1]
  if (typeof time !== 'number' || !Number.isSafeInteger(time)) return undefined
  return typeof node === 'string' && node.length <= MAX_NODE ? { time, node } : undefined
}
