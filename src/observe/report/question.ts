import { choice, count, fields, flag, list, maybe, number, type Shaped, text } from '../shape.ts'

/** The parts of a report that have to be asked for. */
export type Part = 'topologies' | 'processes' | 'pubsubs' | 'stores' | 'samples'

/** A question for a report. */
export const reportQuestion = fields({
  parts: list(5, choice('topologies', 'processes', 'pubsubs', 'stores', 'samples')),
  /** The `run` of the last report, and the revision of the last event in it: later ones are wanted. */
  run: maybe(text(60)),
  revision: count,
  /** Somebody looks: round trips are measured more often. */
  watched: flag,
})

/** A question for one page of a list. */
export const pageQuestion = fields({
  list: choice('processes', 'names', 'keys', 'topics'),
  store: maybe(text(255)),
  pubsub: maybe(text(255)),
  sort: maybe(choice('mailbox', 'name', 'age')),
  filter: maybe(text(300)),
  after: maybe(text(4096)),
  limit: maybe(number(1, 500)),
})

/** Something to do. */
export const actionQuestion = fields({
  action: choice('ping', 'connect', 'disconnect', 'reconnect', 'refresh', 'pause', 'resume'),
  peer: maybe(text(255)),
  topology: maybe(text(200)),
  /** On whose behalf. */
  by: text(300),
})

export type ReportQuestion = Shaped<typeof reportQuestion>
export type PageQuestion = Shaped<typeof pageQuestion>
export type ActionQuestion = Shaped<typeof actionQuestion>

/** What became of an action. */
export const actionAnswer = fields({ ok: flag, text: text(500), code: maybe(text(60)) })

/** A page, before its items are read. */
export const pageAnswer = fields({
  items: list(500, (value: unknown) => value),
  total: maybe(count),
  more: flag,
})

export const keyShape = fields({
  key: text(4096),
  bytes: count,
  version: text(400),
  staleAt: maybe(count),
  expiresAt: maybe(count),
})

/** A registered name. */
export const nameShape = text(255)
