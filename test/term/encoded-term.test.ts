import { describe, expect, it } from 'vitest'
import { AtomBudget, NoAtomCache } from '../../src/dist/atom-cache.ts'
import { encodeTerm } from '../../src/term/encode.ts'
import { Encoder } from '../../src/term/encoder.ts'
import { atom, decode, EncodeError, encode, type Term, tuple } from '../../src/term/index.ts'
import { Writer } from '../../src/term/writer.ts'

const term: Term = tuple(atom('ok'), { a: 1, b: [atom('ok'), 2.5] }, 'text', new Map([['k', null]]))

describe('an encoded term', () => {
  it('goes into other terms as the term itself would', () => {
    const encoded = encodeTerm(term) as unknown as Term
    expect(encode(tuple(1, encoded, encoded))).toEqual(encode(tuple(1, term, term)))
    expect(decode(encode(encoded))).toEqual(term)
  })

  it('keeps the choice of keys and of marked bytes it was made with', () => {
    const bytes = new Uint8Array([104, 105])
    expect(decode(encode(encodeTerm({ a: 1 }, { keys: 'strings' }) as unknown as Term))).toEqual(new Map([['a', 1]]))
    expect(decode(encode(encodeTerm(bytes) as unknown as Term))).toBe('hi')
    expect(decode(encode(encodeTerm(bytes, { ours: true }) as unknown as Term))).toEqual(bytes)
  })

  it('counts its atoms against the share of each peer it is written to, as often as to none', () => {
    const encoded = encodeTerm(tuple(atom('x'), { k1: 1, k2: { k1: 2 } })) as unknown as Term
    const write = (budget: AtomBudget): void => {
      const encoder = new Encoder(new Writer(64))
      encoder.refs = new NoAtomCache(budget)
      encoder.write(encoded)
    }
    const enough = new AtomBudget({ keyAtoms: 2, peerAtoms: 3 })
    write(enough)
    write(enough)
    expect(() => write(new AtomBudget({ keyAtoms: 1, peerAtoms: 3 }))).toThrow(
      expect.objectContaining({ code: 'ERR_ATOM_LIMIT' }),
    )
    expect(() => write(new AtomBudget({ keyAtoms: 2, peerAtoms: 2 }))).toThrow(
      expect.objectContaining({ code: 'ERR_ATOM_LIMIT' }),
    )
  })

  it('is refused with the path to what is no term', () => {
    const wrong = { a: [1, { b: () => 1 }] } as unknown as Term
    expect(() => encodeTerm(wrong)).toThrow(EncodeError)
    expect(() => encodeTerm(wrong)).toThrow(/\.a\[1\]\.b/)
  })
})
