import { describe, expect, it } from 'vitest'
import { compile } from '../../../src/store/functions/compile.ts'
import { SourceChecker } from '../../../src/store/functions/source-checker.ts'
import { errorOf } from './support.ts'

const checker = await SourceChecker.load({
  functionBytes: 10_000,
  globals: ['process'],
  imports: new Set(['node:path']),
})

const problemsOf = async (given: string | ((...args: never[]) => unknown)) => {
  const error = await errorOf(() => checker.check(given, 'f'))
  expect(error).toMatchObject({ name: 'FunctionError', code: 'ERR_FUNCTION_SOURCE', function: 'f' })
  return error.problems
}

const run = (given: string | ((...args: never[]) => unknown), ...args: unknown[]) => {
  const checked = checker.check(given, 'f')
  return compile({ ...checked, name: 'f', modules: new Map([['node:path', 'node:path']]) })(...args)
}

const outside = 3

describe('a function value', () => {
  it.each<[what: string, fn: (...args: never[]) => unknown, args: unknown[], result: unknown]>([
    ['an arrow', (a: number, b: number) => a + b, [1, 4], 5],
    [
      'a function that calls itself',
      function down(n: number): number {
        return n === 0 ? 0 : down(n - 1)
      },
      [3],
      0,
    ],
    [
      'a method',
      {
        twice(a: number) {
          return a * 2
        },
      }.twice,
      [4],
      8,
    ],
    [
      'a method called get',
      {
        get(a: number) {
          return a * 2
        },
      }.get,
      [4],
      8,
    ],
    [
      'a method called async',
      {
        async(a: number) {
          return a * 2
        },
      }.async,
      [4],
      8,
    ],
    [
      'a method with a quoted name',
      {
        'a-b'(a: number) {
          return a * 2
        },
      }['a-b'],
      [4],
      8,
    ],
    [
      'defaults, rest parameters and patterns',
      ({ a = 1 }: { a?: number }, ...rest: number[]) => [a, ...rest],
      [{}, 2],
      [1, 2],
    ],
    ['what was made of text', new Function('a', 'b', 'return a - b') as () => unknown, [5, 2], 3],
  ])('is taken: %s', (_what, fn, args, result) => {
    expect(run(fn, ...args)).toEqual(result)
  })

  it('is taken when it is async, and so is an async method', async () => {
    expect(await run(async (a: number) => a + 1, 1)).toBe(2)
    expect(
      await run(
        {
          async next(a: number) {
            return a + 1
          },
        }.next,
        1,
      ),
    ).toBe(2)
  })

  it.each<[what: string, fn: unknown, message: RegExp]>([
    ['bound', ((a: number) => a).bind(null), /bound or built in/],
    ['built in', Math.max, /bound or built in/],
    ['a Proxy', new Proxy(() => 1, {}), /Proxy/],
    ['a class', class Thing {}, /class/],
    [
      'a generator',
      function* () {
        yield 1
      },
      /generator/,
    ],
    [
      'an async generator',
      async function* () {
        yield 1
      },
      /generator/,
    ],
    [
      'a getter',
      Object.getOwnPropertyDescriptor(
        {
          get x() {
            return 1
          },
        },
        'x',
      )?.get,
      /getter/,
    ],
  ])('is refused: %s', async (_what, fn, message) => {
    const [problem] = await problemsOf(fn as () => unknown)
    expect(problem?.message).toMatch(message)
  })

  it('is not asked for its text, which it could lie about', () => {
    const fn = Object.assign((a: number) => a + 1, { toString: () => '() => "a lie"' })
    expect(run(fn, 1)).toBe(2)
  })

  it('may not use a variable from around it, and the error names it', async () => {
    expect(await problemsOf((a: number) => a * outside)).toMatchObject([{ line: 1, variable: 'outside' }])
  })
})

