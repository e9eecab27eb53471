import fc from 'fast-check'
import {
  atom,
  Bitstring,
  ExternalFun,
  Float,
  Fun,
  ImproperList,
  NativeRecord,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
  tuple,
} from '../../src/term/index.ts'
import { termKey } from '../../src/term/term-key.ts'

/** What the terms may contain. */
export interface TermArbitraryOptions {
  /** Pids, ports, references and local functions: Erlang has no syntax for them. Default true. */
  readonly opaque?: boolean
  /** Functions named by module, name and arity. Default true. */
  readonly externalFuns?: boolean
  /** Native records, which OTP knows since 29. Default false. */
  readonly records?: boolean
  /** −0, which older releases than OTP 27 take for the same as 0.0: a map with both as keys is none to them. Default true. */
  readonly negativeZero?: boolean
}

const u32 = fc.integer({ min: 0, max: 0xffffffff })

/** Text of every plane, without what is no character: Erlang's scanner refuses it. */
const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .filter((value) => value.isWellFormed() && !/[\uFFFE\uFFFF]/.test(value))

const names = fc.oneof(
  fc.constantFrom(
    'ok',
    'error',
    'true',
    'false',
    'nil',
    'undefined',
    'maybe',
    'end',
    '',
    'a b',
    "it's",
    'Ünï',
    '$1',
    'ß',
  ),
  fc.constantFrom('a@host', 'node@127.0.0.1', '__proto__', 'constructor', '\n', '\\', '日本語', '🌊', 'Elixir.Foo'),
  fc.constantFrom('x'.repeat(255), 'é'.repeat(255), '🌊'.repeat(127), 'a@', 'être', '_', 'Caps', 'a.b', '9'),
  fc.integer({ min: 0, max: 2000 }).map((n) => `key_${n}`),
)

const integers = fc.oneof(
  fc.integer({ min: -2, max: 258 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  // Hundreds of digits, around the places where the layout changes.
  fc
    .tuple(fc.constantFrom(63, 64, 128, 2032, 2039, 2040, 2048, 4000), fc.bigInt(-3n, 3n), fc.boolean())
    .map(([bits, off, negative]) => (negative ? -1n : 1n) * (2n ** BigInt(bits) + off)),
)

function floats(negativeZero: boolean) {
  const any = fc.double({ noNaN: true, noDefaultInfinity: true })
  return fc
    .oneof(any, fc.integer({ min: -1000, max: 1000 }), fc.constantFrom(0, -0, 1e10, 2 ** 53, 1e300, 5e-324, 0.1, 1e22))
    .filter((value) => negativeZero || !Object.is(value, -0))
    .map((value) => new Float(value))
}

const bytes = fc.uint8Array({ maxLength: 40 })

const bitstrings = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 7 }))
  .map(([value, bits]) => new Bitstring(value, bits))

// None is the oracle's own, which would know that it has no such process.
const nodes = fc.constantFrom('a@host', 'b@host.example', 'node@127.0.0.1', 'nœud@hôte')

const pids = fc.tuple(nodes, u32, u32, u32).map((fields) => new Pid(...fields))
const ports = fc.tuple(nodes, fc.bigInt(0n, 2n ** 64n - 1n), u32).map((fields) => new Port(...fields))
// Of the first word 18 bits count.
const references = fc
  .tuple(nodes, fc.integer({ min: 0, max: 2 ** 18 - 1 }), fc.array(u32, { maxLength: 4 }), u32)
  .map(([node, first, more, creation]) => new Reference(node, [first, ...more], creation))

const functions = fc
  .tuple(names, names, fc.integer({ min: 0, max: 255 }))
  .map(([module, name, arity]) => new ExternalFun(atom(module), atom(name), arity))

/** Terms of every type, in the forms that lose nothing. */
export function arbitraryTerm(options: TermArbitraryOptions = {}): fc.Arbitrary<Term> {
  const { opaque = true, externalFuns = true, records = false, negativeZero = true } = options
  const leaves: fc.Arbitrary<Term>[] = [
    integers,
    floats(negativeZero),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => negativeZero || !Object.is(value, -0)),
    names.map((name) => atom(name).value),
    text,
    bytes,
    bitstrings,
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 }),
  ]
  if (externalFuns) leaves.push(functions)
  if (opaque) leaves.push(pids, ports, references)
  const { term } = fc.letrec<{ term: Term }>((tie) => {
    const inner = tie('term')
    const list = fc.array(inner, { maxLength: 6 })
    const branches: fc.Arbitrary<Term>[] = [
      list,
      list.map((elements) => tuple(...elements)),
      fc
        .tuple(fc.array(inner, { minLength: 1, maxLength: 4 }), inner)
        .map(([elements, tail]) => improper(elements, tail)),
      fc.array(fc.tuple(inner, inner), { maxLength: 5 }).map((pairs) => new Map(distinct(pairs))),
      fc.array(fc.tuple(names, inner), { maxLength: 6 }).map(object),
    ]
    if (opaque) branches.push(localFuns(inner))
    if (records) branches.push(nativeRecords(inner))
    return {
      term: fc.oneof(
        { maxDepth: 5, depthSize: 'small' },
        ...leaves.map((leaf) => ({ weight: 2, arbitrary: leaf })),
        ...branches.map((branch) => ({ weight: 3, arbitrary: branch })),
      ),
    }
  })
  return term
}

