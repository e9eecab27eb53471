import { atom, isTuple, type Reference, type Term, tuple } from '../../term/index.ts'
import type { Context } from './clock.ts'
import type { Delta, Mergeable } from './delta.ts'
import { type MapSetShape, makeMapSet } from './map-set.ts'
import { type ReplicaKey, readReplica, replicaTerm } from './replica.ts'
import { StateReader } from './state-reader.ts'

const PUB = atom('pub')
const HEARTBEAT = atom('heartbeat')
const TRANSFER_REQ = atom('transfer_req')
const TRANSFER_ACK = atom('transfer_ack')
const GRACEFUL_PERMDOWN = atom('graceful_permdown')
const EMPTY = atom('empty')
const DELTA = atom('delta')
const NORMAL = atom('normal')
const UNSET = atom('unset')
const UP = atom('up')

const STRUCT = atom('__struct__')
const STATE = atom('Elixir.Phoenix.Tracker.State')

/** What comes with every message: the shape in which its sender writes sets, if it wrote one. */
interface FromReplica {
  readonly replica: ReplicaKey
  readonly shape?: MapSetShape | undefined
}

/** What trackers tell each other. */
export type TrackerMessage = FromReplica &
  (
    | { readonly kind: 'heartbeat'; readonly delta: Delta | undefined; readonly context: Context }
    | { readonly kind: 'transfer-request'; readonly ref: Term; readonly context: Context }
    | { readonly kind: 'transfer'; readonly delta: Delta }
    | { readonly kind: 'transfer-all'; readonly state: Mergeable }
    | { readonly kind: 'permdown' }
  )

export function heartbeat(replica: ReplicaKey, delta: Delta | undefined, context: Context, shape: MapSetShape): Term {
  const news = delta === undefined ? EMPTY : deltaTerm(replica, delta, shape)
  return tuple(PUB, HEARTBEAT, replicaTerm(replica), news, clockTerm(replica, context))
}

export function transferRequest(ref: Reference, replica: ReplicaKey, context: Context): Term {
  return tuple(PUB, TRANSFER_REQ, ref, replicaTerm(replica), clockTerm(replica, context))
}

export function transferDelta(ref: Term, replica: ReplicaKey, delta: Delta, shape: MapSetShape): Term {
  return tuple(PUB, TRANSFER_ACK, ref, replicaTerm(replica), deltaTerm(replica, delta, shape))
}

export function transferAll(ref: Term, replica: ReplicaKey, state: Mergeable, shape: MapSetShape): Term {
  return tuple(PUB, TRANSFER_ACK, ref, replicaTerm(replica), stateTerm(replica, state, shape))
}

export function gracefulPermdown(replica: ReplicaKey): Term {
  return tuple(PUB, GRACEFUL_PERMDOWN, replicaTerm(replica))
}

/**
 * Reads a message that was decoded with `maps: 'map'` and `floats: 'exact'`; undefined for what is none. Refused as a whole
 * when any part is not as it should be, or when it holds more than `most` entries, tags and clocks.
 *
 *     {pub, heartbeat, {Name, Vsn}, empty | Delta, {Replica, Context}}
 *     {pub, transfer_req, Ref, {Name, Vsn}, {Replica, Context}}
 *     {pub, transfer_ack, Ref, {Name, Vsn}, Delta | {State, Values}}
 *     {pub, graceful_permdown, {Name, Vsn}}
 *
 * Source: `Phoenix.Tracker.Shard` of phoenix_pubsub 2.0 to 2.2, which all say the same.
 */
export function readMessage(message: Term, most: number): TrackerMessage | undefined {
  if (!isTuple(message) || message[0] !== PUB) return undefined
  const reader = new StateReader(most)
  const replica = readReplica(message[message[1] === TRANSFER_REQ || message[1] === TRANSFER_ACK ? 3 : 2])
  if (replica === undefined) return undefined
  switch (message[1]) {
    case HEARTBEAT: {
      if (message.length !== 5) return undefined
      const context = readClock(reader, message[4])
      const delta = message[3] === EMPTY ? undefined : reader.delta(message[3])
      if (context === undefined || (delta === undefined && message[3] !== EMPTY)) return undefined
      return { kind: 'heartbeat', replica, delta, context, shape: reader.shape }
    }
    case TRANSFER_REQ: {
      const context = message.length === 5 ? readClock(reader, message[4]) : undefined
      return context === undefined ? undefined : { kind: 'transfer-request', replica, ref: message[2], context }
    }
    case TRANSFER_ACK: {
      if (message.length !== 5) return undefined
      const what = message[4]
      if (!isTuple(what)) {
        const delta = reader.delta(what)
        return delta === undefined ? undefined : { kind: 'transfer', replica, delta, shape: reader.shape }
      }
      const state = what.length === 2 ? reader.state(what[0], what[1]) : undefined
      return state === undefined ? undefined : { kind: 'transfer-all', replica, state, shape: reader.shape }
    }
    case GRACEFUL_PERMDOWN:
      return message.length === 3 ? { kind: 'permdown', replica } : undefined
    default:
      return undefined
  }
}

function readClock(reader: StateReader, term: Term): Context | undefined {
  return isTuple(term) && term.length === 2 ? reader.context(term[1]) : undefined
}

function clockTerm(replica: ReplicaKey, context: Context): Term {
  return tuple(replicaTerm(replica), contextTerm(context))
}

function contextTerm(context: Context): Map<Term, Term> {
  return new Map(Array.from(context, ([replica, clock]) => [replicaTerm(replica), clock]))
}

/** `%Phoenix.Tracker.State{mode: :delta}`, whose values are in it. */
function deltaTerm(replica: ReplicaKey, delta: Delta, shape: MapSetShape): Term {
  return struct({
    replica: replicaTerm(replica),
    context: new Map(),
    clouds: cloudsTerm(delta, shape),
    values: valuesTerm(delta),
    mode: DELTA,
    replicas: new Map(),
    range: tuple(contextTerm(delta.start), contextTerm(delta.end)),
  })
}

/** `{%Phoenix.Tracker.State{mode: :normal}, Values}`. */
function stateTerm(replica: ReplicaKey, state: Mergeable, shape: MapSetShape): Term {
  const term = struct({
    replica: replicaTerm(replica),
    context: contextTerm(state.context),
    clouds: cloudsTerm(state, shape),
    values: null,
    mode: NORMAL,
    replicas: new Map([[replicaTerm(replica), UP]]),
    range: tuple(new Map(), new Map()),
  })
  return tuple(term, valuesTerm(state))
}

/** A Map, whose keys are atoms whatever the options of who encodes it. */
function struct(fields: Readonly<Record<string, Term>>): Term {
  const term = new Map<Term, Term>([
    [STRUCT, STATE],
    [atom('pids'), null],
    [atom('delta'), UNSET],
  ])
  for (const [name, value] of Object.entries(fields)) term.set(atom(name), value)
  return term
}

function cloudsTerm({ clouds }: Mergeable, shape: MapSetShape): Term {
  const term = new Map<Term, Term>()
  for (const [replica, cloud] of clouds) {
    const name = replicaTerm(replica)
    term.set(
      name,
      makeMapSet(
        Array.from(cloud, (clock) => tuple(name, clock)),
        shape,
      ),
    )
  }
  return term
}

function valuesTerm({ values }: Mergeable): Term {
  const term = new Map<Term, Term>()
  for (const [replica, own] of values) {
    const name = replicaTerm(replica)
    for (const { clock, pid, topic, key, meta } of own.values()) {
      term.set(tuple(name, clock), tuple(pid, topic, key, meta))
    }
  }
  return term
}
