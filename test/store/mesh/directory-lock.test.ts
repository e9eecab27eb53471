import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DirectoryLock } from '../../../src/store/engines/mesh/directory-lock.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import { startNodeProcess } from '../../support/child.ts'
import type { OsProcess } from '../../support/os-process.ts'
import { Stage } from './stage.ts'

const HOLDER = new URL('./lock-holder.ts', import.meta.url).pathname

let directory: string
const locks: DirectoryLock[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsunagi-lock-'))
})

afterEach(() => {
  for (const lock of locks.splice(0)) lock.release()
  rmSync(directory, { recursive: true })
})

function take(): DirectoryLock {
  const lock = DirectoryLock.take(directory)
  locks.push(lock)
  return lock
}

/** Lets the last sign of life be long ago. */
function silence(): void {
  utimesSync(join(directory, 'lock'), new Date(), new Date(Date.now() - 15_000))
}

/** The lock as it is, with something else in it. */
function rewrite(changes: object): void {
  const path = join(directory, 'lock')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }))
}

function start(): OsProcess {
  return startNodeProcess(['--import', 'tsx', HOLDER, directory])
}

async function firstLine(holder: OsProcess): Promise<string | undefined> {
  await holder.waitUntil(() => holder.output.length > 0 || undefined, 'to say whether it has the directory', 60_000)
  return holder.output[0]
}

describe('the lock of a directory', () => {
  it('is had by one at a time, also within a process, until it is given back', () => {
    const first = take()
    expect(take).toThrow(StoreError)
    expect(take).toThrow(expect.objectContaining({ code: 'ERR_STORE_LOCKED' }))
    expect(take).toThrow(`process ${process.pid} on `)
    first.release()
    const second = take()
    first.release()
    expect(take).toThrow('is in use')
    second.release()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is kept by a process that lives, and taken over from one that was killed', { timeout: 120_000 }, async () => {
    const holder = start()
    try {
      expect(await firstLine(holder)).toBe('taken')
      expect(take).toThrow(`in use by process ${holder.pid} on `)
      const other = start()
      expect(await firstLine(other)).toBe('ERR_STORE_LOCKED')
      await other[Symbol.asyncDispose]()
      holder.kill('SIGKILL')
      await holder.exited
      take().release()
    } finally {
      await holder[Symbol.asyncDispose]()
    }
  })

  it.skipIf(process.platform !== 'linux')('is taken over when its pid is another process by now', () => {
    take()
    rewrite({ started: '1' })
    const lock = take()
    expect(take).toThrow('is in use')
    lock.release()
  })

  it('is not taken over from another container of that host name, or from before a restart, until it is silent', () => {
    take()
    rewrite({ system: 'another one' })
    expect(take).toThrow(`in use by process ${process.pid} on `)
    silence()
    const lock = take()
    expect(take).toThrow('is in use')
    lock.release()
  })

  it('gives signs of life', async () => {
    take()
    silence()
    const { mtimeMs } = statSync(join(directory, 'lock'))
    await vi.waitUntil(() => statSync(join(directory, 'lock')).mtimeMs > mtimeMs, { timeout: 30_000 })
    expect(take).toThrow('is in use')
  }, 60_000)

  it('is not taken over from another host, nor when it says nothing', () => {
    take()
    rewrite({ host: 'elsewhere', pid: 2 ** 22 + 1 })
    expect(take).toThrow('in use by process 4194305 on elsewhere')
    writeFileSync(join(directory, 'lock'), 'what?')
    expect(take).toThrow(`remove ${join(directory, 'lock')}`)
  })

  it('is taken by a store with that directory, and given back when it closes', async () => {
    await using stage = new Stage()
    const [a, b] = [await stage.node('a'), await stage.node('b')]
    const first = stage.open(a, { directory })
    expect(() => stage.open(b, { directory })).toThrow(expect.objectContaining({ code: 'ERR_STORE_LOCKED' }))
    await first.engine.close()
    const second = stage.open(b, { directory })
    await second.engine.ready({ timeout: 30_000 })
    await second.engine.close()
    expect(readdirSync(directory)).not.toContain('lock')
  })
})
