import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { StandardIssue, StandardSchemaV1 } from '../../../src/node/rpc/standard-schema.ts'
import { atom, type Term } from '../../../src/term/index.ts'
import { Cluster } from '../cluster.ts'

let cluster: Cluster
let a: LocalNode
let b: LocalNode
let calls: Term[][]

beforeAll(async () => {
  cluster = await Cluster.create()
  a = await cluster.start('a')
  b = await cluster.start('b')
  const note = (...args: Term[]): void => void calls.push(args)
  b.expose('Elixir.Math', {
    add(x: number, y: number) {
      note(x, y)
      return x + y
    },
    get_user: (id: number) => ({ id, name: 'Ada', age: 'unknown' }),
    'valid?': () => true,
    wait: () => new Promise(() => {}),
  })
})

beforeEach(() => {
  calls = []
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

interface MathModule {
  add(x: number, y: number): number
  get_user(id: number): { id: number; name: string; age: number }
  'valid?'(): boolean
  missing(): void
  wait(): void
}

/** A schema made by hand. `check` says what is wrong; `transform` makes the value. */
function schema<Output>(
  check: (value: never) => readonly StandardIssue[],
  { sync = true, transform = (value: unknown) => value as Output } = {},
): StandardSchemaV1<never, Output> {
  const validate = (value: unknown) => {
    const issues = check(value as never)
    const result = issues.length > 0 ? { issues } : { value: transform(value) }
    return sync ? result : Promise.resolve(result)
  }
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

describe('a proxy', () => {
  it('calls functions by their names as they are', async () => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math')
    expect(await math.add(1, 2)).toBe(3)
    expect(await math['valid?']()).toBe(true)
    expect(await math.get_user(7)).toEqual({ id: 7, name: 'Ada', age: 'unknown' })
    await expect(math.missing()).rejects.toMatchObject({ code: 'ERR_RPC_UNDEF', function: "'Elixir.Math':missing/0" })
    const { add } = math
    expect(add).toBe(math.add)
    expect(await add(2, 3)).toBe(5)
  })

  it('works for exposed functions of the node itself', async () => {
    expect(await b.proxy<MathModule>(b.name, 'Elixir.Math').add(1, 2)).toBe(3)
  })

  it('takes the options of calls', async () => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', { timeout: 20 })
    await expect(math.wait()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const gone = a.proxy<MathModule>(b.name, 'Elixir.Math', { signal: AbortSignal.abort(new Error('stop')) })
    await expect(gone.add(1, 2)).rejects.toThrow('stop')
  })

  it('is no promise and nothing else by accident', async () => {
    const math = a.proxy(b.name, 'Elixir.Math')
    expect(await math).toBe(math)
    expect(await Promise.resolve(math)).toBe(math)
    expect(JSON.stringify({ math })).toBe('{"math":{}}')
    expect(`${math}`).toBe('[object Object]')
    expect(inspect(math)).toContain('RemoteModule<Elixir.Math on b@127.0.0.1>')
    expect(math[Symbol.iterator as never]).toBeUndefined()
    expect(Object.keys(math)).toEqual([])
    expect(() => Object.assign(math, { add: 1 })).toThrow(TypeError)
    await new Promise(setImmediate)
    expect(calls).toEqual([])
  })

  it('refuses options it does not know, and schemas that are none', () => {
    const proxy = (options: object) => () => a.proxy(b.name, 'Elixir.Math', options)
    expect(proxy({ retries: 1 })).toThrow(expect.objectContaining({ option: 'retries' }))
    expect(proxy({ schemas: 1 })).toThrow(expect.objectContaining({ option: 'schemas' }))
    expect(proxy({ schemas: { add: 1 } })).toThrow(expect.objectContaining({ option: 'schemas.add' }))
    expect(proxy({ schemas: { add: { arg: 1 } } })).toThrow(expect.objectContaining({ option: 'schemas.add.arg' }))
    expect(proxy({ schemas: { add: { args: {} } } })).toThrow(expect.objectContaining({ option: 'schemas.add.args' }))
    const later = { '~standard': { version: 2, vendor: 'x', validate: () => ({ value: 1 }) } }
    expect(proxy({ schemas: { add: { args: later } } })).toThrow(
      expect.objectContaining({ option: 'schemas.add.args' }),
    )
    expect(() => a.proxy('b', 'm')).toThrow(expect.objectContaining({ option: 'node' }))
    expect(() => a.proxy(b.name, '')).toThrow(expect.objectContaining({ option: 'module' }))
  })
})

describe('the schemas of a proxy', () => {
  const numbers = (args: readonly unknown[]): StandardIssue[] =>
    args.flatMap((arg, i) => (typeof arg === 'number' ? [] : [{ message: 'expected a number', path: [i] }]))
  const user = (value: { age: unknown }): StandardIssue[] =>
    typeof value.age === 'number' ? [] : [{ message: 'expected a number', path: [{ key: 'age' }] }]

  it.each([true, false])('check arguments before they are sent, at once or later (%s)', async (sync) => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', { schemas: { add: { args: schema(numbers, { sync }) } } })
    expect(await math.add(1, 2)).toBe(3)
    const wrong = math.add(1, '2' as unknown as number)
    await expect(wrong).rejects.toMatchObject({
      name: 'SchemaError',
      code: 'ERR_SCHEMA',
      of: 'args',
      issues: [{ message: 'expected a number', path: [1] }],
      message: `rpc to ${b.name}: Elixir.Math:add: args[1]: expected a number`,
    })
    expect(calls).toEqual([[1, 2]])
  })

  it.each([true, false])('check results, at once or later (%s)', async (sync) => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', {
      schemas: { get_user: { result: schema(user, { sync }) } },
    })
    await expect(math.get_user(7)).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      of: 'result',
      issues: [{ message: 'expected a number', path: ['age'] }],
      message: `rpc to ${b.name}: Elixir.Math:get_user: result.age: expected a number`,
    })
  })

  it('can make other values of them', async () => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', {
      schemas: {
        add: {
          args: schema(() => [], { transform: (args) => (args as number[]).map((arg) => arg * 10) }),
          result: schema(() => [], { transform: (sum) => -(sum as number) }),
        },
      },
    })
    expect(await math.add(1, 2)).toBe(-30)
  })

  it('have their own errors passed on, and must make a list of arguments', async () => {
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', {
      schemas: {
        add: {
          args: schema(() => {
            throw new Error('broken schema')
          }),
        },
        get_user: { args: schema(() => [], { transform: () => atom('none') as unknown as [number] }) },
      },
    })
    await expect(math.add(1, 2)).rejects.toThrow('broken schema')
    await expect(math.get_user(1)).rejects.toMatchObject({ option: 'schemas.get_user.args' })
  })

  it('show a few of many issues', async () => {
    const many = Array.from({ length: 5 }, (_, i) => ({ message: `no ${i}`, path: ['a b', i] }))
    const math = a.proxy<MathModule>(b.name, 'Elixir.Math', { schemas: { add: { args: schema(() => many) } } })
    await expect(math.add(1, 2)).rejects.toMatchObject({
      message: expect.stringMatching(/args\[a b\]\[0\]: no 0; args\[a b\]\[1\]: no 1; .*; and 2 more$/),
    })
  })
})
