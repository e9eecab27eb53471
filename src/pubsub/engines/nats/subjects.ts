import { createHash } from 'node:crypto'

/** Longest subject that a topic is written out in. A server's control lines end at 4,096 bytes unless told otherwise. */
const MAX_SUBJECT = 1024
const EMPTY = '%'

/** Where the messages of a topic go. */
export interface Address {
  readonly subject: string
  /** The subject does not tell the topic, so the message has to. */
  readonly named: boolean
}

/**
 * The subjects of one pub/sub:
 *
 * | subject | carries |
 * |---|---|
 * | `<prefix>.<name>.t.<token>.<token>…` | a topic, a token for each of its parts between colons |
 * | `<prefix>.<name>.l.<SHA-256 in base64url>` | a topic whose subject would be longer than 1,024 characters |
 * | `<prefix>.<name>.d.<node>` | what is meant for one node |
 * | `<prefix>.<name>.m` | what the members tell all others of themselves |
 *
 * A token is text as in URLs, with `.` and `*` escaped as well, which mean something in subjects; an empty one is `%` alone.
 * So every text has exactly one subject, and `sensor:*` is `….sensor.>`.
 */
export class Subjects {
  /** Where members tell of themselves. */
  readonly members: string
  readonly #topics: string
  readonly #long: string
  readonly #direct: string

  constructor(prefix: string, name: string) {
    const root = `${prefix}.${token(name)}`
    this.members = `${root}.m`
    this.#topics = `${root}.t.`
    this.#long = `${root}.l.`
    this.#direct = `${root}.d.`
  }

  /** @throws URIError when the topic has lone surrogates */
  ofTopic(topic: string): Address {
    // No text is shorter as a subject, so that the longest ones are not even translated.
    const subject = topic.length > MAX_SUBJECT ? undefined : this.#topics + topic.split(':').map(token).join('.')
    if (subject !== undefined && subject.length <= MAX_SUBJECT) return { subject, named: false }
    return { subject: this.#long + createHash('sha256').update(topic).digest('base64url'), named: true }
  }

  /** The topic a subject stands for; undefined where it does not say, or is not written as `ofTopic` writes it. */
  topicOf(subject: string): string | undefined {
    if (!subject.startsWith(this.#topics)) return undefined
    try {
      const topic = subject.slice(this.#topics.length).split('.').map(untoken).join(':')
      return this.ofTopic(topic).subject === subject ? topic : undefined
    } catch {
      return undefined
    }
  }

  /** Subjects with wildcards that together have every topic which begins with `start`, and others. */
  beginningWith(start: string): readonly string[] {
    const parts = start.split(':').slice(0, -1)
    const subject = `${this.#topics}${parts.map((part) => `${token(part)}.`).join('')}>`
    return [subject.length <= MAX_SUBJECT ? subject : `${this.#topics}>`, `${this.#long}*`]
  }

  /** What is sent to one node alone. */
  ofNode(node: string): string {
    return this.#direct + token(node)
  }
}

/** Whether messages to `subject` come by a subscription to `wildcard`, which may end in `*` or `>` and has no other wildcards. */
export function covers(wildcard: string, subject: string): boolean {
  return subject.startsWith(wildcard.slice(0, -1)) && subject.length >= wildcard.length
}

function token(text: string): string {
  if (text === '') return EMPTY
  return encodeURIComponent(text).replace(/[.*]/g, escaped)
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function untoken(text: string): string {
  return text === EMPTY ? '' : decodeURIComponent(text)
}
