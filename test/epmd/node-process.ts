import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { listNames } from '../../src/epmd/client.ts'
import type { EpmdOptions } from '../../src/epmd/epmd-options.ts'
import type { Reach } from '../../src/epmd/reach.ts'
import type { EpmdServer } from '../../src/epmd/server.ts'
import { startNodeProcess } from '../support/child.ts'
import { OsProcess } from '../support/os-process.ts'
import { type Epmd, startEpmd } from '../support/otp.ts'

const fixture = fileURLToPath(new URL('fixtures/node.mjs', import.meta.url))

/** Starts a process with one registration of that name; what it listens on does not matter to an EPMD. */
export function nodeProcess(alive: string, epmd: EpmdOptions): OsProcess {
  const options = { alive, host: '127.0.0.1', port: 40_000, hidden: true, epmd }
  return startNodeProcess(['--import', 'tsx', fixture, JSON.stringify(options)])
}

/** Waits for the next line about an event, counted from `from` in the process's output. */
export async function event(node: OsProcess, name: string, from = 0): Promise<Record<string, unknown>> {
  return JSON.parse(await node.waitForOutput(new RegExp(`"event":"${name}"`), { from }))
}

/** Asks until the answer is there: for what happens in other processes, of which no event tells us. */
export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Waits until the EPMD on `port` knows exactly these names. */
export async function namesAre(port: number, ...names: string[]): Promise<void> {
  const wanted = [...names].sort().join()
  await until(async () => {
    const known = (await listNames({ port })).map((it) => it.name)
    return known.sort().join() === wanted || undefined
  })
}

/** The reach a server finds for a name. */
export async function reachFound(server: EpmdServer, name: string): Promise<Reach> {
  for (;;) {
    const [found, reach] = (await once(server, 'reach')) as [string, Reach]
    if (found === name) return reach
  }
}

/** Erlang's own epmd, answering. */
export async function realEpmd(port?: number): Promise<Epmd> {
  const epmd = await startEpmd(port)
  await until(() => listNames({ port: epmd.port }))
  return epmd
}

/** Runs a program to its end. */
export async function run(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: readonly string[] }> {
  const it = new OsProcess(file, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } })
  const { code } = await it.exited
  return { code, output: it.output }
}
