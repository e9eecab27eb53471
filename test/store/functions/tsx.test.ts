import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startNodeProcess } from '../../support/child.ts'

const fixture = fileURLToPath(new URL('fixtures/compiled-by-tsx.ts', import.meta.url))

it('functions work as tsx compiles them: what it puts into them is there', async () => {
  await using child = startNodeProcess(['--import', 'tsx', fixture])
  await child.exited
  const outcomes = child.output
    .filter((line) => line.startsWith('['))
    .map((line) => JSON.parse(line) as [string, unknown])
  expect(Object.fromEntries(outcomes), child.output.join('\n')).toEqual({
    sum: { result: 5 },
    names: { result: ['inner', 'named', 'Thing', 4] },
    method: { result: [8, 'again'] },
    optional: { result: 'none' },
    dynamic: { result: 'a/b' },
    captured: { code: 'ERR_FUNCTION_SOURCE', variables: ['rate'] },
    imported: { code: 'ERR_FUNCTION_SOURCE', variables: ['join'] },
  })
})
