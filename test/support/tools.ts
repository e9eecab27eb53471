import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

/** Whether `program` is on the PATH. */
export function hasTool(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Set by `.ci/run`: nothing may be skipped, what the machine lacks fails. */
export const interopRequired = process.env.TSUNAGI_REQUIRE_INTEROP === '1'

/** `describe` when all `tools` are on the PATH, else skipped. */
export function describeTools(title: string, tools: readonly string[], body: () => void): void {
  const missing = tools.filter((tool) => !hasTool(tool))
  if (missing.length === 0) describe(title, body)
  else describeSkipped(title, missing, body)
}

/** Skips a group with the reason in its title, which `skipped-reporter.ts` repeats at the end; fails under `.ci/run`. */
export function describeSkipped(title: string, missing: readonly string[], body: () => void): void {
  const name = `${title} (needs ${missing.join(', ')})`
  if (interopRequired) throw new Error(`${name}: run scripts/otp-setup.sh and scripts/services-setup.sh`)
  describe.skipIf(true)(name, body)
}
