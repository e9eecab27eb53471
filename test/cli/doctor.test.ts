import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findings } from '../../src/cluster/diagnosis/advice.ts'
import { STEPS } from '../../src/cluster/diagnosis/check.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { runCommand } from './support.ts'

const ample = ['--timeout', '60000']

describeOtp('tsunagi doctor', (release) => {
  it('says that all is well and exits with 0, or what is not and what to do, with 1', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const { epmdPort } = scene
    const well = await runCommand(['doctor', erl.name, '--cookie', 'secret', ...ample], { epmdPort })
    expect(well.code).toBe(0)
    expect(well.text).toMatch(/^ok +cookie +the two cookies are the same$/m)
    expect(well.text).toContain(`${erl.name} can be connected to.`)
    const cookie = await runCommand(['doctor', erl.name, '--cookie', 'other', ...ample], { epmdPort })
    expect(cookie.code).toBe(1)
    expect(cookie.text).toMatch(/^FAILED +cookie +/m)
    expect(cookie.text).toMatch(/^cookie: Give both nodes the same cookie/m)
    const short = await runCommand(['doctor', erl.name, '--cookie', 'secret', '--as', 'me@here', '--json'], {
      epmdPort,
    })
    expect(short.code).toBe(1)
    expect(JSON.parse(short.text)).toMatchObject({
      node: erl.name,
      healthy: false,
      checks: expect.arrayContaining([expect.objectContaining({ step: 'names', code: 'ERR_CONNECT_SPLIT_NAMES' })]),
    })
  })
})

describe('the table of what the doctor sees', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const section = /\n## doctor\n([\s\S]*?)\n## /.exec(read('docs/cli.md'))?.[1] ?? ''
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| what is seen'))
    .map((line) => line.slice(2, -2).split(' | ') as [string, string, string, string, string])
  const words = (cell: string): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, word]) => word as string)

  it('has rows for each step and for each code of the diagnosis, and no other', () => {
    const steps = new Set(rows.flatMap(([, step]) => words(step)))
    expect([...steps]).toEqual([...STEPS])
    const codes = new Set(rows.flatMap(([, , code]) => words(code)))
    const sources = ['find.ts', 'connect.ts', 'advice.ts'].map((file) => read(`src/cluster/diagnosis/${file}`)).join()
    const used = Array.from(sources.matchAll(/ERR_CONNECT_\w+/g), ([code]) => code)
    expect([...codes].sort()).toEqual([...new Set(used)].sort())
    for (const [code, { step }] of Object.entries(findings)) {
      expect(
        rows.some((row) => words(row[1]).includes(step) && words(row[2]).includes(code)),
        code,
      ).toBe(true)
    }
  })

  it('names tests that there are', () => {
    expect(rows.length).toBeGreaterThan(20)
    for (const [seen, , , , shown] of rows) {
      for (const each of shown.split('<br>')) {
        const [, file, title] = /^`([\w/.-]+)` (.+)$/.exec(each) ?? []
        expect(read(`test/${file}`).includes(title as string), `${seen}: ${each}`).toBe(true)
      }
    }
  })
})
