import { expect, it } from 'vitest'
import { startNodeProcess } from '../../support/child.ts'

const src = new URL('../../../src/', import.meta.url)

/** Says which of the two packages get loaded, in the order of what happens. */
const program = `
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    import { writeSync } from 'node:fs'
    export async function resolve(specifier, context, next) {
      if (specifier === 'acorn' || specifier === 'eslint-scope') writeSync(1, 'loads ' + specifier + '\\\\n')
      return next(specifier, context)
    }
  \`))
  await import('${new URL('index.ts', src)}')
  const { Functions } = await import('${new URL('store/functions/functions.ts', src)}')
  const clock = { now: () => 0, after: () => ({ cancel() {} }) }
  const replicator = { define: async (definition) => functions.install(definition, 'a@host') }
  const functions = new Functions({ from: [] }, { self: 'a@host', clock, limits: { functionBytes: 1000 }, replicator })
  console.log('imported')
  console.log(await functions.call('sum', [1, 4], () => (a, b) => a + b))
`

it('the packages that read sources are loaded when the first function is defined, not before', async () => {
  await using child = startNodeProcess(['--no-warnings', '--import', 'tsx', '--input-type=module', '-e', program])
  await child.exited
  const { output } = child
  expect(output[0], output.join('\n')).toBe('imported')
  expect(output.slice(1, -1).sort()).toEqual(['loads acorn', 'loads eslint-scope'])
  expect(output.at(-1)).toBe('5')
})
