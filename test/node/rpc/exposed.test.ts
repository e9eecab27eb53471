import { describe, expect, it } from 'vitest'
import { Exposed, type ExposedFunctions } from '../../../src/node/rpc/exposed.ts'
import { atom, type Term } from '../../../src/term/index.ts'

const m = atom('Elixir.Math')
const one = () => 1
const find = (exposed: Exposed, name: string, arity: number) => exposed.find(m, atom(name), arity)

describe('exposed functions', () => {
  it('are found by module, name and the number of their parameters', () => {
    const exposed = new Exposed()
    exposed.expose('Elixir.Math', { pi: () => 3, add: (a: number, b: number) => a + b })
    expect(find(exposed, 'pi', 0)?.call.call({} as never)).toBe(3)
    expect(find(exposed, 'add', 2)).toBeDefined()
    expect(find(exposed, 'add', 1)).toBeUndefined()
    expect(find(exposed, 'add', 3)).toBeUndefined()
    expect(exposed.find(atom('math'), atom('add'), 2)).toBeUndefined()
  })

  it('can say how many arguments they take', () => {
    const exposed = new Exposed()
    const log = (text: string, level = 'info') => `${level}: ${text}`
    exposed.expose('Elixir.Math', {
      log: { arity: [1, 2], call: log },
      all: { arity: 3, call: (...args: Term[]) => args },
    })
    expect([1, 2, 3].map((arity) => find(exposed, 'log', arity) !== undefined)).toEqual([true, true, false])
    expect(find(exposed, 'all', 3)).toBeDefined()
    expect(find(exposed, 'all', 0)).toBeUndefined()
  })

  it('are own properties, whatever every object has besides', () => {
    const exposed = new Exposed()
    class Service {
      own = () => 1
      inherited() {}
    }
    exposed.expose('Elixir.Math', new Service() as unknown as ExposedFunctions)
    class Methods {
      inherited() {}
    }
    expect(() => exposed.expose('m', new Methods() as unknown as ExposedFunctions)).toThrow(/methods of a class/)
    exposed.expose('m', {})
    expect(find(exposed, 'own', 0)).toBeDefined()
    for (const name of ['inherited', 'constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
      for (const arity of [0, 1]) expect(find(exposed, name, arity)).toBeUndefined()
    }
    for (const module of ['__proto__', 'constructor', 'toString']) {
      expect(exposed.find(atom(module), atom('toString'), 0)).toBeUndefined()
    }
  })

  it('may have the names of the atoms that are values of their own', () => {
    const exposed = new Exposed()
    exposed.expose('nil', { true: () => 1 })
    expect(exposed.find(null, true, 0)).toBeDefined()
    expect(exposed.find(atom('nil'), atom('true'), 0)).toBeDefined()
    expect(exposed.find(undefined, true, 0)).toBeUndefined()
  })

  it('are exposed once: of an exposure that collides nothing is taken', async () => {
    const exposed = new Exposed()
    const first = exposed.expose('Elixir.Math', { add: (a, b) => a + b })
    expect(() => exposed.expose('Elixir.Math', { other: () => 1, add: (a, b) => a - b })).toThrow(
      expect.objectContaining({ code: 'ERR_NAME_TAKEN', message: 'Elixir.Math:add/2 is exposed already' }),
    )
    expect(find(exposed, 'other', 0)).toBeUndefined()
    const beside = exposed.expose('Elixir.Math', { add: { arity: 3, call: () => 1 } })
    await first.close()
    await first.close()
    expect(find(exposed, 'add', 2)).toBeUndefined()
    expect(find(exposed, 'add', 3)).toBeDefined()
    exposed.expose('Elixir.Math', { add: (a, b) => a + b })
    await beside.close()
    await first.close()
    expect(find(exposed, 'add', 2)).toBeDefined()
  })

  it('end with the block that uses them', async () => {
    const exposed = new Exposed()
    {
      await using _ = exposed.expose('Elixir.Math', { pi: () => 3 })
      expect(find(exposed, 'pi', 0)).toBeDefined()
    }
    expect(find(exposed, 'pi', 0)).toBeUndefined()
  })

  it.each([
    ['module', '', {}],
    ['module', 7, {}],
    ['functions', 'm', null],
    ['functions.f', 'm', { f: 1 }],
    ['functions.f', 'm', { f: null }],
    ['functions.f', 'm', { f: { call: one } }],
    ['functions.f.arity', 'm', { f: { arity: -1, call: one } }],
    ['functions.f.arity', 'm', { f: { arity: 256, call: one } }],
    ['functions.f.arity', 'm', { f: { arity: [], call: one } }],
    ['functions.f.arty', 'm', { f: { arity: 1, arty: 2, call: one } }],
  ])('say which option is wrong: %s', (option, module, functions) => {
    expect(() => new Exposed().expose(module as string, functions as unknown as ExposedFunctions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }),
    )
  })
})
