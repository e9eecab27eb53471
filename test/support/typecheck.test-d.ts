import { expectTypeOf, it } from 'vitest'

// Were type tests not compiled, or compiled with a laxer configuration, one of these would be an unused directive.
it('fails on a wrong type', () => {
  // @ts-expect-error a string is no number
  expectTypeOf('text').toEqualTypeOf<number>()
})

it('runs under the strict options of the project', () => {
  const list: string[] = []
  expectTypeOf(list[0]).toEqualTypeOf<string | undefined>()
  // @ts-expect-error exactOptionalPropertyTypes: absent is not undefined
  const options: { name?: string } = { name: undefined }
  expectTypeOf(options).toEqualTypeOf<{ name?: string }>()
})
