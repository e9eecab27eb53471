import { expect, it } from 'vitest'
import { ReferenceMap } from '../../src/process/reference-map.ts'
import { Reference } from '../../src/term/identifiers.ts'

const ref = (...words: number[]) => new Reference('b@host', words, 1)

it('finds entries by equal references, not by the same object', () => {
  const map = new ReferenceMap<string>()
  map.add(ref(1, 2, 3), 'a')
  map.add(ref(5, 6), 'b')
  expect([map.get(ref(1, 2, 3)), map.get(ref(5, 6)), map.get(ref(5, 6, 0)), map.get(ref(1, 2, 4))]).toEqual([
    'a',
    'b',
    undefined,
    undefined,
  ])
  expect(map.get(new Reference('b@host', [1, 2, 3], 2))).toBeUndefined()
  expect(map.get(new Reference('c@host', [1, 2, 3], 1))).toBeUndefined()
  expect(map.delete(ref(1, 2, 4))).toBeUndefined()
  expect(map.delete(ref(1, 2, 3))).toBe('a')
  expect(map.size).toBe(1)
})

it('keeps references apart that a peer chose to collide', () => {
  const map = new ReferenceMap<number>()
  for (let i = 0; i < 10_000; i++) map.add(ref(1, 2, i), i)
  expect(map.size).toBe(10_000)
  expect([...map.values()]).toHaveLength(10_000)
  for (let i = 0; i < 10_000; i++) expect(map.get(ref(1, 2, i))).toBe(i)
  for (let i = 0; i < 10_000; i++) expect(map.delete(ref(1, 2, i))).toBe(i)
  expect(map.size).toBe(0)
  expect([...map.values()]).toEqual([])
})
