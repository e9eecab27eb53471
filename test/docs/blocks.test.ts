/** Every block of code of every page is checked; see `pages.ts` for what comments can say, and CONTRIBUTING.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as kubernetes from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNodeProcess } from '../support/child.ts'
import { freePort } from '../support/otp.ts'
import { availableReleases } from '../support/releases.ts'
import { describeSkipped } from '../support/tools.ts'
import { elixirProblems } from './elixir.ts'
import { type Block, blocksOf, pages } from './pages.ts'
import { problemsOf } from './shell.ts'
import { Programs, programOf } from './type-script.ts'

const blocks = pages.flatMap((page) => blocksOf(page))
const checked = blocks.filter(({ skip }) => skip === undefined)
const of = (...languages: string[]): Block[] => checked.filter(({ language }) => languages.includes(language))

const scripts = ['ts', 'js', 'mts', 'mjs']
const known = [...scripts, 'json', 'yaml', 'sh', 'elixir', 'erlang', 'text']

/** Pages whose blocks need other nodes to run, and have a test that starts them. */
const apart = new Set(['docs/phoenix.md'])

/** What is not checked, and why; a new reason is written down here. */
const skipped = /^(quoted from \S|for another tool: \S|\S+ is not a dependency$)/

describe('the blocks of all pages', () => {
  it('name a language that is checked, or say why they are not', () => {
    const strange = blocks.filter(({ language, skip }) => skip === undefined && !known.includes(language))
    expect(strange.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([])
    const unexplained = blocks.filter(({ skip }) => skip !== undefined && !skipped.test(skip))
    expect(unexplained.map(({ page, line, skip }) => `${page}:${line}: ${skip}`)).toEqual([])
    const counts: Record<string, number> = {}
    for (const { language, skip, hidden } of blocks) {
      const key = hidden ? `hidden ${language}` : skip === undefined ? language : 'skipped'
      counts[key] = (counts[key] ?? 0) + 1
    }
    process.stdout.write(`Blocks of the pages: ${JSON.stringify(counts)}\n`)
    expect(of(...scripts).length).toBeGreaterThan(50)
  })

  it('are JSON and YAML where they say so', () => {
    for (const { text } of of('json')) expect(() => JSON.parse(text), text).not.toThrow()
    for (const { text } of of('yaml')) expect(kubernetes.loadAllYaml(text), text).not.toEqual([])
  })

  it('give the command options that it has, and start programs that are there', () => {
    const problems = of('sh').flatMap((block) => {
      const files = checked.filter(({ page, file }) => page === block.page && file !== undefined)
      return problemsOf(block, new Set(files.map(({ file }) => file as string)))
    })
    // What is shown with what it prints.
    const shown = of('text').flatMap((block) => {
      const text = Array.from(block.text.matchAll(/^\$ .*$/gm), ([line]) => line).join('\n')
      return problemsOf({ ...block, text }, new Set())
    })
    expect([...problems, ...shown]).toEqual([])
  })
})

describe('the TypeScript of the pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagi-docs-'))
  const programs = new Programs(folder)
  const running: string[] = []
  let errors: string[]
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  beforeAll(async () => {
    for (const page of pages) {
      const all = of(...scripts).filter((block) => block.page === page)
      const name = page.replace(/\.md$/, '')
      const own = all.filter(({ file }) => file === undefined)
      if (own.length > 0) programs.add(`${name}/page`, programOf(own))
      const run = own.filter((block) => block.run)
      if (run.some(({ hidden }) => !hidden) && !apart.has(page)) {
        programs.add(`${name}/run`, programOf(run))
        running.push(`${name}/run`)
      }
      const files = all.filter(({ file }) => file !== undefined)
      for (const [index, block] of files.entries()) {
        programs.addFile(`${name}/file-${index}/${block.file?.replace(/\.\w+$/, '')}`, block)
      }
    }
    errors = await programs.errors()
  })

  it('fits the types of the built package', () => {
    expect(errors).toEqual([])
  })

  it('runs to its end where it says so', async () => {
    expect(running.length).toBeGreaterThan(3)
    const epmd = { ERL_EPMD_PORT: String(await freePort()), TSUNAGI_COOKIE: 'docs' }
    const script =
      'const [, file] = process.argv; import(file).then(() => process.exit(), (error) => { console.error(error); process.exit(1) })'
    for (const name of running) {
      await using program = startNodeProcess(['-e', script, programs.compiled(name)], { env: epmd, cwd: folder })
      const { code } = await program.exited
      expect(code, `${name}\n${program.output.join('\n')}`).toBe(0)
    }
  })
})

const release = availableReleases().find(({ elixir }) => elixir !== undefined)
const group = 'the Elixir and Erlang of the pages'
if (release === undefined) {
  describeSkipped(group, ['elixir'], () => it('is compiled', () => expect.hasAssertions()))
} else {
  describe(`${group} (${release.title})`, () => {
    it('is compiled', () => {
      expect(of('elixir').length).toBeGreaterThan(10)
      expect(elixirProblems(release, of('elixir', 'erlang'))).toEqual([])
    })
  })
}
