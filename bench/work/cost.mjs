import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What is imported, in a fresh process each time. */
export const imports = [
  { name: 'tsunagi', title: 'tsunagi', module: fileURLToPath(new URL('../../dist/index.js', import.meta.url)) },
  { name: 'nats', title: '@nats-io/transport-node', module: '@nats-io/transport-node' },
  { name: 'moleculer', title: 'moleculer', module: 'moleculer' },
]

/**
 * @param {import('../harness/stage.mjs').Stage} stage
 * @param {string} module
 * @returns {Promise<Record<string, number>>}
 */
export async function runImport(stage, module) {
  const endpoint = stage.node('codec')
  try {
    const { ms } = await endpoint.ask('import', module)
    return { ms }
  } finally {
    await endpoint.close()
  }
}

/** How long `tsunagi --help` takes, from its start to its end: what a person waits for. The median of nine, in a warm cache. */
export function runHelp() {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const times = Array.from({ length: 9 }, () => {
    const began = performance.now()
    execFileSync(process.execPath, [main, '--help'], { stdio: 'ignore' })
    return performance.now() - began
  })
  return { ms: times.sort((a, b) => a - b)[4] ?? 0 }
}

/** Where a process's memory and time can be read. */
export const canMeasureIdle = process.platform === 'linux'

/**
 * What the sender of each pair costs while it is connected and has nothing to do. All pairs idle at once: what is taken
 * is their own memory and processor time.
 *
 * @param {readonly { name: string, pair: import('../participants/participant.mjs').Pair }[]} pairs
 * @param {number} ms
 */
export async function runIdle(pairs, ms) {
  const pids = pairs.map(({ pair }) => pair.sender.pid ?? 0)
  await after(1_000)
  const before = pids.map(processorMs)
  await after(ms)
  return pairs.map(({ name }, index) => ({
    name,
    values: {
      'resident bytes': residentBytes(pids[index] ?? 0),
      'processor %': ((processorMs(pids[index] ?? 0) - (before[index] ?? 0)) / ms) * 100,
    },
  }))
}

/** proc_pid_status(5). @param {number} pid */
function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** Time on the processor, of all threads. @param {number} pid */
function processorMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  // proc_pid_stat(5): utime and stime, in ticks of which Linux has 100 per second.
  return (Number(fields[11]) + Number(fields[12])) * 10
}
