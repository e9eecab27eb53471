#!/usr/bin/env node
import * as module from 'node:module'

// Whoever reads our output may have seen enough (`tsunagi names | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.exitCode)
})

// Node.js 22.8 and newer can keep what it has compiled for the next run; what is imported below is in it.
;(module as { enableCompileCache?: () => unknown }).enableCompileCache?.()
const { run } = await import('./program.ts')
await run(process.argv.slice(2))
