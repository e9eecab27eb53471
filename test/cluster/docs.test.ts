import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const top = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, top), 'utf8')

const page = read('docs/strategies.md')

/** The code in the first cells of the tables of a section. */
function firstCells(heading: string): string[] {
  const section = page.split(/^#+ /m).find((it) => it.startsWith(`${heading}\n`)) ?? ''
  return Array.from(section.matchAll(/^\| ([^|]+) \|/gm), ([, cell]) => cell as string).flatMap((cell) =>
    Array.from(cell.matchAll(/`([\w:-]+)`/g), ([, code]) => code as string),
  )
}

describe('docs/strategies.md', () => {
  it('has an entry for every option of a topology, and no other', () => {
    const [, body = ''] =
      /export interface TopologyOptions \{([\s\S]*?)\n\}/.exec(read('src/cluster/topology-options.ts')) ?? []
    const options = Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, name]) => name)
    expect(options.length).toBeGreaterThan(5)
    expect(firstCells('Options').sort()).toEqual(options.sort())
  })

  it('has an entry for every event, and for every channel', () => {
    const [, body = ''] =
      /export interface TopologyEvents \{([\s\S]*?)\n\}/.exec(read('src/cluster/topology-events.ts')) ?? []
    const events = Array.from(body.matchAll(/^ {2}'?([\w-]+)'?: \[/gm), ([, name]) => name)
    const channels = Array.from(read('src/cluster/telemetry.ts').matchAll(/channel\('([^']+)'\)/g), ([, name]) => name)
    expect(firstCells('Events').sort()).toEqual([...events, ...channels].sort())
  })

  it('has a section for every strategy', () => {
    const exports = read('src/cluster/index.ts').matchAll(/export \{([^}]*)\} from '\.\/strategies\//g)
    const names = Array.from(exports, ([, list]) => (list as string).split(',').map((name) => name.trim())).flat()
    const strategies = names.filter((name) => !name.startsWith('type '))
    expect(strategies).toContain('localEpmd')
    for (const name of strategies) {
      expect(page).toContain(`| [\`${name}\`](#${name.toLowerCase()}) |`)
      expect(page).toContain(`\n### ${name}\n`)
    }
  })
})
