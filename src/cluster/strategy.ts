import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { NodeName } from '../base/node-name.ts'
import type { EpmdDirectory } from '../node/epmd-directory.ts'

/** A node as a strategy found it. A bare name says the same as `{ name }`. */
export interface FoundNode {
  /** The whole name, `alive@host`. */
  readonly name: string
  /** Where it listens. Dialled without asking EPMD. */
  readonly port?: number
  /** It does not take part in clusters visibly, as C and Java nodes; dialled only with the topology's option `hidden`. */
  readonly hidden?: boolean
}

/** What a strategy found: all nodes there are now, not what has changed. Duplicates and the node itself do no harm. */
export type FoundNodes = Iterable<string | FoundNode>

/**
 * An answer of which parts are missing: one of several hosts did not answer, say. What is in `nodes` counts as found;
 * what is absent counts as unknown, and is neither lost nor pruned.
 */
export interface PartialAnswer {
  readonly nodes: FoundNodes
  /** What went wrong. */
  readonly errors: readonly unknown[]
  /**
   * False, although nothing is at fault: who has but begun to listen cannot know yet who is gone. True in spite of errors: what
   * is missing was filled in from before. Default: whether there are no errors.
   */
  readonly whole?: boolean
}

/** What a strategy answers. Where it cannot know, it throws: an empty answer says that there are no nodes. */
export type Answer = FoundNodes | PartialAnswer

/** What a strategy gets of its topology and its node. Made anew for each lookup and each watch. */
export interface StrategyContext {
  /**
   * Aborts when the answer is no longer awaited: the topology was closed or paused, its strategy was replaced, or a
   * lookup took too long; that of a watch also when the watch has ended. Whatever was opened is to be closed then; what is
   * answered later is ignored.
   */
  readonly signal: AbortSignal
  /** The topology's name. */
  readonly topology: string
  /** This node's name. */
  readonly self: NodeName
  /** The cluster's secret, for what has to prove that it belongs to it. Never log it. */
  readonly cookie: string
  /** Where time comes from. Timers belong here and not to `setTimeout`, so that tests can turn the clock. */
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined on a node that uses no EPMD. Its questions end with `signal`. */
  readonly epmd: EpmdDirectory | undefined
}

/** A strategy that is asked: at once, and again each `interval`. */
export interface PullStrategy {
  /** For logs and events, such as `dns`. */
  readonly name: string
  /** Looks all nodes up. Throws, or rejects, when it cannot know. */
  discover(context: StrategyContext): Promise<Answer> | Answer
}

/** A strategy that tells by itself: it yields all nodes, at first and whenever they have changed. */
export interface PushStrategy {
  readonly name: string
  /**
   * Yields answers until its signal aborts. A topology takes an answer at most each 250 ms; of several it takes the
   * last. When the iteration throws or ends, the topology keeps what it has and iterates anew after an `interval`.
   */
  watch(context: StrategyContext): AsyncIterable<Answer>
}

/** Finds nodes. Objects of this shape are all a topology needs; `strategyChecks` of `tsunagi/testing` tests them. */
export type Strategy = PullStrategy | PushStrategy
