import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compile } from '../../../src/store/functions/compile.ts'
import { FunctionError } from '../../../src/store/functions/function-error.ts'
import { SourceChecker } from '../../../src/store/functions/source-checker.ts'
import { seed } from '../../support/seed.ts'

const runs = Number(process.env.TSUNAGI_FUZZ_RUNS ?? 5_000)

const checker = await SourceChecker.load({ functionBytes: 4096, globals: [], imports: new Set() })

const pieces = [
  '()',
  '=>',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  ',',
  ';',
  '\n',
  ' ',
  '/*',
  '*/',
  '//',
  '<!--',
  '-->',
  '`',
  '${',
]
pieces.push(
  'async',
  'await',
  'function',
  '*',
  'yield',
  'a',
  'Math',
  'this',
  'class',
  'static',
  'super',
  'new',
  '.target',
)
pieces.push('import', '.meta', '"x"', "'", '/', '\\u0061', '\\', '#', '#!', '=', '...', '?.', '1', '1n', '0x', ':', '?')
pieces.push(
  'let',
  'var',
  'const',
  'return',
  'for',
  'of',
  'in',
  'using',
  'if',
  'eval',
  'arguments',
  '"use strict"',
  '\u2028',
)

/** Token soup around something that looks like a function, so that some of it passes. */
const source = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => `(a) => { ${parts.join(' ')} }`),
  fc.array(fc.constantFrom(...pieces), { maxLength: 5 }).map((parts) => `() => ${parts.join('')}`),
  fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map((parts) => `() => 1${parts.join('')}`),
)

it('a source either passes and compiles to one function, or is refused with its problems: nothing else happens', () => {
  let passed = 0
  fc.assert(
    fc.property(source, (text) => {
      try {
        const checked = checker.check(text, 'f')
        // What is sent passes as it is.
        expect(checker.check(checked.source)).toBe(checked)
        expect(typeof compile({ ...checked, name: 'f', modules: new Map() })).toBe('function')
        passed++
      } catch (error) {
        if (!(error instanceof FunctionError)) throw error
        expect(error.problems.length).toBeGreaterThan(0)
        for (const { line, column } of error.problems) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: runs, seed },
  )
  expect(passed).toBeGreaterThan(runs / 100)
})

it('compiling runs nothing of the source', async () => {
  const lax = await SourceChecker.load({ functionBytes: 4096, globals: ['process'], imports: new Set() })
  const before = process.title
  for (const text of ['(a = process.title = "x") => a', '() => { process.title = "x" }', 'function f() { f() }']) {
    expect(typeof compile({ ...lax.check(text), name: 'f', modules: new Map() })).toBe('function')
  }
  expect(process.title).toBe(before)
})
