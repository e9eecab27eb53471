import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { interopRequired } from './tools.ts'

/**
 * Says plainly at the end of a run which groups were skipped, and what they need. With `TSUNAGI_REQUIRE_INTEROP=1` a
 * skipped test fails the run.
 */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const groups = new Map<string, number>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const group = groupOf(test)
        groups.set(group, (groups.get(group) ?? 0) + 1)
      }
    }
    if (groups.size === 0) return
    const lines = [...groups].map(([group, count]) => `  ${group}: ${count} ${count === 1 ? 'test' : 'tests'}`)
    const why =
      process.env.TSUNAGI_OTP === 'none'
        ? 'LEFT OUT by TSUNAGI_OTP=none'
        : 'SKIPPED on this machine (scripts/otp-setup.sh and scripts/services-setup.sh install what is needed)'
    process.stdout.write(`\n${why}:\n${lines.join('\n')}\n\n`)
    if (!interopRequired) return
    process.stdout.write('TSUNAGI_REQUIRE_INTEROP=1 allows no skipped test.\n')
    process.exitCode = 1
  }
}

/** The outermost group that was skipped with a reason, else the file. */
function groupOf(test: TestCase): string {
  const names = test.fullName.split(' > ')
  return names.find((name) => name.includes('(needs ')) ?? test.module.relativeModuleId
}
