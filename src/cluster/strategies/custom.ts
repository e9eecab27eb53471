import { OptionError } from '../../base/errors.ts'
import { fn, instance, knownOnly, string } from '../../base/options.ts'
import type { Answer, Strategy, StrategyContext } from '../strategy.ts'

/** Options of {@link custom}: either `discover` or `watch`. */
export interface CustomOptions {
  /** For logs and events. Default `custom`. */
  readonly name?: string
  /** Asked at once and then each `interval`. */
  readonly discover?: (context: StrategyContext) => Promise<Answer> | Answer
  /** Tells by itself: yields all nodes, at first and whenever they have changed. */
  readonly watch?: (context: StrategyContext) => AsyncIterable<Answer>
}

/**
 * A strategy of functions. For one that is asked, the function alone will do. Source: Barnacle's `custom`.
 *
 * @throws OptionError
 *
 * @example
 * custom(async ({ signal }) => {
 *   const response = await fetch('http://registry/nodes', { signal })
 *   if (!response.ok) throw new Error(`the registry answered ${response.status}`)
 *   return await response.json()
 * })
 */
export function custom(options: CustomOptions | NonNullable<CustomOptions['discover']>): Strategy {
  if (typeof options === 'function') return { name: 'custom', discover: options }
  instance(options, 'options', 'a function, or an object with discover or watch', (it) => !Array.isArray(it))
  knownOnly(options, ['name', 'discover', 'watch'])
  const { discover, watch } = options
  const name = string(options.name ?? 'custom', 'name')
  if (discover !== undefined && watch !== undefined) throw new OptionError('watch', watch, 'nothing beside discover')
  if (watch !== undefined) return { name, watch: fn(watch, 'watch') }
  return { name, discover: fn(discover, 'discover') }
}
