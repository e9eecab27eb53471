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
  tuple,
} from '../../src/term/index.ts'

export type Vector = readonly [tag: string, hex: string, term: Term]

const local = 'nonode@nohost'

/** A tag, what real OTP wrote (25, where nothing else is said), and what it is. */
export const modern: readonly Vector[] = [
  ['SMALL_INTEGER_EXT (97)', '8361ff', 255],
  ['INTEGER_EXT (98)', '8362ffffffff', -1],
  ['INTEGER_EXT, its largest', '83627fffffff', 2147483647],
  ['SMALL_BIG_EXT (110)', '836e040000000080', 2147483648],
  ['SMALL_BIG_EXT, negative', '836e0901000000000000000001', -(2n ** 64n)],
  ['LARGE_BIG_EXT (111)', `836f0000010000${'00'.repeat(255)}01`, 2n ** 2040n],
  ['NEW_FLOAT_EXT (70)', '83463ff8000000000000', 1.5],
  ['NEW_FLOAT_EXT, integral', '83463ff0000000000000', new Float(1)],
  ['SMALL_ATOM_UTF8_EXT (119)', '837702c3a9', atom('é')],
  ['ATOM_UTF8_EXT (118)', `83760100${'c3a9'.repeat(128)}`, atom('é'.repeat(128))],
  ['SMALL_TUPLE_EXT (104)', '83680277026f6b612a', tuple(atom('ok'), 42)],
  ['LARGE_TUPLE_EXT (105)', `836900000100${'6101'.repeat(256)}`, tuple(...new Array<Term>(256).fill(1))],
  ['NIL_EXT (106)', '836a', []],
  ['STRING_EXT (107)', '836b0003616263', [97, 98, 99]],
  ['LIST_EXT (108)', '836c0000000277016162000003e86a', [atom('a'), 1000]],
  ['LIST_EXT, improper', '836c0000000161016102', new ImproperList([1], 2)],
  ['BINARY_EXT (109), text', '836d0000000368c3a9', 'hé'],
  ['BINARY_EXT, bytes', '836d00000002ff00', Uint8Array.of(255, 0)],
  ['BIT_BINARY_EXT (77)', '834d000000020301a0', new Bitstring(Uint8Array.of(1, 0xa0), 3)],
  ['MAP_EXT (116), atoms', '8374000000017701616101', { a: 1 }],
  [
    'MAP_EXT, other keys',
    '83740000000361016104463ff00000000000006103680277016b61016102',
    new Map<Term, Term>([
      [1, 4],
      [new Float(1), 3],
      [tuple(atom('k'), 1), 2],
    ]),
  ],
  ['EXPORT_EXT (113)', '837177056c69737473770373756d6101', new ExternalFun(atom('lists'), atom('sum'), 1)],
  ['NEW_PID_EXT (88)', '8358770d6e6f6e6f6465406e6f686f7374000000090000000000000000', new Pid(local, 9, 0, 0)],
  ['NEW_PORT_EXT (89)', '8359770d6e6f6e6f6465406e6f686f73740000000000000000', new Port(local, 0n, 0)],
  ['V4_PORT_EXT (120)', '83787703614062000001000000000000000002', new Port('a@b', 2n ** 40n, 2)],
  [
    'NEWER_REFERENCE_EXT (90)',
    '835a0003770d6e6f6e6f6465406e6f686f7374000000000001f1d403dc000131c18acb',
    new Reference(local, [127444, 0x03dc0001, 0x31c18acb], 0),
  ],
  [
    'NEWER_REFERENCE_EXT, the five words of a priority alias (OTP 29)',
    '835a0005770d6e6f6e6f6465406e6f686f7374000000000003889b03e10001aa2011770000050300000000',
    new Reference(local, [231579, 0x03e10001, 0xaa201177, 0x0503, 0], 0),
  ],
  [
    'NEW_FUN_EXT (112)',
    '8370000000550196f593634226753d13f5206a939a616b00000000000000027702763261006204b7ac9b' +
      '58770d6e6f6e6f6465406e6f686f73740000000900000000000000006d00000003656e76463ff0000000000000',
    new Fun({
      arity: 1,
      uniq: Buffer.from('96f593634226753d13f5206a939a616b', 'hex'),
      index: 0,
      module: atom('v2'),
      oldIndex: 0,
      oldUniq: 0x04b7ac9b,
      pid: new Pid(local, 9, 0, 0),
      free: ['env', new Float(1)],
    }),
  ],
  [
    'RECORD_EXT (67), exported (OTP 29)',
    '8343000000020177026e7277037075627701617701626d00000001716102',
    new NativeRecord(
      atom('nr'),
      atom('pub'),
      new Map<ReturnType<typeof atom>, Term>([
        [atom('a'), 'q'],
        [atom('b'), 2],
      ]),
      1,
    ),
  ],
  [
    'RECORD_EXT, private (OTP 29)',
    '8343000000010077026e727704707269767701786101',
    new NativeRecord(atom('nr'), atom('priv'), new Map([[atom('x'), 1]]), 0),
  ],
]

/** What is read but never written: old layouts, and layouts that only we and OTP's decoder know. */
export const readOnly: readonly Vector[] = [
  ['ATOM_EXT (100), by minor_version 1', '83640001e9', atom('é')],
  ['SMALL_ATOM_EXT (115)', '837301e9', atom('é')],
  ['FLOAT_EXT (99), by minor_version 0', '8363312e3530303030303030303030303030303030303030652b30300000000000', 1.5],
  ['FLOAT_EXT, negative', '83632d312e3030303030303030303030303030303033363433652d313000000000', -1e-10],
  ['REFERENCE_EXT (101)', '83656400036140620000002a03', new Reference('a@b', [42], 3)],
  ['NEW_REFERENCE_EXT (114)', '83720002640003614062030000000100000002', new Reference('a@b', [1, 2], 3)],
  ['PORT_EXT (102)', '83666400036140620000000502', new Port('a@b', 5n, 2)],
  ['PID_EXT (103)', '8367640003614062000000050000000602', new Pid('a@b', 5, 6, 2)],
  ['COMPRESSED (80)', '835000000067789ccb664849a4030000cccb26b4', new Array<Term>(100).fill(97)],
  ['BIT_BINARY_EXT of whole bytes', '834d00000002084869', Uint8Array.of(0x48, 0x69)],
  ['LIST_EXT whose tail is a list', '836c0000000161016c0000000161026b000103', [1, 2, 3]],
  ['LIST_EXT of no elements before a tail', '836c000000006101', 1],
  ['INTEGER_EXT where SMALL_INTEGER_EXT would do', '836200000001', 1],
  ['SMALL_BIG_EXT with zeros in front', '836e08000100000000000000', 1],
  ['SMALL_BIG_EXT of minus nothing', '836e0001', 0],
]
