import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as op from '../../src/dist/control.ts'
import { DFLAG } from '../../src/dist/flags.ts'
import * as tags from '../../src/term/tags.ts'
import { isTestOf } from './test-titles.ts'

const top = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, top), 'utf8')
const page = read('docs/protocol-support.md')

/** The rows of a section's table, as cells. */
function rows(section: string): string[][] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`))
  if (text === undefined) throw new Error(`there is no section ${section}`)
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '))
}

const sections = Array.from(page.matchAll(/^## (.+)$/gm), ([, title]) => title as string)
const withoutTicks = (cell: string | undefined) => cell?.replace(/^`(.*)`$/, '$1')

/** The names and numbers in a table's first two columns. */
const numbered = (section: string) => rows(section).map(([name, number]) => [withoutTicks(name), Number(number)])

/** The labels in a table's first column, once each: `{label, …}` or `label`. */
const labels = (section: string) => [
  ...new Set(rows(section).flatMap(([cell]) => /^`\{?(?:tsunagi_mesh, 1, )?(\w+)/.exec(cell ?? '')?.[1] ?? [])),
]

const exported = (constants: Readonly<Record<string, unknown>>) =>
  Object.entries(constants).filter((entry): entry is [string, number] => typeof entry[1] === 'number')

/** Every atom that a file makes by name, but for those named here. */
function atomsOf(path: string, ...others: readonly string[]): string[] {
  const made = Array.from(read(path).matchAll(/\batom\('([^']+)'\)/g), ([, name]) => name as string)
  return [...new Set(made)].filter((name) => !others.includes(name))
}

describe('docs/protocol-support.md', () => {
  it('has a row for every capability flag with its bit, and no other', () => {
    const bits = Object.entries(DFLAG).map(([name, flag]) => [name, flag.toString(2).length - 1])
    expect(numbered('Capability flags')).toEqual(bits)
  })

  it('has a row for every operation of control messages, and no other', () => {
    const operations = exported(op).sort(([, a], [, b]) => a - b)
    expect(numbered('Control messages')).toEqual(operations)
  })

  it('has a row for every tag of terms, and no other', () => {
    const all = exported(tags).sort(([, a], [, b]) => a - b)
    expect(numbered('Terms')).toEqual(all)
  })

  it('has a row for every message of EPMD, and no other', () => {
    const wire = Array.from(read('src/epmd/wire.ts').matchAll(/^const ([A-Z0-9_]+) = (\d+)$/gm), ([, name, number]) => [
      name,
      Number(number),
    ])
    expect(wire.length).toBeGreaterThan(5)
    expect(numbered('EPMD').sort()).toEqual(wire.sort())
  })

  it.each<[section: string, path: string, others: string[]]>([
    ['Requests to net_kernel', 'net-kernel.ts', ['yes', 'ignored', 'EXIT', 'notsup', 'error', 'not_supported']],
    [
      'Requests to rex',
      'rpc/rex.ts',
      ['rex', '$gen_cast', 'badrpc', 'badarg', 'system_limit', 'features_reply', 'erpc', 'nonexisting_name'],
    ],
    ['Messages of pg', 'pg/scope-messages.ts', ['$gen_cast']],
    ['Messages of Phoenix.PubSub', '../pubsub/engines/mesh/messages.ts', []],
    [
      'Messages of global',
      'global/messages.ts',
      ['global', 'locker', 'no_longer_a_pid', 'unused', 'insert', 'delete', 'vsn', 'lock'],
    ],
    ['Between nodes of this package', 'mesh/mesh-message.ts', []],
  ])('has a row under %s for everything in %s, and no other', (section, path, others) => {
    expect(labels(section).sort()).toEqual(atomsOf(`src/node/${path}`, ...others).sort())
  })

  it('has a row for every request to global_name_server, and no other', () => {
    const path = 'src/node/global/requests.ts'
    const [, plain = ''] = /const PLAIN = new Set\(\[([^\]]*)\]/.exec(read(path)) ?? []
    const bare = Array.from(plain.matchAll(/'(\w+)'/g), ([, name]) => name as string)
    expect(bare.length).toBeGreaterThan(5)
    expect(labels('Requests to global_name_server').sort()).toEqual([...atomsOf(path), ...bare].sort())
  })

  it.each(sections)('says how each row of %s stands, and proves it by a test that is there', (section) => {
    const table = rows(section)
    expect(table.length).toBeGreaterThan(2)
    for (const cells of table) {
      const [name] = cells
      const proofs = (cells.at(-1) ?? '').split('<br>')
      for (const proof of proofs) {
        const [, file, title] = /^`([\w/-]+\.test\.ts)` (.+)$/.exec(proof) ?? []
        if (file === undefined || title === undefined) throw new Error(`${name} has no proof: ${proof}`)
        expect(isTestOf(`test/${file}`, title), `${name}: ${file} has no test "${title}"`).toBe(true)
      }
    }
  })
})