describe('a source text', () => {
  it('keeps the function alone: not what stands around it', () => {
    const source = '(a, b) => a + b'
    for (const text of [source, ` \n${source};`, `/* adds */ (${source}) // done`, `\ufeff((${source}))`]) {
      expect(checker.check(text)).toMatchObject({ source, hash: checker.check(source).hash })
    }
  })

  it('has another hash when it is another text', () => {
    expect(checker.check('() => 1').hash).not.toBe(checker.check('() =>  1').hash)
    expect(checker.check('() => 1').hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each([
    ['}); evil('],
    ['function () {}); evil('],
    ['() => 1); evil('],
    ['() => {}) (() => {'],
    ['() => 1, evil()'],
    ['() => 1; evil()'],
    ['() => 1\nevil()'],
    ['(() => 1)()'],
    ['() => 1 }'],
    ['function f() {} function g() {}'],
    ['() => 1 /*'],
    ['() => {} `x`'],
    ['() => 1 // \u2028 evil()'],
    ['x'],
    ['1'],
    ['class {}'],
    ['{ a() {} }'],
    ['a() { return 1 }'],
    ['export default () => 1'],
    ['import x from "x"'],
    ['#!/usr/bin/env node\n() => 1'],
    [''],
    [' // nothing\n'],
  ])('is refused when it is not one function expression: %j', async (text) => {
    expect(await problemsOf(text)).toHaveLength(1)
  })

  it.each<[text: string, line: number, column: number, message: RegExp]>([
    ['(a) =>\n  a +', 2, 6, /syntax/],
    ['() => {\n\n  return }}', 3, 11, /something follows/],
    ['(a, a) => 1', 1, 5, /syntax/],
    ['() => 010', 1, 7, /syntax/],
    ['() => { with (a) {} }', 1, 9, /syntax/],
    ['() => import.meta.url', 1, 7, /syntax/],
    ['() => super.x', 1, 7, /syntax/],
    ['() => new.target', 1, 7, /syntax/],
    ['(a) => {\r\n  let b = 1\r\n  return a * rate }', 3, 14, /uses `rate`/],
    ['(a = rate) => a', 1, 6, /uses `rate`/],
    ['({ [rate]: a }) => a', 1, 5, /uses `rate`/],
    ['() => `$' + '{rate}`', 1, 10, /uses `rate`/],
    ['() => typeof window', 1, 14, /uses `window`.*Node\.js/],
    ['() => { count++ }', 1, 9, /assigns to `count`/],
    ['() => { Math = null }', 1, 9, /assigns to `Math`/],
    ['() => eval("1")', 1, 7, /uses `eval`/],
    ['() => \\u0065val("1")', 1, 7, /uses `eval`/],
    ['() => Function("return 1")()', 1, 7, /uses `Function`/],
    ['() => globalThis.x', 1, 7, /uses `globalThis`/],
    ['() => require("fs")', 1, 7, /uses `require`.*import\(\)/],
    ['() => arguments', 1, 7, /uses `arguments`/],
    ['() => __vi_import_0__.x', 1, 7, /Vitest/],
    ['() => (0, tsunagi_1.atom)("x")', 1, 11, /import of the module/],
    ['() => cov_1a2b().s[0]++', 1, 7, /coverage/],
    ['() => __async(1)', 1, 7, /compiler/],
    ['() => this', 1, 7, /`this`/],
    ['function () { return () => this }', 1, 28, /`this`/],
    ['() => class { [this.x] = 1 }', 1, 16, /`this`/],
    ['() => class extends this.x {}', 1, 21, /`this`/],
    ['() => import("node:fs")', 1, 7, /"node:fs".*does not allow/],
    ['(x) => import(x)', 1, 8, /string literal/],
    ['() => import("node:path", { with: {} })', 1, 7, /options/],
    ['() => {\n<!-- old\n}', 2, 1, /HTML comment/],
    ['() => {\n--> old\n}', 2, 1, /HTML comment/],
    ['() => { //# sourceURL=other.js\n}', 1, 9, /another source/],
    ['() => { //@ sourceMappingURL=other.js.map\n}', 1, 9, /another source/],
    ['() => "\ud800"', 1, 1, /surrogate/],
  ])('is refused, and the error says where: %j', async (text, line, column, message) => {
    const [problem] = await problemsOf(text)
    expect(problem).toMatchObject({ line, column, message: expect.stringMatching(message) })
  })

  it.each<[text: string, args: unknown[], result: unknown]>([
    ['function (...a) { return arguments.length + a.length }', [1, 2], 4],
    ['() => { class A { x = 1; y = this.x; static z = this.name; m() { return this.y } } return new A().m() }', [], 1],
    ['() => { function f() { return this } return f.call(7) }', [], 7],
    ['() => [..."ab"].map((x) => x.toUpperCase()).join("")', [], 'AB'],
    ['function (a) { return a * 2 }', [4], 8],
    ['(Map) => Map + 1', [1], 2],
    ['(a) => { label: for (;;) { if (a-- === 0) break label } return a }', [3], -1],
    ['() => { let eval_ = 1; { let Function = 2; eval_ += Function } return eval_ }', [], 3],
    ['() => { // <!-- a comment in a comment\n return "<!-- text -->" }', [], '<!-- text -->'],
    ['() => process.version', [], process.version],
    ['(o) => { const { __proto__: p, ...rest } = o; return rest }', [{ a: 1 }], { a: 1 }],
    ['() => atom("ok").name', [], 'ok'],
    ['() => tuple(1, 2).length', [], 2],
    ['() => { const f = __name(() => 1, "one"); return f.name }', [], 'one'],
  ])('is taken: %j', (text, args, result) => {
    expect(run(text, ...args)).toEqual(result)
  })

  it('is refused when it nests too deep or is too long, in bytes', async () => {
    expect(await problemsOf(`() => ${'['.repeat(9000)}`)).toMatchObject([{ message: 'it nests too deep' }])
    const long = [{ message: 'its source is longer than 10000 bytes (limits.functionBytes)' }]
    expect(await problemsOf(`() => "${'é'.repeat(5000)}"`)).toMatchObject(long)
    expect(await problemsOf(' '.repeat(10_001))).toMatchObject(long)
  })

  it('may import what is allowed', async () => {
    expect(await run('async (a) => (await import("node:path")).posix.join(a, "b")', 'a')).toBe('a/b')
  })

  it('shows all its problems, up to a hundred', async () => {
    expect(await problemsOf('() => [a, this, b]')).toMatchObject([{ column: 8 }, { column: 11 }, { column: 17 }])
    expect(await problemsOf(`() => [${'x,'.repeat(4000)}]`)).toHaveLength(100)
    const { message } = await errorOf(() => checker.check('() => [a, b, c, d, e, f, g]', 'f'))
    expect(message).toMatch(/^the function "f" cannot be distributed: .* \(line 1, column 8\); .*; and 2 more$/)
  })
})
