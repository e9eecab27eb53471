import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { NodesView } from '../../src/observe/view.ts'
import { hasTool } from '../support/tools.ts'
import { Home, launch, runCommand } from './support.ts'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const pidsIn = (text: string): number[] => Array.from(text.matchAll(/process (\d+),/g), ([, pid]) => Number(pid))

const full = (alive: string): string => `${alive}@127.0.0.1`
const patient = { timeout: 60_000 }

/** Listens at a port, or finds that somebody does. */
async function occupy(port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.once('error', () => resolve()).listen(port, '127.0.0.1', () => resolve()))
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

describe('tsunagi demo', () => {
  it('runs to its end, with each step told, and leaves no process behind', { timeout: 120_000 }, async () => {
    const { code, text, output } = await runCommand(['demo', '--once', '--json'])
    expect(code, text).toBe(0)
    const lines = output.map((line) => JSON.parse(line))
    const steps = lines.filter((line) => 'title' in line).map(({ step }) => step)
    expect(steps).toEqual(['start', 'publish', 'call', 'store', 'function', 'kill', 'heal', 'beam'])
    const said = (step: string) => lines.filter((line) => line.step === step && 'text' in line).map(({ text }) => text)
    expect(said('publish')[0]).toMatch(/^haru \d+\.\d °C, natsu \d+\.\d °C, aki \d+\.\d °C$/)
    expect(said('store').filter((line: string) => line.endsWith(', computed here'))).toHaveLength(1)
    expect(said('function')).toEqual(["call('fahrenheit', [20]) -> 68, defined here", "call('fahrenheit', [25]) -> 77"])
    const beam = hasTool('erl') ? /^(Elixir|Erlang), with nothing added: .*\{:?add, 10\}\) -> 19$/ : /is not here/
    expect(said('beam')[0]).toMatch(beam)
    expect(pidsIn(text)).toHaveLength(4)
    expect(pidsIn(text).filter(isAlive)).toEqual([])
  })

  it('shows a store with a loader that is killed and comes back, and leaves no process behind', {
    timeout: 120_000,
  }, async () => {
    const { code, text, output } = await runCommand(['demo', 'store', '--once', '--json'])
    expect(code, text).toBe(0)
    const lines = output.map((line) => JSON.parse(line))
    const steps = lines.filter((line) => 'title' in line).map(({ step }) => step)
    expect(steps).toEqual(['start', 'get', 'call', 'late', 'kill', 'heal'])
    const said = lines.filter(({ step }) => step === 'get' || step === 'call').map(({ text }) => text)
    expect(said).toEqual(
      expect.arrayContaining([
        "get('hello') -> world, made here",
        "get('hello') -> world",
        "call('sum', [1,4]) -> 5, made here",
      ]),
    )
    expect(pidsIn(text)).toHaveLength(5)
    expect(pidsIn(text).filter(isAlive)).toEqual([])
  })

  it('shows the cluster in a browser, starts again whom somebody kills, and goes on until it is interrupted', {
    timeout: 180_000,
  }, async () => {
    // The port it would take is taken, by this test or by another demo.
    await using taken = await occupy(4040)
    using home = new Home()
    await using demo = launch(home, ['demo', '--no-open'])
    const [, url = ''] = /(http:\S+)/.exec(await demo.waitForOutput(/^See it all, live: /, patient)) ?? []
    expect(new URL(url).port).not.toBe(String(taken.port))
    await demo.waitForOutput(/^It goes on until Ctrl-C\. Kill one yourself: kill -9 \d+$/, { timeout: 150_000 })
    const { nodes } = (await (await fetch(`${url}api/nodes`)).json()) as NodesView
    expect(nodes.map(({ name }) => name)).toEqual(expect.arrayContaining(['aki', 'haru', 'natsu'].map(full)))
    const from = demo.output.length
    process.kill(pidsIn(demo.output.join('\n'))[2] as number, 'SIGKILL')
    await demo.waitForOutput(/ is gone \(signal SIGKILL\), and comes back in 3 s$/, { from, ...patient })
    await demo.waitForOutput(/connected to .*@127\.0\.0\.1/, { from, ...patient })
    demo.kill('SIGINT')
    expect((await demo.exited).code).toBe(0)
    expect(pidsIn(demo.output.join('\n')).filter(isAlive)).toEqual([])
  })

  it('leaves no process behind when it is interrupted', { timeout: 60_000 }, async () => {
    using home = new Home()
    await using demo = launch(home, ['demo'])
    await demo.waitForOutput(/natsu +process/)
    await demo.waitForOutput(/haru +process/)
    demo.kill('SIGINT')
    expect((await demo.exited).code).toBe(130)
    const pids = pidsIn(demo.output.join('\n'))
    expect(pids.length).toBeGreaterThan(1)
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('takes its nodes along when it is killed', { timeout: 60_000 }, async () => {
    using home = new Home()
    await using demo = launch(home, ['demo'])
    await demo.waitForOutput(/natsu +process/)
    demo.kill('SIGKILL')
    await demo.exited
    await expect.poll(() => pidsIn(demo.output.join('\n')).filter(isAlive), { timeout: 15_000 }).toEqual([])
  })
})
