import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import { literalStart } from '../../pattern.ts'
import type { Sequences } from './sequences.ts'
import { covers, type Subjects } from './subjects.ts'

/** A message by the subscriptions of {@link Interests}. */
export type Receive = (message: Msg) => void

interface Wanted {
  /** How many topics and patterns want it. */
  count: number
  subscription: Subscription | undefined
  /** The server does not allow it, as far as is known. */
  refused: boolean
}

/**
 * What this node is subscribed to at the server: a subject for each topic, a wildcard for each pattern. What a wildcard has
 * already is not asked for once more; where both have it all the same, sequences tell the copies.
 */
export class Interests {
  readonly #subjects: Subjects
  readonly #sequences: Sequences
  readonly #receive: Receive
  readonly #wanted = new Map<string, Wanted>()
  readonly #wildcards = new Set<string>()
  readonly #kept = new Set<string>()
  #connection: NatsConnection | undefined

  constructor(subjects: Subjects, sequences: Sequences, receive: Receive) {
    this.#subjects = subjects
    this.#sequences = sequences
    this.#receive = receive
  }

  /** Subscribes over `connection` what is wanted and not yet subscribed there, or was and is no longer. */
  open(connection: NatsConnection): void {
    const fresh = connection !== this.#connection
    this.#connection = connection
    for (const wanted of this.#wanted.values()) {
      if (fresh || wanted.subscription?.isClosed()) wanted.subscription = undefined
      wanted.refused = false
    }
    for (const [subject, wanted] of this.#wanted) {
      this.#subscribe(subject, wanted)
    }
  }

  set(kind: 'topic' | 'pattern', topic: string, on: boolean): void {
    if (kind === 'topic') {
      const { subject } = this.#subjects.ofTopic(topic)
      if (on) this.#want(subject, false)
      else this.#leave(subject)
    } else {
      for (const subject of this.#subjects.beginningWith(literalStart(topic))) {
        if (on) this.#want(subject, true)
        else this.#leave(subject)
      }
    }
  }

  /** Subscribes to a subject that no topic has. */
  keep(subject: string): void {
    this.#kept.add(subject)
    this.#want(subject, false)
  }

  /** Ends all that topics and patterns wanted. */
  withdraw(): void {
    for (const [subject, { subscription }] of this.#wanted) {
      if (this.#kept.has(subject)) continue
      end(subscription)
      this.#wanted.delete(subject)
    }
    this.#wildcards.clear()
  }

  close(): void {
    this.withdraw()
    for (const { subscription } of this.#wanted.values()) end(subscription)
    this.#wanted.clear()
  }

  #want(subject: string, wildcard: boolean): void {
    const wanted = this.#wanted.get(subject) ?? { count: 0, subscription: undefined, refused: false }
    wanted.count++
    this.#wanted.set(subject, wanted)
    if (wildcard) this.#wildcards.add(subject)
    this.#subscribe(subject, wanted)
  }

  #leave(subject: string): void {
    const wanted = this.#wanted.get(subject)
    if (wanted === undefined || --wanted.count > 0) return
    this.#wanted.delete(subject)
    if (!this.#wildcards.delete(subject)) {
      end(wanted.subscription)
      if (!this.#isWanted(subject)) this.#sequences.forget(subject)
      return
    }
    // Those it had had for others come by themselves from now on; those on their way still come by it.
    this.#uncover(subject)
    wanted.subscription?.drain().catch(() => {})
    this.#sequences.forgetAll((known) => covers(subject, known) && !this.#isWanted(known))
  }

  #subscribe(subject: string, wanted: Wanted): void {
    if (wanted.subscription !== undefined || this.#connection === undefined || this.#isCovered(subject)) return
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) {
        // The session tells of it. What it would have had may be allowed.
        wanted.refused = true
        this.#uncover(subject)
      } else if (wanted.count > 0 || this.#isWanted(message.subject)) this.#receive(message)
    }
    try {
      wanted.subscription = this.#connection.subscribe(subject, { callback })
    } catch {
      // It was closed, and nobody has told yet: subscribed when there is another.
    }
  }

  /** Subscribes to what a wildcard no longer has for others. */
  #uncover(wildcard: string): void {
    for (const [other, waiting] of this.#wanted) if (covers(wildcard, other)) this.#subscribe(other, waiting)
  }

  #isWanted(subject: string): boolean {
    return this.#wanted.has(subject) || this.#isCovered(subject)
  }

  #isCovered(subject: string): boolean {
    for (const wildcard of this.#wildcards) {
      if (wildcard !== subject && covers(wildcard, subject) && this.#wanted.get(wildcard)?.refused === false)
        return true
    }
    return false
  }
}

function end(subscription: Subscription | undefined): void {
  if (subscription?.isClosed() === false) subscription.unsubscribe()
}
