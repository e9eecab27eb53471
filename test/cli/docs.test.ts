import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/base/limits.ts'
import { createProgram } from '../../src/cli/program.ts'
import { runCommand } from './support.ts'

const top = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, top), 'utf8')

/** The first cells of a page's tables that are code. */
const firstCells = (page: string) => Array.from(read(page).matchAll(/^\| `([^`]+)` \|/gm), ([, cell]) => cell)

describe('docs/cli.md', () => {
  const names = createProgram().commands.map((command) => command.name())

  it.each(['', ...names])('shows the help of tsunagi %s as it is', async (name) => {
    const args = name === '' ? ['--help'] : [name, '--help']
    const { text } = await runCommand(args)
    expect(read('docs/cli.md')).toContain(`$ tsunagi ${args.join(' ')}\n${text.trimEnd()}\n\`\`\``)
  })
})

describe('docs/errors.md', () => {
  it('has an entry for every code, and no other', () => {
    const codes = Array.from(read('src/base/errors.ts').matchAll(/^ {2}\| '(ERR_\w+)'/gm), ([, code]) => code)
    expect(codes.length).toBeGreaterThan(20)
    expect(firstCells('docs/errors.md').sort()).toEqual(codes.sort())
  })
})

describe('docs/limits.md', () => {
  it('has an entry for every limit with its default, and no other', () => {
    const rows = Object.entries(defaultLimits).map(([name, value]) => `| \`${name}\` | ${inWords(name, value)} |`)
    for (const row of rows) expect(read('docs/limits.md')).toContain(row)
    expect(firstCells('docs/limits.md')).toEqual(Object.keys(defaultLimits))
  })
})

describe('docs/nodes.md', () => {
  it('has an entry for every option of startNode, and no other', () => {
    const [, body = ''] =
      /export interface NodeOptions[^{]*\{([\s\S]*?)\n\}/.exec(read('src/node/node-options.ts')) ?? []
    const own = Array.from(body.matchAll(/^ {2}readonly (\w+)\?/gm), ([, name]) => name)
    expect(own.length).toBeGreaterThan(10)
    expect(firstCells('docs/nodes.md').sort()).toEqual([...own, 'binaries', 'maps', 'floats', 'keys'].sort())
  })
})

describe('the pages', () => {
  it('are all in the sidebar', () => {
    const pages = readdirSync(new URL('docs/', top)).filter((file) => file.endsWith('.md') && file !== 'index.md')
    const config = read('docs/.vitepress/config.ts')
    for (const page of pages) expect(config).toContain(`link: '/${page.slice(0, -3)}'`)
  })
})

/** 128 MiB, 4 KiB, 16,000,000. */
function inWords(name: string, value: number): string {
  if (!/Bytes$|^link/.test(name)) return value.toLocaleString('en')
  return value >= 2 ** 20 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`
}
