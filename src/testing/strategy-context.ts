import type { Clock } from '../base/clock.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { checkNodeName } from '../base/node-name.ts'
import type { StrategyContext } from '../cluster/strategy.ts'
import { epmdDirectory } from '../node/epmd-directory.ts'
import { FakeClock } from './fake-clock.ts'

/** What a {@link strategyContext} can be made of. */
export interface StrategyContextOptions {
  /** The node's name. Default `self@127.0.0.1`. */
  readonly self?: string
  /** Default `a secret`. */
  readonly cookie?: string
  /** Default `test`. */
  readonly topology?: string
  /** The node's own EPMD. Default: it uses none. */
  readonly epmd?: { readonly host?: string; readonly port: number }
  /** Default: one that never aborts. */
  readonly signal?: AbortSignal
  /** Default: a {@link FakeClock}. */
  readonly clock?: Clock
  /** Default: a silent one. */
  readonly logger?: Logger
}

/** What a topology hands to its strategy, without a topology or a node. @throws OptionError */
export function strategyContext(options: StrategyContextOptions = {}): StrategyContext {
  const { signal = new AbortController().signal, clock = new FakeClock(), logger = silentLogger } = options
  const { self = 'self@127.0.0.1', cookie = 'a secret', topology = 'test', epmd } = options
  const own = epmd === undefined ? undefined : { host: epmd.host ?? '127.0.0.1', port: epmd.port }
  return {
    signal,
    topology,
    self: checkNodeName(self, 'self'),
    cookie,
    clock,
    logger,
    epmd: own === undefined ? undefined : epmdDirectory(own, clock, signal),
  }
}
