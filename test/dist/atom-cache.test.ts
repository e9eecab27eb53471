import { describe, expect, it } from 'vitest'
import { AtomBudget, IncomingAtomCache, NoAtomCache, OutgoingAtomCache } from '../../src/dist/atom-cache.ts'
import { ProtocolError } from '../../src/dist/protocol-error.ts'
import { type Atom, atom } from '../../src/term/index.ts'

/** Writes a message's header as a link does, reads it on the other side, and gives what each reference means there. */
function through(out: OutgoingAtomCache, into: IncomingAtomCache, atoms: readonly Atom[]): (string | undefined)[] {
  out.begin()
  const indexes = atoms.map((it) => out.index(it, false))
  const header = Buffer.alloc(out.headerBytes + 2, 0xee)
  out.writeHeader(header, 1)
  expect(header[0]).toBe(0xee)
  expect(header.at(-1)).toBe(0xee)
  expect(into.readHeader(header, 1, header.length - 1)).toBe(header.length - 1)
  return indexes.map((index) => (index === -1 ? undefined : into.refs[index]?.name))
}

/** Atoms that share a cache slot, of 2048 or fewer. */
function sameSlot(count: number, slots = 2048): Atom[] {
  const first = atom(`slot_${Math.random()}`)
  const found = [first]
  for (let i = 0; found.length < count; i++) {
    const other = atom(`slot_${first.id}_${i}`)
    if (other.id % slots === first.id % slots && (slots === 2048 || other.id % 2048 !== first.id % 2048))
      found.push(other)
  }
  return found
}

function many(count: number, prefix: string): Atom[] {
  return Array.from({ length: count }, (_, i) => atom(`${prefix}_${i}`))
}

describe('the atom cache', () => {
  it('gives both sides the same atoms, new and known ones, for any number of them', () => {
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    for (const count of [0, 1, 2, 3, 4, 7, 8, 100, 254, 255]) {
      const atoms = many(count, 'count')
      const names = atoms.map(({ name }) => name)
      expect(through(out, into, atoms), `${count} atoms`).toEqual(names)
      expect(through(out, into, atoms.toReversed()), `${count} atoms again`).toEqual(names.toReversed())
    }
  })

  it('sends an atom once: its second use is a byte', () => {
    const out = new OutgoingAtomCache()
    out.begin()
    out.index(atom('a_long_name_that_is_sent_once'), false)
    expect(out.headerBytes).toBe(1 + 1 + 2 + 'a_long_name_that_is_sent_once'.length)
    out.begin()
    out.index(atom('a_long_name_that_is_sent_once'), false)
    expect(out.headerBytes).toBe(1 + 1 + 1)
  })

  it('gives the same reference to an atom that occurs twice in a message', () => {
    const out = new OutgoingAtomCache()
    out.begin()
    expect([atom('x'), atom('y'), atom('x')].map((it) => out.index(it, false))).toEqual([0, 1, 0])
  })

  it('writes out what finds its slot taken within the message, and overwrites it in the next one', () => {
    const [first, second] = sameSlot(2) as [Atom, Atom]
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    expect(through(out, into, [first, second])).toEqual([first.name, undefined])
    expect(through(out, into, [second, first])).toEqual([second.name, undefined])
    expect(through(out, into, [first])).toEqual([first.name])
  })

  it('begins small, and has more slots when atoms push each other out of theirs', () => {
    const [first, second] = sameSlot(2, 256) as [Atom, Atom]
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    const both = () => [...through(out, into, [first]), ...through(out, into, [second])]
    for (let time = 0; time < 100; time++) expect(both()).toEqual([first.name, second.name])
    // Each has a slot of its own now: it is known.
    for (const it of [first, second]) {
      out.begin()
      out.index(it, false)
      expect(out.headerBytes).toBe(1 + 1 + 1)
    }
    const all = many(4000, 'grown')
    for (let time = 0; time < 2; time++) {
      for (const it of all) expect(through(out, into, [it, first])).toContain(it.name)
    }
  })

  it('takes a message back also after it has grown', () => {
    const [first, second] = sameSlot(2, 256) as [Atom, Atom]
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    for (let time = 0; time < 100; time++) {
      for (const it of [first, second]) {
        out.begin()
        out.index(it, false)
        out.index(atom(`fresh_${time}_${it.id}`), false)
        out.rewind()
        expect(through(out, into, [it])).toEqual([it.name])
      }
    }
  })

  it('writes out atoms beyond 255 references and those of more than 255 bytes', () => {
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    const seen = through(out, into, many(300, 'over'))
    expect(seen.filter((name) => name !== undefined)).toHaveLength(255)
    expect(through(out, into, [atom('é'.repeat(127)), atom('é'.repeat(128))])).toEqual(['é'.repeat(127), undefined])
  })

  it('is as before when a message is taken back', () => {
    const [first, second, third] = sameSlot(3) as [Atom, Atom, Atom]
    const out = new OutgoingAtomCache()
    const into = new IncomingAtomCache()
    through(out, into, [first, atom('kept')])
    for (const failed of [[second], [second, third], [atom('kept'), second, atom('fresh_in_failed')]]) {
      out.begin()
      for (const it of failed) out.index(it, false)
      out.rewind()
      expect(through(out, into, [first, atom('kept')])).toEqual([first.name, 'kept'])
    }
    expect(through(out, into, [atom('fresh_in_failed')])).toEqual(['fresh_in_failed'])
    expect(through(out, into, [second])).toEqual([second.name])
  })

  it('is as before when a message is taken back that was the first to use it', () => {
    const out = new OutgoingAtomCache()
    out.begin()
    out.index(atom('never_sent'), false)
    out.rewind()
    expect(through(out, new IncomingAtomCache(), [atom('never_sent')])).toEqual(['never_sent'])
  })
})

