import type { Entry } from './entry.ts'

/** Entries by topic and key. Those whose topic is no string are not in it: nobody can ask for them. */
export class TopicIndex {
  readonly #topics = new Map<string, Map<unknown, Set<Entry>>>()

  add(entry: Entry): void {
    const { topic, keyId } = entry
    if (typeof topic !== 'string') return
    const keys = this.#topics.get(topic)
    const entries = keys?.get(keyId)
    if (keys === undefined) this.#topics.set(topic, new Map([[keyId, new Set([entry])]]))
    else if (entries === undefined) keys.set(keyId, new Set([entry]))
    else entries.add(entry)
  }

  delete(entry: Entry): void {
    const { topic, keyId } = entry
    if (typeof topic !== 'string') return
    const keys = this.#topics.get(topic)
    const entries = keys?.get(keyId)
    if (keys === undefined || entries?.delete(entry) !== true || entries.size > 0) return
    keys.delete(keyId)
    if (keys.size === 0) this.#topics.delete(topic)
  }

  *ofTopic(topic: string): Generator<Entry, void, undefined> {
    for (const entries of this.#topics.get(topic)?.values() ?? []) yield* entries
  }

  ofKey(topic: string, keyId: unknown): Iterable<Entry> {
    return this.#topics.get(topic)?.get(keyId) ?? []
  }

  topics(): Iterable<string> {
    return this.#topics.keys()
  }
}
