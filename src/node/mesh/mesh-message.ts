import { splitNodeName } from '../../base/node-name.ts'
import { atom, isTuple, type Term, tuple } from '../../term/index.ts'

/** Under this name the nodes of this package tell each other whom they know. On the BEAM nobody has it. */
export const MESH_NAME = 'tsunagi_mesh'

/** Names taken of one list, and names one peer can have us dial. */
export const MAX_NAMES = 10_000

const MESH = atom(MESH_NAME)
const VERSION = 1
const HELLO = atom('hello')
const NODES = atom('nodes')
const LEAVING = atom('leaving')

/**
 * How a node comes by its links: one that is `seeking` dials whom it learns of, as its peers do; one that is `sought`
 * waits to be dialled.
 */
export type Manner = 'seeking' | 'sought'

/** Changes in whom the sender is connected to. */
export interface NodesMessage {
  readonly type: 'nodes'
  readonly seeking: readonly string[]
  readonly sought: readonly string[]
  readonly gone: readonly string[]
}

/** Said at link-up to every peer that could be one of ours. */
export interface HelloMessage {
  readonly type: 'hello'
  /** Whether the sender dials whom it learns of. */
  readonly seeking: boolean
  /** Whether others can find and dial it: a guest that only dials is not reported. */
  readonly listening: boolean
}

/**
 * What the nodes of this package tell each other. Elements behind those listed are left to later versions:
 *
 *     {tsunagi_mesh, 1, hello, Seeking :: boolean(), Listening :: boolean()}
 *     {tsunagi_mesh, 1, nodes, Seeking, Sought, Gone}  lists of names, to peers that seek: what has changed since the last
 *     {tsunagi_mesh, 1, leaving}                       the link ends on purpose: do not dial for others' sake
 */
export type MeshMessage = HelloMessage | NodesMessage | { readonly type: 'leaving' }

export function encodeMeshMessage(message: MeshMessage): Term {
  switch (message.type) {
    case 'hello':
      return tuple(MESH, VERSION, HELLO, message.seeking, message.listening)
    case 'nodes':
      return tuple(MESH, VERSION, NODES, message.seeking, message.sought, message.gone)
    case 'leaving':
      return tuple(MESH, VERSION, LEAVING)
  }
}

/** Reads a message; undefined when it is none. What is no node name is left out. */
export function decodeMeshMessage(message: Term): MeshMessage | undefined {
  if (!isTuple(message) || message[0] !== MESH || message[1] !== VERSION) return undefined
  const [, , type, first, second, third] = message
  if (type === HELLO) return { type: 'hello', seeking: first === true, listening: second === true }
  if (type === LEAVING) return { type: 'leaving' }
  if (type !== NODES) return undefined
  return { type: 'nodes', seeking: namesOf(first), sought: namesOf(second), gone: namesOf(third) }
}

function namesOf(list: Term): string[] {
  if (!Array.isArray(list)) return []
  const names = list.slice(0, MAX_NAMES) as Term[]
  return names.filter((name): name is string => typeof name === 'string' && splitNodeName(name) !== undefined)
}