function improper(elements: readonly Term[], tail: Term): Term {
  const isList = (Array.isArray(tail) && !(tail instanceof Tuple)) || tail instanceof ImproperList
  return new ImproperList(elements, isList ? tuple(tail) : tail)
}

function distinct(pairs: readonly [Term, Term][]): [Term, Term][] {
  return [...new Map(pairs.map((pair) => [termKey(pair[0]), pair])).values()]
}

function object(pairs: readonly [string, Term][]): Term {
  return Object.fromEntries(pairs)
}

/** A BEAM takes two functions of the same module, index and uniq (before OTP 26: old uniq) for one: here each has its own. */
function localFuns(inner: fc.Arbitrary<Term>): fc.Arbitrary<Term> {
  return fc
    .tuple(
      fc.integer({ min: 0, max: 2 ** 27 - 1 }),
      fc.integer({ min: 0, max: 9 }),
      pids,
      fc.array(inner, { maxLength: 4 }),
    )
    .map(([oldUniq, index, pid, free]) => {
      const uniq = Buffer.alloc(16)
      uniq.writeUInt32BE(oldUniq, 4)
      const module = atom('some_module')
      return new Fun({ arity: index, uniq, index, module, oldIndex: index, oldUniq, pid, free })
    })
}

function nativeRecords(inner: fc.Arbitrary<Term>): fc.Arbitrary<Term> {
  return fc
    .tuple(names, names, fc.boolean(), fc.array(fc.tuple(names, inner), { maxLength: 4 }))
    .map(
      ([module, name, exported, fields]) =>
        new NativeRecord(
          atom(module),
          atom(name),
          new Map(fields.map(([field, value]) => [atom(field), value])),
          exported ? 1 : 0,
        ),
    )
}

/** Terms of so few values that two of them are often equal, in all the forms that a value can have. */
export function fewTerms({ negativeZero = true }: TermArbitraryOptions = {}): fc.Arbitrary<Term> {
  const values: Term[] = [
    ...[0, 1, 1n, new Float(1), new Float(0), 1.5, new Float(1.5), 2 ** 53, 2n ** 53n, new Float(2 ** 53)],
    ...['', 'a', 'é', Buffer.from('a'), Buffer.from('é'), new Uint8Array(), new Uint8Array([233])],
    ...[true, atom('true'), null, atom('nil'), undefined, atom('undefined'), atom('a'), atom('é')],
    ...[new Bitstring(Uint8Array.of(128), 1), new Bitstring(Uint8Array.of(128), 2)],
    ...[new Pid('a@b', 1, 2, 3), new Pid('a@b', 1, 2, 4), new Port('a@b', 1n, 3), new Reference('a@b', [1, 2], 3)],
    ...[new ExternalFun(atom('a'), atom('b'), 1), new ExternalFun(atom('a'), atom('b'), 2)],
  ]
  if (negativeZero) values.push(-0, new Float(-0))
  const { term } = fc.letrec<{ term: Term }>((tie) => {
    const list = fc.array(tie('term'), { maxLength: 2 })
    const key = fc.oneof(tie('term'), fc.constantFrom<Term>(atom('a'), atom('b'), 1, 'a'))
    const map = fc.array(fc.tuple(key, tie('term')), { maxLength: 2 }).map((pairs) => new Map(distinct(pairs)))
    return {
      term: fc.oneof(
        { maxDepth: 2, depthSize: 'small' },
        { weight: 4, arbitrary: fc.constantFrom(...values) },
        list,
        list.map((elements) => tuple(...elements)),
        map,
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'true'), tie('term')), { maxLength: 2 }).map(object),
        fc
          .tuple(fc.array(tie('term'), { minLength: 1, maxLength: 2 }), tie('term'))
          .map(([elements, tail]) => improper(elements, tail)),
      ),
    }
  })
  return term
}
