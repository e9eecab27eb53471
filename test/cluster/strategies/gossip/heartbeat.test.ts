import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitNodeName } from '../../../../src/base/node-name.ts'
import { encryptedFormat, MAX_PACKET, plainFormat } from '../../../../src/cluster/strategies/gossip/heartbeat.ts'
import { atom, encode, type Term, tuple } from '../../../../src/term/index.ts'

const NAME = 'a@127.0.0.1'
/** `term_to_binary(#{node => 'a@127.0.0.1'})` of OTP 25, and of OTP 26 and later. */
const OTP_25 = Buffer.from('heartbeat::\x83t\0\0\0\x01d\0\x04noded\0\x0ba@127.0.0.1', 'latin1')
const OTP_26 = Buffer.from('heartbeat::\x83t\0\0\0\x01w\x04nodew\x0ba@127.0.0.1', 'latin1')

const heartbeat = (term: Term): Buffer => Buffer.concat([Buffer.from('heartbeat::'), encode(term)])

/** What is no heartbeat. */
const WRONG: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['the prelude alone', Buffer.from('heartbeat::')],
  ['another prelude', Buffer.from(OTP_26.toString('latin1').replace('heart', 'Heart'), 'latin1')],
  ['text', Buffer.from('hello, is anybody there?')],
  ['no map', heartbeat(tuple(atom('node'), atom(NAME)))],
  ['a map without a node', heartbeat({ name: atom(NAME) })],
  ['a node that is text', heartbeat({ node: NAME })],
  ['a key that is text', heartbeat(new Map([['node', atom(NAME)]]))],
  ['a node that is no name', heartbeat({ node: atom('nonode') })],
  ['a node with a line break', heartbeat({ node: atom('a@b\nc') })],
  ['an atom of another kind', heartbeat({ node: true })],
  ['bytes behind the term', Buffer.concat([OTP_26, Buffer.from([0])])],
  ['a deep term', Buffer.concat([Buffer.from('heartbeat::\x83', 'latin1'), Buffer.alloc(1500, 'h\x01', 'latin1')])],
  ['a map that says it is huge', Buffer.from('heartbeat::\x83t\xff\xff\xff\xff', 'latin1')],
  [
    'a small term that unpacks to a huge one',
    Buffer.concat([
      Buffer.from('heartbeat::\x83P\x00\x10\x00\x00', 'latin1'),
      deflateSync(Buffer.concat([Buffer.from('m\x00\x0f\xff\xfb', 'latin1'), Buffer.alloc(0xffffb)])),
    ]),
  ],
]

describe('a plain heartbeat', () => {
  it.each([
    ['OTP 25', OTP_25],
    ['OTP 26', OTP_26],
  ])('is read as %s writes it', (_, packet) => {
    expect(plainFormat.read(packet)).toBe(NAME)
  })

  it('is written as OTP 26 writes it', () => {
    expect(plainFormat.write(NAME)).toEqual(OTP_26)
  })

  it('may have more in its map', () => {
    expect(plainFormat.read(heartbeat({ node: atom(NAME), more: [1, 2, 3] }))).toBe(NAME)
  })

  it('has room for the longest name', () => {
    const longest = `${'繋'.repeat(200)}@${'ぎ'.repeat(54)}`
    const packet = plainFormat.write(longest)
    expect(packet.length).toBeLessThan(MAX_PACKET)
    expect(plainFormat.read(packet)).toBe(longest)
  })

  it.each(WRONG)('is not %s', (_, packet) => {
    expect(plainFormat.read(packet)).toBeUndefined()
  })

  it('is nothing that is cut short', () => {
    for (let length = 0; length < OTP_26.length; length++) {
      expect(plainFormat.read(OTP_26.subarray(0, length))).toBeUndefined()
    }
  })
})

describe('an encrypted heartbeat', () => {
  /** Made by OTP's `crypto` of the packet of OTP 25, with secret "secret" and an initialisation vector of 00 to 0f. */
  const VECTOR = Buffer.from(
    '000102030405060708090A0B0C0D0E0F581A4AA68738963A6FC1062F6A3BF115DCFC9E39B1388BC49F709F33D99E1BD4DAAF67AFE6D40538B9C2648FFCC99CD4',
    'hex',
  )
  const format = encryptedFormat('secret')

  it('is read as OTP writes it', () => {
    expect(format.read(VECTOR)).toBe(NAME)
  })

  it('is read as it is written, and is never the same twice', () => {
    const packet = format.write(NAME)
    expect(format.read(packet)).toBe(NAME)
    expect(format.write(NAME)).not.toEqual(packet)
    expect(packet.includes(NAME)).toBe(false)
  })

  it('has the initialisation vector in front, and its padding always', () => {
    const iv = VECTOR.subarray(0, 16)
    const packet = encryptedFormat('secret', () => iv).write(NAME)
    expect(packet.subarray(0, 16)).toEqual(iv)
    expect(packet.length).toBe(16 + 48)
    expect(format.read(packet)).toBe(NAME)
  })

  it('is not one of another secret, nor a plain one, and the other way round', () => {
    expect(encryptedFormat('another').read(VECTOR)).toBeUndefined()
    expect(format.read(OTP_26)).toBeUndefined()
    expect(plainFormat.read(VECTOR)).toBeUndefined()
  })

  it('is nothing that is cut short, or has a changed byte', () => {
    for (let i = 0; i < VECTOR.length; i++) {
      expect(format.read(VECTOR.subarray(0, i))).toBeUndefined()
      const changed = Buffer.from(VECTOR)
      changed[i] = (changed[i] as number) ^ 1
      expect(format.read(changed)).toBeUndefined()
    }
  })
})

describe('whatever comes', () => {
  const formats = [plainFormat, encryptedFormat('secret')]

  it('is a name or nothing, and never an error', () => {
    const packets = fc.oneof(
      fc.uint8Array({ maxLength: MAX_PACKET }),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([Buffer.from('heartbeat::\x83', 'latin1'), rest])),
      fc.tuple(fc.nat(OTP_26.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
        const changed = Buffer.from(OTP_26)
        changed[at] = (changed[at] as number) ^ bits
        return changed
      }),
    )
    const names: string[] = []
    fc.assert(
      fc.property(packets, (packet) => {
        for (const format of formats) {
          const name = format.read(Buffer.from(packet))
          if (name !== undefined) names.push(name)
        }
      }),
      { numRuns: 2000 },
    )
    expect(names.filter((name) => splitNodeName(name) === undefined)).toEqual([])
  })
})
