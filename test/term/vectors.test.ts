import { expect, it } from 'vitest'
import { atom, DecodeError, decode, encode, equal, print, tuple } from '../../src/term/index.ts'
import { modern, readOnly } from './vectors.ts'

const exact = { floats: 'exact', maps: 'map', binaries: 'bytes' } as const

it.for([...modern, ...readOnly])('reads %s', ([, hex, term]) => {
  const decoded = decode(Buffer.from(hex, 'hex'), exact)
  expect(equal(decoded, term), print(decoded)).toBe(true)
})

it.for(modern)('writes %s as OTP does', ([, hex, term]) => {
  expect(encode(term).toString('hex')).toBe(hex)
})

it.for([...modern, ...readOnly])('refuses %s wherever it is cut off, and with a byte too many', ([, hex]) => {
  const bytes = Buffer.from(hex, 'hex')
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decode(bytes.subarray(0, length)), `${length} bytes`).toThrow(DecodeError)
  }
  expect(() => decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(DecodeError)
})

it('reads bytes in the middle of a larger buffer', () => {
  const bytes = Buffer.from('ffff83680277026f6b612affff', 'hex')
  expect(decode(new Uint8Array(bytes).subarray(2, -2))).toEqual(tuple(atom('ok'), 42))
})
