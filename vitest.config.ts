import { defineConfig } from 'vitest/config'
import { SkippedReporter } from './test/support/skipped-reporter.ts'

const console = ['default', new SkippedReporter()] as const
const report = process.env.TSUNAGI_TEST_REPORT

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/global-setup.ts',
    // A process per file: tests kill, stop and flood, and start workers of their own.
    pool: 'forks',
    // Each interop test brings one or two emulators along.
    maxWorkers: 2,
    // For what hangs, not for what is slow: a test that waits fails with its own message long before.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    expect: { requireAssertions: true },
    typecheck: {
      enabled: true,
      checker: 'tsc',
      include: ['test/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
      // `npm run typecheck` reports those.
      ignoreSourceErrors: true,
    },
    reporters: report === undefined ? [...console] : [...console, ['json', { outputFile: report }]],
  },
})
