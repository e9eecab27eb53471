import { describe, expect, it } from 'vitest'
import { DFLAG, expandDigest, flagNames, MANDATORY_25, MANDATORY_26, ourFlags } from '../../src/dist/flags.ts'

// Recorded from send_name messages of OTP 25.2.3, started as `erl -name` and `erl -name … -hidden`.
const OTP_25_VISIBLE = 0xd07df7fbdn
const OTP_25_HIDDEN = 0xd07df7fbcn

describe('capability flags', () => {
  it('stand for the bits of dist.h', () => {
    expect(DFLAG.MANDATORY_25_DIGEST).toBe(0x4000000n)
    expect(DFLAG.FRAGMENTS).toBe(0x800000n)
    expect(DFLAG.SPAWN).toBe(0x1n << 32n)
    expect(DFLAG.NAME_ME).toBe(0x2n << 32n)
    expect(DFLAG.V4_NC).toBe(0x4n << 32n)
    expect(DFLAG.ALIAS).toBe(0x8n << 32n)
    expect(DFLAG.ALTACT_SIG).toBe(0x20n << 32n)
    expect(MANDATORY_25).toBe(0x1070f94n)
    expect(MANDATORY_26).toBe(0x403070f94n)
  })

  it('have one bit each and no bit twice', () => {
    const values = Object.values(DFLAG)
    expect(new Set(values).size).toBe(values.length)
    for (const value of values) expect(value & (value - 1n)).toBe(0n)
  })

  it('of ours are those OTP 25 was recorded with, and what OTP 28 and 29 added', () => {
    const newer = DFLAG.ALTACT_SIG | DFLAG.NATIVE_RECORDS
    expect(ourFlags()).toBe(OTP_25_HIDDEN | newer)
    expect(ourFlags({ hidden: false })).toBe(OTP_25_VISIBLE | newer)
    expect(ourFlags({ hidden: false, without: newer })).toBe(OTP_25_VISIBLE)
  })

  it('never announce what is internal, obsolete or a request for a name', () => {
    const never = DFLAG.ATOM_CACHE | DFLAG.HIDDEN_ATOM_CACHE | DFLAG.INTERNAL_15 | DFLAG.PENDING_CONNECT
    expect(ourFlags({ hidden: false }) & (never | DFLAG.LOCAL_EXT | DFLAG.NAME_ME)).toBe(0n)
  })

  it('hide behind the digest only until it is expanded', () => {
    expect(expandDigest(DFLAG.MANDATORY_25_DIGEST)).toBe(DFLAG.MANDATORY_25_DIGEST | MANDATORY_25)
    expect(expandDigest(DFLAG.SPAWN)).toBe(DFLAG.SPAWN)
  })

  it('have names, and bits nobody knows have numbers', () => {
    expect(flagNames(DFLAG.V4_NC | DFLAG.UNLINK_ID | (1n << 40n))).toEqual(['UNLINK_ID', 'V4_NC', 'bit 40'])
    expect(flagNames(0n)).toEqual([])
  })
})
