import { expect, it } from 'vitest'
import { compile, fileOf } from '../../../src/store/functions/compile.ts'
import { SourceChecker } from '../../../src/store/functions/source-checker.ts'
import { errorOf } from './support.ts'

const checker = await SourceChecker.load({ functionBytes: 10_000, globals: [], imports: new Set(['m', 'absent']) })
const modules = new Map([['m', 'data:text/javascript,export const x = 7']])

const made = (source: string, name = 'sum') => {
  const checked = checker.check(source, name)
  return { fn: compile({ ...checked, name, modules }), file: fileOf({ ...checked, name }) }
}

it('shows the function, its version and its own lines and columns in stack traces', async () => {
  const { fn, file } = made(
    '(a, b) => {\n  const inner = () => {\n    throw new Error("oops")\n  }\n  return inner()\n}',
  )
  expect(file).toMatch(/^tsunagi:function\/sum@[0-9a-f]{8}\.js$/)
  const { stack } = await errorOf(() => fn(1, 2))
  expect(stack?.split('\n').slice(0, 3)).toEqual(['Error: oops', `    at inner (${file}:3:11)`, `    at ${file}:5:10`])
})

it('keeps columns right behind an import, whose loader has a name that the source does not use', async () => {
  const { fn, file } = made('async ($____0) => { await import("m"); throw new Error("oops") }')
  const { stack } = await errorOf(() => fn())
  expect(stack).toContain(`${file}:1:46`)
})

it('gives names that stand in a path', () => {
  expect(fileOf({ name: 'a/b c?#"', hash: '0123456789' })).toBe('tsunagi:function/a%2Fb%20c%3F%23%22@01234567.js')
})

it('loads modules from where the node has them, and no others', async () => {
  expect(await made('async () => (await import("m")).x').fn()).toBe(7)
  expect(await errorOf(() => made('() => import("absent")').fn())).toMatchObject({ code: 'ERR_FUNCTION_REFUSED' })
})

it('runs in strict mode, without a `this`', async () => {
  expect(made('function () { return (function () { return this })() }').fn()).toBe(undefined)
  await expect(made('async (o) => { o.x = 1 }').fn(Object.freeze({}))).rejects.toThrow(TypeError)
})

it('makes values of this realm', () => {
  expect(made('() => []').fn()).toBeInstanceOf(Array)
  expect(made('() => new TypeError("x")').fn()).toBeInstanceOf(TypeError)
})

it('says when this Node.js does not know a syntax that the check does', async () => {
  const source = '() => %x'
  const error = await errorOf(() => compile({ source, hash: '0123456789', imports: [], name: 'f', modules }))
  expect(error).toMatchObject({ code: 'ERR_FUNCTION_SOURCE', function: 'f', problems: [{ line: 1 }] })
  expect(error.cause).toBeInstanceOf(SyntaxError)
})
