import type { ChartColumn, ProcessView, SectionName, TimelineEvent, TopicView, View } from './view.ts'

/** Sees the whole cluster from one node, and remembers the last minutes of it; made by `openObservatory`. */
export interface Observatory extends AsyncDisposable {
  /** The node's name. */
  readonly self: string
  /** Whether {@link Observatory.act} does anything. */
  readonly actions: boolean
  /** Whether {@link Observatory.tail} does anything. */
  readonly tails: boolean

  /** A section as it is now. The same object as long as it has not changed: what was made of it can be kept. */
  section<K extends SectionName>(name: K): View[K]

  /**
   * Has the cluster looked at each second as long as somebody follows, and tells what changed, until what it returns is
   * called. Followers are told in one go after each round; none of them may throw or take long.
   *
   * @param sections which of them somebody looks at: what nobody looks at is not asked for. Default: all.
   */
  follow(listener: (update: Update) => void, sections?: readonly SectionName[]): () => void

  /** Events of the timeline, and changes of them, after a cursor; all there are for one that is too old, or 0. */
  since(cursor: number): readonly TimelineEvent[]

  /**
   * More of a list than its section shows, from the node that has it.
   *
   * @throws ObserveError `ERR_NOT_FOUND`, `ERR_TIMEOUT`, `ERR_OBSERVE_REFUSED`; OptionError for what is no such question
   */
  page<Q extends PageQuery>(query: Q): Promise<PageOf<Q>>

  /**
   * Does something to the cluster; it is told in the timeline. `by` says on whose behalf, for the timeline and the log.
   * What fails is in the result.
   *
   * @throws OptionError for what is no action; TsunagiError `ERR_UNSUPPORTED` where actions are off
   */
  act(action: Action, by?: string): Promise<ActionResult>

  /**
   * Messages of a topic, or of a pattern such as `sensor:*`, as this node gets them, printed as Erlang terms, until what it
   * returns is called. At most 50 a second; what is left out is counted.
   *
   * @throws OptionError when this node does not take part in that pub/sub, or it is no topic; TsunagiError
   *   `ERR_UNSUPPORTED` where tails are off, `ERR_LIMIT` when there are too many of them
   */
  tail(pubsub: string, topic: string, listener: (message: TailMessage) => void): () => void

  /** Looks no more. Idempotent. The node stays. */
  close(): Promise<void>
}

/** What is new. */
export interface Update {
  /** Sections whose content has changed, among those that are followed; neither `charts` nor `timeline`. */
  readonly sections: readonly SectionName[]
  /** Events that are new or have changed, in the order of their cursors. */
  readonly events: readonly TimelineEvent[]
  /** A column was added to the charts, with which the first of 120 goes; null: none was. */
  readonly column: ChartColumn | null
}

/** What can be asked for page by page; `limit` at most 500, default 100. `filter`: part of the text, upper and lower case alike. */
export type PageQuery =
  | {
      /** Processes of a TypeScript node. */
      readonly list: 'processes'
      readonly node: string
      readonly sort?: 'mailbox' | 'name' | 'age'
      readonly filter?: string
      readonly limit?: number
    }
  | {
      /** Registered names of any node. */
      readonly list: 'names'
      readonly node: string
      readonly filter?: string
      readonly limit?: number
    }
  | {
      /** Keys of a store, in order, after one. `node`: whose; default this one, or else the first that has the store. */
      readonly list: 'keys'
      readonly store: string
      readonly node?: string
      readonly filter?: string
      readonly after?: string
      readonly limit?: number
    }
  | {
      /** Topics of a pub/sub with subscribers on one node. Default: this one, or else the first that has it. */
      readonly list: 'topics'
      readonly pubsub: string
      readonly node?: string
      readonly filter?: string
      readonly limit?: number
    }

export interface Page<T> {
  readonly items: readonly T[]
  /** How many match; null where the node did not go through all. */
  readonly total: number | null
  /** There are more than these. */
  readonly more: boolean
}

/** A key of a store. Values are never shown. */
export interface KeyView {
  readonly key: string
  /** Bytes of the value, encoded. */
  readonly bytes: number
  readonly version: string
  readonly staleAt: number | null
  readonly expiresAt: number | null
}

export type PageOf<Q extends PageQuery> = Page<
  Q['list'] extends 'processes'
    ? ProcessView
    : Q['list'] extends 'keys'
      ? KeyView
      : Q['list'] extends 'topics'
        ? TopicView
        : string
>

/**
 * Something to do. `node`: who is to do it; default this one. Another one has to be a TypeScript node that allows it
 * (`observable: { actions: true }`).
 */
export type Action =
  | {
      /** `reconnect`: disconnects and connects. `ping` connects, too. */
      readonly action: 'ping' | 'connect' | 'disconnect' | 'reconnect'
      readonly node?: string
      readonly peer: string
    }
  | {
      readonly action: 'refresh' | 'pause' | 'resume'
      readonly node?: string
      readonly topology: string
    }

/** What came of it. */
export interface ActionResult {
  readonly ok: boolean
  /** In a sentence: `b@host answered in 0.8 ms`. */
  readonly text: string
  /** Of the error, where there is one. */
  readonly code: string | null
}

/** A message of a topic. */
export interface TailMessage {
  readonly at: number
  readonly topic: string
  /** Who broadcast it; null when it cannot be known. */
  readonly node: string | null
  /** The term in Erlang's syntax, at most 2,000 characters. */
  readonly text: string
  /** The text was cut. */
  readonly cut: boolean
  /** Messages left out before this one. */
  readonly skipped: number
}
