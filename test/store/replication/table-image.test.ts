import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Action } from '../../../src/store/replication/action.ts'
import { ChangeQueue } from '../../../src/store/replication/change-queue.ts'
import { StoredEntry } from '../../../src/store/replication/stored-entry.ts'
import { Table, type TableChange, type TableState } from '../../../src/store/replication/table.ts'
import { Version } from '../../../src/store/version.ts'
import '../../support/seed.ts'

const reader = { read: (bytes: Uint8Array) => ({ value: Buffer.from(bytes).toString(), shared: true }) }

class Subject {
  readonly told: TableChange[] = []
  readonly queue = new ChangeQueue({ change: (change) => this.told.push(change), conflict: () => {} })
  readonly table = new Table(reader, {
    change: (change) => this.queue.add({ kind: 'change', change, source: 'a' }),
    replaced: (changes) => this.queue.add({ kind: 'replaced', changes, source: 'a' } satisfies Action),
    conflict: () => {},
  })
  #sequence = 0

  write(key: string, text: string | undefined): void {
    const bytes = text === undefined ? undefined : Buffer.from(text)
    const write = { key, bytes, ttl: undefined, stale: 0, expected: undefined }
    const version = new Version(1, 'a', ++this.#sequence)
    const operation = { kind: 'write', writes: [write] } as const
    this.table.apply({ version, at: 0, client: '', request: 0, floor: 0, operation })
  }

  get contents(): Record<string, unknown> {
    return Object.fromEntries(Array.from(this.table.entries(), ([key, { value }]) => [key, value]))
  }
}

function state(contents: Record<string, string>): TableState {
  const position = new Version(2, 'b', 1000)
  const entry = ([key, text]: [string, string]): [string, StoredEntry] => [
    key,
    new StoredEntry(reader, key, position, Buffer.from(text), undefined, undefined),
  ]
  return { position, entries: new Map(Object.entries(contents).map(entry)), reaches: [], sessions: [] }
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const step = fc.oneof(
  fc.record({ key, text: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }) }),
  fc.constant('read' as const),
)

it('an image has what the table had, whatever is written while it is read', () => {
  fc.assert(
    fc.property(fc.array(step), fc.array(step), (before, after) => {
      const subject = new Subject()
      for (const each of before) if (each !== 'read') subject.write(each.key, each.text)
      const expected = subject.contents
      const image = subject.table.image()
      const read: Record<string, unknown> = {}
      const readOn = (): void => {
        for (const entry of image.next(1, 100)) read[entry.key] = entry.value
      }
      for (const each of after) {
        if (each === 'read') readOn()
        else subject.write(each.key, each.text)
        for (const name of 'abcdef') expect(image.has(name)).toBe(name in expected)
      }
      while (!image.done) readOn()
      image.close()
      expect(read).toEqual(expected)
    }),
  )
})

it('of a table that was replaced readers are told little by little, and of nothing later before that', () => {
  const contents = fc.dictionary(key, fc.constantFrom('1', '2'), { noNullPrototype: true })
  fc.assert(
    fc.property(contents, contents, fc.array(step), (before, replacement, after) => {
      const subject = new Subject()
      for (const [name, text] of Object.entries(before)) subject.write(name, text)
      const shown: Record<string, unknown> = subject.contents
      subject.told.length = 0
      subject.table.install(state(replacement))
      expect(subject.contents).toEqual(replacement)
      for (const each of after) {
        if (each === 'read') subject.queue.tell(1)
        else subject.write(each.key, each.text)
      }
      while (!subject.queue.isEmpty) subject.queue.tell(1)
      const later = subject.told.findIndex(({ cause }) => cause !== 'resync')
      if (later >= 0) expect(subject.told.slice(later).every(({ cause }) => cause !== 'resync')).toBe(true)
      for (const change of subject.told) {
        if (change.entry === undefined) delete shown[change.key]
        else shown[change.key] = change.entry.value
      }
      expect(shown).toEqual(subject.contents)
    }),
  )
})
