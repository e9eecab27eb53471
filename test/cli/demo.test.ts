import { describe, expect, it } from 'vitest'
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

describe('tsunagi demo', () => {
  it('runs to its end, with each step told, and leaves no process behind', { timeout: 120_000 }, async () => {
    const { code, text, output } = await runCommand(['demo', '--once', '--json'])
    expect(code, text).toBe(0)
    const steps = output.map((line) => JSON.parse(line)).filter((line) => 'title' in line)
    const erlang = hasTool('erl') ? ['erlang'] : []
    expect(steps.map(({ step }) => step)).toEqual(['start', 'mesh', 'send', 'call', 'kill', 'heal', ...erlang])
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

  it('leaves no process behind when it is interrupted', { timeout: 60_000 }, async () => {
    using home = new Home()
    await using demo = launch(home, ['demo'])
    await demo.waitForOutput(/natsu +process/)
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