describe('the receiving half of the atom cache', () => {
  it('reads long atoms as OTP flags them', () => {
    const name = 'é'.repeat(200)
    const header = Buffer.concat([Buffer.from([1, 0x18, 5, 400 >> 8, 400 & 0xff]), Buffer.from(name)])
    const cache = new IncomingAtomCache()
    expect(cache.readHeader(header, 0, header.length)).toBe(header.length)
    expect(cache.refs[0]?.name).toBe(name)
    const again = Buffer.from([2, 0x00, 0x00, 5, 5])
    cache.readHeader(again, 0, again.length)
    expect(cache.refs.slice(0, 2).map((it) => it.name)).toEqual([name, name])
  })

  it('refuses headers that end too early, at every byte', () => {
    const out = new OutgoingAtomCache()
    out.begin()
    for (const it of many(3, 'cut')) out.index(it, false)
    const header = Buffer.alloc(out.headerBytes)
    out.writeHeader(header, 0)
    for (let end = 0; end < header.length; end++) {
      const read = () => new IncomingAtomCache().readHeader(header, 0, end)
      expect(read, `${end} bytes`).toThrow(ProtocolError)
    }
  })

  it('refuses a slot that nobody filled and an atom that is no UTF-8', () => {
    const cache = new IncomingAtomCache()
    expect(() => cache.readHeader(Buffer.from([1, 0x00, 9]), 0, 3)).toThrow('was never sent')
    expect(() => cache.readHeader(Buffer.from([1, 0x08, 9, 2, 0xff, 0xfe]), 0, 6)).toThrow('not valid UTF-8')
  })
})

describe('the budget of atoms', () => {
  const budget = (keyAtoms: number, peerAtoms: number) => new AtomBudget({ keyAtoms, peerAtoms })

  it('counts an atom once and names the limit and the last one', () => {
    const bounded = budget(10, 2)
    for (const name of ['a', 'b', 'a', 'b']) bounded.admit(atom(name), false)
    expect(() => bounded.admit(atom('c'), false)).toThrow(/more than 2 different atoms .* "c"/)
    expect(() => bounded.admit(atom('a'), false)).not.toThrow()
  })

  it('counts object keys apart, and says what to use instead', () => {
    const bounded = budget(1, 10)
    bounded.admit(atom('k1'), true)
    expect(() => bounded.admit(atom('k2'), true)).toThrow(/more than 1 different object keys .* "k2".*Map/)
    expect(() => bounded.admit(atom('plain'), false)).not.toThrow()
  })

  it('is kept where there is no cache and ends when it is lifted', () => {
    const bounded = budget(10, 1)
    const none = new NoAtomCache(bounded)
    expect(none.index(atom('a'), false)).toBe(-1)
    expect(() => none.index(atom('b'), false)).toThrow(expect.objectContaining({ code: 'ERR_ATOM_LIMIT' }))
    bounded.lift()
    expect(none.index(atom('b'), false)).toBe(-1)
  })

  it('refuses an atom before the cache takes it', () => {
    const out = new OutgoingAtomCache(budget(10, 1))
    out.begin()
    out.index(atom('a'), false)
    expect(() => out.index(atom('b'), false)).toThrow(expect.objectContaining({ code: 'ERR_ATOM_LIMIT' }))
    out.rewind()
    expect(through(out, new IncomingAtomCache(), [atom('a')])).toEqual(['a'])
  })
})
