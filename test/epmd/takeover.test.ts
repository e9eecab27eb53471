import { afterEach, describe, expect, test } from 'vitest'
import { listNames, lookup } from '../../src/epmd/client.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { event, namesAre, nodeProcess } from './node-process.ts'

const processes: OsProcess[] = []

afterEach(async () => {
  await Promise.all(processes.splice(0).map((it) => it[Symbol.asyncDispose]()))
})

/** Starts processes with one node each, all at once, and waits until all are registered. */
async function start(port: number, ...names: string[]): Promise<OsProcess[]> {
  const nodes = names.map((name) => nodeProcess(name, { port }))
  processes.push(...nodes)
  await Promise.all(nodes.map((it) => event(it, 'started')))
  return nodes
}

const serves = (node: OsProcess) => node.output.some((line) => line.includes('"event":"serving"'))

/** The one of these processes that serves the EPMD; there is only one. */
function server(nodes: readonly OsProcess[]): OsProcess {
  const serving = nodes.filter((it) => it.exit === undefined && serves(it))
  expect(serving).toHaveLength(1)
  return serving[0] as OsProcess
}

describe('nodes of several processes', () => {
  test('that start at the same moment end up with one EPMD that knows them all', async () => {
    const port = await freePort()
    const nodes = await start(port, 'a', 'b', 'c', 'd', 'e')
    server(nodes)
    await namesAre(port, 'a', 'b', 'c', 'd', 'e')
  })

  test('register again with a new one when the process that served it is killed, time after time', async () => {
    const port = await freePort()
    const names = ['a', 'b', 'c', 'd']
    const nodes = await start(port, ...names)
    while (nodes.length > 1) {
      const victim = server(nodes)
      const [name] = names.splice(nodes.indexOf(victim), 1)
      nodes.splice(nodes.indexOf(victim), 1)
      victim.kill('SIGKILL')
      await victim.exited
      await namesAre(port, ...names)
      expect(await lookup(name as string, { port })).toBeUndefined()
    }
    server(nodes)
  })

  test('register again with a new one when the node that served it closes', async () => {
    const port = await freePort()
    const [first] = (await start(port, 'a')) as [OsProcess]
    const others = await start(port, 'b', 'c')
    expect(serves(first)).toBe(true)
    first.writeLine('close')
    await event(first, 'closed')
    expect(await first.exited).toEqual({ code: 0, signal: null })
    await namesAre(port, 'b', 'c')
    server(others)
  })

  test('are found while the event loop of the one that serves is busy', async () => {
    const port = await freePort()
    const [busy] = (await start(port, 'busy')) as [OsProcess]
    busy.writeLine('block 600000')
    await event(busy, 'blocked')
    expect(await lookup('busy', { port })).toMatchObject({ port: 40_000 })
    expect(busy.output.some((line) => line.includes('unblocked'))).toBe(false)
  })

  test('do not live longer because they serve or are registered', async () => {
    const port = await freePort()
    const [only] = (await start(port, 'a')) as [OsProcess]
    only.writeLine('end')
    expect(await only.exited).toEqual({ code: 0, signal: null })
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })
})
