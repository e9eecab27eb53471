import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startNodeProcess } from '../../support/child.ts'
import type { OsProcess } from '../../support/os-process.ts'
import { Stage } from './stage.ts'

const WRITER = new URL('./writer.ts', import.meta.url).pathname
const names = ['a@127.0.0.1', 'b@127.0.0.1', 'c@127.0.0.1']
const ROUNDS = 6
const PATIENCE = 60_000

it('loses nothing acknowledged when processes are killed in the middle of their writes', {
  timeout: 300_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagi-killed-'))
  await using stage = new Stage()
  const own = stage.open(await stage.node('a'), { members: names, directory: join(directory, 'a') })
  const port = String(await stage.epmd())
  const start = (name: string): OsProcess => {
    const home = join(directory, name)
    return startNodeProcess(['--import', 'tsx', WRITER, name, stage.cookie, port, home, ...names])
  }
  const acknowledged = new Set<string>()
  const writers = new Map<string, OsProcess>()
  try {
    for (const name of names.slice(1)) writers.set(name, start(name))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, writer] of writers) {
        await writer.waitUntil(
          () => writer.output.length > 200 || undefined,
          `to write, in round ${round} (${name})`,
          PATIENCE,
        )
      }
      // Both at once every third time: then there is no majority until one is back.
      const victims = round % 3 === 2 ? names.slice(1) : [names[1 + (round % 2)] as string]
      for (const name of victims) {
        const writer = writers.get(name) as OsProcess
        writer.kill('SIGKILL')
        await writer.exited
        for (const line of writer.output) acknowledged.add(line)
        writers.set(name, start(name))
      }
    }
    for (const writer of writers.values())
      await writer.waitUntil(() => writer.output.length > 0 || undefined, 'to write', PATIENCE)
    await own.engine.submit({ kind: 'put', key: 'last', value: 1 }, { timeout: PATIENCE })
    expect(acknowledged.size).toBeGreaterThan(1000)
    const lost = [...acknowledged].filter((key) => own.engine.read(key) === undefined)
    expect(lost).toEqual([])
  } finally {
    for (const writer of writers.values()) await writer[Symbol.asyncDispose]()
    await own.engine.close()
    rmSync(directory, { recursive: true })
  }
})
