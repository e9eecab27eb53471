/** The tables of the pages have a row for each thing there is, and for nothing else. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/base/limits.ts'
import { createProgram } from '../../src/cli/program.ts'
import { runCommand } from '../cli/support.ts'
import { blocksOf, read, top } from './pages.ts'

/** What is code in the first cells of the rows of a page. */
const firstCells = (page: string): string[] =>
  Array.from(read(page).matchAll(/^\| `([^`]+)` \|/gm), ([, cell]) => cell as string)

/** The same of one section; a cell may have several, and more than letters. */
function cellsOf(page: string, heading: string): string[] {
  const section = read(page)
    .split(/^#+ /m)
    .find((it) => it.startsWith(`${heading}\n`))
  return Array.from(section?.matchAll(/^\| ([^|]+) \|/gm) ?? [], ([, cell]) => cell as string).flatMap((cell) =>
    Array.from(cell.matchAll(/`([\w:-]+)`/g), ([, code]) => code as string),
  )
}

/** The members of an interface, as a file declares them. */
function membersOf(file: string, name: string): string[] {
  const [, body = ''] = new RegExp(`export interface ${name}[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(read(file)) ?? []
  return Array.from(body.matchAll(/^ {2}(?:readonly )?'?([\w-]+)'?\??:/gm), ([, member]) => member as string)
}

/** Every source of the package. */
const sources = readdirSync(join(top, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

describe('docs/cli.md', () => {
  const names = createProgram().commands.map((command) => command.name())

  it.each(['', ...names])('shows the help of tsunagi %s as it is', async (name) => {
    const args = name === '' ? ['--help'] : [name, '--help']
    const { text } = await runCommand(args)
    const command = `tsunagi ${args.join(' ')}`
    const block = blocksOf('docs/cli.md').find((it) => it.text.startsWith(`$ ${command}\n`))
    expect(block?.text).toBe(`$ ${command}\n${text.trimEnd()}`)
  })
})

describe('docs/errors.md', () => {
  const codes = Array.from(read('src/base/errors.ts').matchAll(/^ {2}\| '(ERR_\w+)'/gm), ([, code]) => code as string)

  it('has an entry for every code, and no other', () => {
    expect(codes.length).toBeGreaterThan(20)
    expect(firstCells('docs/errors.md').sort()).toEqual([...codes].sort())
  })

  it('has no entry for a code that nothing uses', () => {
    const used = new Set<string>()
    for (const file of sources) {
      if (file === 'base/errors.ts') continue
      for (const [, code] of read(join('src', file)).matchAll(/['"`](ERR_[A-Z_]+)['"`]/g)) used.add(code as string)
    }
    expect(codes.filter((code) => !used.has(code))).toEqual([])
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
    const own = membersOf('src/node/node-options.ts', 'NodeOptions')
    expect(own.length).toBeGreaterThan(10)
    expect(firstCells('docs/nodes.md').sort()).toEqual([...own, 'binaries', 'maps', 'floats', 'keys'].sort())
  })
})

describe('the options of startNode', () => {
  it('that are built upon a node are named in docs/nodes.md', () => {
    const options = membersOf('src/tsunagi.ts', 'StartOptions')
    expect(options).toContain('topologies')
    const text = read('docs/nodes.md')
    expect(options.filter((option) => !text.includes(`\`${option}\``))).toEqual([])
  })
})

describe('docs/strategies.md', () => {
  const page = 'docs/strategies.md'

  it('has an entry for every option of a topology, and no other', () => {
    const options = membersOf('src/cluster/topology-options.ts', 'TopologyOptions')
    expect(options.length).toBeGreaterThan(5)
    expect(cellsOf(page, 'Options').sort()).toEqual(options.sort())
  })

  it('has an entry for every event, and for every channel', () => {
    const events = membersOf('src/cluster/topology-events.ts', 'TopologyEvents')
    const channels = Array.from(read('src/cluster/telemetry.ts').matchAll(/channel\('([^']+)'\)/g), ([, name]) => name)
    expect(cellsOf(page, 'Events').sort()).toEqual([...events, ...channels].sort())
  })

  it('has a section for every strategy', () => {
    const exports = read('src/cluster/index.ts').matchAll(/export \{([^}]*)\} from '\.\/strategies\//g)
    const names = Array.from(exports, ([, list]) => (list as string).split(',').map((name) => name.trim())).flat()
    const strategies = names.filter((name) => !name.startsWith('type '))
    expect(strategies).toContain('localEpmd')
    for (const name of strategies) {
      expect(read(page)).toContain(`| [\`${name}\`](#${name.toLowerCase()}) |`)
      expect(read(page)).toContain(`\n### ${name}\n`)
    }
  })
})

describe('docs/failures.md', () => {
  it('names for each row code and a test that are there', () => {
    const rows = read('docs/failures.md')
      .split('\n')
      .filter((line) => line.startsWith('|') && line.includes('test/'))
    expect(rows.length).toBeGreaterThan(20)
    for (const row of rows) {
      const paths = Array.from(row.matchAll(/`((?:test|src)\/[^`]+)`/g), ([, path]) => path as string)
      for (const path of paths) expect(existsSync(join(top, path)), path).toBe(true)
    }
  })
})

describe('the API reference', () => {
  it('has every entry of the package', () => {
    const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, unknown> }
    const { entryPoints } = JSON.parse(read('docs/typedoc.json')) as { entryPoints: string[] }
    const entries = Object.keys(exports).filter((entry) => entry !== './package.json')
    expect([...entryPoints].sort()).toEqual(entries.map((entry) => `../src/${join(entry, 'index.ts')}`).sort())
  })
})

describe('README.md', () => {
  it('has the numbers of docs/benchmarks.md', () => {
    const cellsOfTable = (page: string): string[][] => {
      const [table = ''] = /^\| {2}\| small tuple[\s\S]*?\n\n/m.exec(read(page)) ?? []
      return table.split('\n').map((row) => row.split('|').map((cell) => cell.trim()))
    }
    const [columns = [], , ...own] = cellsOfTable('README.md')
    expect(own.length).toBeGreaterThan(3)
    const [all = [], ...measured] = cellsOfTable('docs/benchmarks.md')
    for (const [, name = '', ...numbers] of own.filter((row) => row.length > 1)) {
      const row = measured.find((it) => it[1] === name) ?? []
      expect(columns.slice(2).map((column) => row[all.lastIndexOf(column)])).toEqual(numbers)
    }
  })
})

/** 128 MiB, 4 KiB, 16,000,000. */
function inWords(name: string, value: number): string {
  if (!/Bytes$|^link/.test(name)) return value.toLocaleString('en')
  return value >= 2 ** 20 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`
}
