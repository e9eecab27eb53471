import { expectTypeOf, it } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { CallContext } from '../../../src/node/rpc/exposed.ts'
import type { StandardSchemaV1 } from '../../../src/node/rpc/standard-schema.ts'
import type { Term } from '../../../src/term/term.ts'

declare const node: LocalNode

interface MathModule {
  add(x: number, y: number): number
  later(text: string): Promise<string>
  readonly version: string
}

it('a proxy has the functions of its interface, each with a promise', () => {
  const math = node.proxy<MathModule>('b@host', 'Elixir.Math')
  expectTypeOf(math.add).toEqualTypeOf<(x: number, y: number) => Promise<number>>()
  expectTypeOf(math.later).toEqualTypeOf<(text: string) => Promise<string>>()
  expectTypeOf(math.version).toBeNever()
  // @ts-expect-error it adds numbers
  void math.add('1', 2)
  // @ts-expect-error there is no such function
  void math.subtract(1, 2)
})

it('a proxy without an interface calls anything', () => {
  const math = node.proxy('b@host', 'Elixir.Math')
  expectTypeOf(math.whatever).toBeCallableWith(1, 'two')
})

it('the schemas of a proxy are for what its interface says', () => {
  const args = {} as StandardSchemaV1<[number, number]>
  const text = {} as StandardSchemaV1<unknown, string>
  node.proxy<MathModule>('b@host', 'Elixir.Math', { schemas: { add: { args }, later: { result: text } } })
  // @ts-expect-error the result of add is a number
  node.proxy<MathModule>('b@host', 'Elixir.Math', { schemas: { add: { result: text } } })
  // @ts-expect-error there is no such function
  node.proxy<MathModule>('b@host', 'Elixir.Math', { schemas: { subtract: { args } } })
})

it('an exposed function has its context as this, and arguments of any type', () => {
  node.expose('Elixir.Math', {
    add: (x, y) => x + y,
    typed: (x: number) => x,
    async context() {
      expectTypeOf(this).toEqualTypeOf<CallContext>()
      await this.self.receive()
    },
    defaults: { arity: [1, 2], call: (x: number, y = 1) => x + y },
  })
  // @ts-expect-error a number is no function
  node.expose('Elixir.Math', { pi: 3 })
})

it('a call resolves to a term', () => {
  expectTypeOf(node.rpc('b@host', 'lists', 'sum', [[1, 2]])).resolves.toEqualTypeOf<Term>()
})
