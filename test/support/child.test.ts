import { expect, it } from 'vitest'
import { startNodeProcess } from './child.ts'

it('reads what a child prints, in lines, also the last one without an end', async () => {
  await using child = startNodeProcess(['-e', 'console.log("one\\ntwo"); process.stdout.write("three")'])
  expect(await child.waitForOutput(/three/)).toBe('three')
  expect(child.output).toEqual(['one', 'two', 'three'])
  expect(await child.exited).toEqual({ code: 0, signal: null })
})

it('speaks to a child over its standard input', async () => {
  await using child = startNodeProcess(['-e', 'process.stdin.on("data", (d) => console.log("got", String(d).trim()))'])
  child.writeLine('hello')
  await child.waitForOutput(/got hello/)
  child.endInput()
  expect(await child.exited).toEqual({ code: 0, signal: null })
})

it('rejects a wait when the child ends without the line, with what it printed', async () => {
  await using child = startNodeProcess(['-e', 'console.error("broken"); process.exit(3)'])
  await expect(child.waitForOutput(/ready/)).rejects.toThrow(/code 3.*broken/s)
})

it('ends a child that runs for ever, by its id', async () => {
  const child = startNodeProcess(['-e', 'console.log("up"); setInterval(() => {}, 1000)'])
  await child.waitForOutput(/up/)
  const { pid } = child
  await child[Symbol.asyncDispose]()
  expect(child.exit).toEqual({ code: null, signal: 'SIGKILL' })
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
})

it('says so when the program does not exist', async () => {
  await using child = startNodeProcess(['/nowhere/program.js'])
  await expect(child.waitForOutput(/ready/)).rejects.toThrow(/Cannot find module/)
})
