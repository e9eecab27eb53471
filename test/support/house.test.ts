import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const top = fileURLToPath(new URL('../../', import.meta.url))

// The rooms of CONTRIBUTING.md, written down a second time on purpose: biome.json is what is tested.
const toStore = ['base', 'term', 'epmd', 'dist', 'process', 'node', 'cluster', 'nats', 'pubsub', 'store']
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  term: ['base'],
  epmd: ['base'],
  dist: ['base', 'term'],
  process: ['base', 'term'],
  node: ['base', 'term', 'epmd', 'dist', 'process'],
  cluster: ['base', 'term', 'node'],
  nats: ['base'],
  pubsub: ['base', 'term', 'process', 'node', 'nats'],
  store: ['base', 'term', 'process', 'node', 'nats'],
  observe: toStore,
  testing: [...toStore, 'observe', 'tsunagi'],
  config: ['base', 'term', 'cluster', 'tsunagi'],
  cli: [...toStore, 'observe', 'testing', 'config', 'tsunagi'],
}
const names = [...Object.keys(rooms), 'tsunagi']

/** Lints files that exist nowhere else under the project's rules; answers the numbers of the lines with a forbidden import. */
function forbidden(planted: Readonly<Record<string, readonly string[]>>): Record<string, number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagi-house-'))
  try {
    const { vcs: _, $schema: __, ...config } = JSON.parse(readFileSync(join(top, 'biome.json'), 'utf8'))
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(config))
    for (const [file, lines] of Object.entries(planted)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), `${lines.join('\n')}\n`)
    }
    const found: Record<string, number[]> = Object.fromEntries(Object.keys(planted).map((file) => [file, []]))
    for (const match of lint(folder).matchAll(/noRestrictedImports,file=(\S+?),line=(\d+)/g)) {
      const file = Object.keys(planted).find((name) => match[1]?.endsWith(`/${name}`) || match[1] === name)
      found[file ?? '']?.push(Number(match[2]))
    }
    for (const lines of Object.values(found)) lines.sort((a, b) => a - b)
    return found
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function lint(folder: string): string {
  const biome = join(top, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none', '.']
  try {
    return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

describe('the rooms', () => {
  it('has a row for every room there is', () => {
    const folders = readdirSync(join(top, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(names).toEqual(expect.arrayContaining(folders.map((entry) => entry.name)))
  })

  it('import only what their row names, from the room itself and from a folder in it', () => {
    const planted: Record<string, string[]> = {}
    const expected: Record<string, number[]> = {}
    for (const [room, allowed] of Object.entries(rooms)) {
      const others = names.filter((name) => name !== room)
      const lines = others.flatMap((name, index) => (allowed.includes(name) ? [] : [index + 1]))
      for (const [file, up] of [
        [`src/${room}/planted.ts`, '../'],
        [`src/${room}/inner/planted.ts`, '../../'],
      ] as const) {
        planted[file] = others.map((name) => `import '${up}${name === 'tsunagi' ? 'tsunagi.ts' : `${name}/a.ts`}'`)
        expected[file] = lines
      }
    }
    expect(forbidden(planted)).toEqual(expected)
  })

  it('see types, exports and imports on demand, and leave a room its own files and Node.js', () => {
    expect(
      forbidden({
        'src/dist/kinds.ts': [
          "import type { A } from '../node/a.ts'",
          "await import('../node/a.ts')",
          "export { A } from '../node/a.ts'",
          "export * from '../node/deep/a.ts'",
        ],
        'src/dist/own.ts': [
          "import './a.ts'",
          "import './inner/a.ts'",
          "import 'node:net'",
          "import 'node:fs/promises'",
        ],
        'src/dist/inner/own.ts': ["import '../a.ts'", "import './a.ts'"],
      }),
    ).toEqual({ 'src/dist/kinds.ts': [1, 2, 3, 4], 'src/dist/own.ts': [], 'src/dist/inner/own.ts': [] })
  })

  it('leave the composition root to itself and to what stands above it', () => {
    expect(
      forbidden({
        'src/node/planted.ts': ["import '../index.ts'", "import 'tsunagi'", "import 'tsunagi/term'"],
        'src/observe/planted.ts': ["import '../index.ts'"],
        'src/cli/planted.ts': ["import '../index.ts'", "import '../tsunagi.ts'"],
        'src/index.ts': ["import './tsunagi.ts'", "import './node/a.ts'", "await import('./observe/index.ts')"],
        'src/tsunagi.ts': ["import './cli/main.ts'", "import './testing/index.ts'", "import './config/index.ts'"],
      }),
    ).toEqual({
      'src/node/planted.ts': [1, 2, 3],
      'src/observe/planted.ts': [1],
      'src/cli/planted.ts': [],
      'src/index.ts': [],
      'src/tsunagi.ts': [1, 2, 3],
    })
  })

  it('keep the page to types of what it is told', () => {
    expect(
      forbidden({
        'web/src/panels/planted.tsx': [
          "import type { View } from '../../../src/observe/view.ts'",
          "import type { Action } from '../../../src/observe/observatory.ts'",
          "import '../feed/feed.ts'",
          "import 'preact/hooks'",
          "import type { Dashboard } from '../../../src/observe/http/dashboard.ts'",
          "import 'hono'",
          "import 'node:fs'",
        ],
      }),
    ).toEqual({ 'web/src/panels/planted.tsx': [5, 6, 7] })
  })

  it('load the packages that are theirs and no others', () => {
    const packages = [
      "import 'commander'",
      "import '@nats-io/transport-node'",
      "import 'hono/cors'",
      "import 'postgres'",
    ]
    expect(
      forbidden({
        'src/node/planted.ts': packages,
        'src/cli/planted.ts': packages,
        'src/pubsub/engines/planted.ts': packages,
        'src/observe/planted.ts': packages,
        'src/cluster/strategies/planted.ts': packages,
      }),
    ).toEqual({
      'src/node/planted.ts': [1, 2, 3, 4],
      'src/cli/planted.ts': [2, 3, 4],
      'src/pubsub/engines/planted.ts': [1, 3, 4],
      'src/observe/planted.ts': [1, 2, 4],
      'src/cluster/strategies/planted.ts': [1, 2, 3],
    })
  })
})
