import type { Clock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Answer, StrategyContext } from './strategy.ts'

/** Where a topology's answers come from: a strategy at work. */
export interface Source {
  /** Whether it will tell of changes by itself. */
  readonly live: boolean
  /** The answer as it is now. Rejects with what was at fault, or with the signal's reason. */
  look(signal: AbortSignal): Promise<Answer>
  /** Ends whatever is under way. What is left can be looked at anew. */
  close(): void
}

/** What a source needs of its topology. */
export interface SourceHost {
  readonly clock: Clock
  /** Milliseconds until an answer is late. */
  timeout(): number
  context(signal: AbortSignal): StrategyContext
  /** There is an answer that nobody has asked for. */
  onChange(): void
  /** The source is live no more: it ended, or failed. */
  onEnd(error: unknown): void
}

/** The error of an answer that does not come. */
export function late(timeout: number): TsunagiError {
  return new TsunagiError('ERR_TIMEOUT', `no answer within ${timeout} ms`)
}
