import { type Atom, atom, isAtom, print, type Term } from '../../term/index.ts'
import type { Diff, Entry } from './entry.ts'
import type { Meta, Present } from './present.ts'

const STRUCT = '__struct__'
const BROADCAST: Atom = atom('Elixir.Phoenix.Socket.Broadcast')

/** Who came to a topic, and who left it. An update is both. */
export interface PresenceDiff {
  readonly topic: string
  readonly joins: readonly Present[]
  readonly leaves: readonly Present[]
}

/** Entries of one topic that came and went. */
export interface TopicDiff extends Diff {
  readonly topic: string
  readonly joins: Entry[]
  readonly leaves: Entry[]
}

/** A diff by its topics. `accepts` says which entries count; those without a topic that is text do not. */
export function byTopic(diff: Diff, accepts: (entry: Entry, topic: string) => boolean): Iterable<TopicDiff> {
  const topics = new Map<string, TopicDiff>()
  for (const kind of ['joins', 'leaves'] as const) {
    for (const entry of diff[kind]) {
      const { topic } = entry
      if (typeof topic !== 'string' || !accepts(entry, topic)) continue
      let own = topics.get(topic)
      if (own === undefined) {
        own = { topic, joins: [], leaves: [] }
        topics.set(topic, own)
      }
      own[kind].push(entry)
    }
  }
  return topics.values()
}

/**
 * What Phoenix.Presence broadcasts to the subscribers of a topic, and channels send to their clients:
 * `%Phoenix.Socket.Broadcast{topic, event: "presence_diff", payload: %{joins: %{key => %{metas: [meta]}}, leaves: …}}`.
 */
export function presenceDiffBroadcast({ topic, joins, leaves }: PresenceDiff): Term {
  return {
    [STRUCT]: BROADCAST,
    topic,
    event: 'presence_diff',
    payload: { joins: metasByKey(joins), leaves: metasByKey(leaves) },
  }
}

function metasByKey(present: readonly Present[]): Map<Term, { readonly metas: Meta[] }> {
  const keys = new Map<Term, { readonly metas: Meta[] }>()
  for (const { key, meta } of present) {
    const text = keyText(key)
    const there = keys.get(text)
    if (there === undefined) keys.set(text, { metas: [meta] })
    else there.metas.push(meta)
  }
  return keys
}

/** What Elixir's `to_string` makes of a key; of one for which it has nothing, how Erlang prints it. */
function keyText(key: Term): Term {
  if (typeof key === 'string' || key instanceof Uint8Array) return key
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key)
  if (key === null) return ''
  return isAtom(key) ? key.name : print(key)
}
