import { expect, it } from 'vitest'
import { strategyChecks } from '../../../src/testing/strategy-checks.ts'

/** The checks every strategy has to pass, as tests. */
export function conform(...args: Parameters<typeof strategyChecks>): void {
  for (const { name, run } of strategyChecks(...args)) {
    it(name, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
}
