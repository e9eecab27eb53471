import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DFLAG } from '../../src/dist/flags.ts'
import {
  type Challenge,
  decodeChallenge,
  decodeChallengeAck,
  decodeChallengeReply,
  decodeComplement,
  decodeSendName,
  decodeStatus,
  decodeStatusAnswer,
  digest,
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeComplement,
  encodeSendName,
  encodeStatus,
  encodeStatusAnswer,
  randomChallenge,
  type SendName,
  type Status,
  sameDigest,
} from '../../src/dist/handshake-messages.ts'
import '../support/seed.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

const decoders = {
  decodeSendName,
  decodeStatus,
  decodeStatusAnswer,
  decodeChallenge,
  decodeComplement,
  decodeChallengeReply,
  decodeChallengeAck,
}

const names = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/), fc.stringMatching(/^[a-z0-9.:é-]{1,20}$/))
  .map(([alive, host]) => `${alive}@${host}`)
const u32 = fc.nat(0xffff_ffff)
const flags64 = fc.bigInt(0n, (1n << 64n) - 1n).map((flags) => flags & ~DFLAG.NAME_ME)
const digests = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('handshake messages', () => {
  it('read the send_name recorded from OTP 25 and write it alike', () => {
    const recorded = hex('4e 0000000d07df7fbc 92ad2550 000b 61403132372e302e302e31')
    const message: SendName = { version: 6, flags: 0xd07df7fbcn, creation: 0x92ad2550, name: 'a@127.0.0.1' }
    expect(decodeSendName(recorded)).toEqual(message)
    expect(encodeSendName(message)).toEqual(recorded)
  })

  it('write version 5 as OTP 22 does', () => {
    const message: SendName = { version: 5, flags: 0x7df7fbdn, creation: undefined, name: 'a@b' }
    expect(encodeSendName(message)).toEqual(hex('6e 0005 07df7fbd 614062'))
    expect(decodeSendName(encodeSendName(message))).toEqual(message)
    const challenge: Challenge = { ...message, challenge: 0xfffffffe }
    expect(encodeChallenge(challenge)).toEqual(hex('6e 0005 07df7fbd fffffffe 614062'))
    expect(decodeChallenge(encodeChallenge(challenge))).toEqual(challenge)
  })

  it('spell every status as OTP does', () => {
    const statuses: [Status, string][] = [
      [{ status: 'ok' }, 'sok'],
      [{ status: 'ok_simultaneous' }, 'sok_simultaneous'],
      [{ status: 'nok' }, 'snok'],
      [{ status: 'not_allowed' }, 'snot_allowed'],
      [{ status: 'alive' }, 'salive'],
      [{ status: 'named', name: 'J0@h', creation: 0x01020304 }, 'snamed:\0\x04J0@h\x01\x02\x03\x04'],
    ]
    for (const [status, text] of statuses) {
      expect(Buffer.from(encodeStatus(status)).toString('latin1')).toBe(text)
      expect(decodeStatus(Buffer.from(text, 'latin1'))).toEqual(status)
    }
    for (const goOn of [true, false]) expect(decodeStatusAnswer(encodeStatusAnswer(goOn))).toEqual({ goOn })
    expect(Buffer.from(encodeStatusAnswer(true)).toString()).toBe('strue')
  })

  it('come back equal, whatever is in them', () => {
    const property = fc.property(names, flags64, u32, u32, digests, (name, flags, creation, challenge, digest) => {
      const sendName: SendName = { version: 6, flags, creation, name }
      expect(decodeSendName(encodeSendName(sendName))).toEqual(sendName)
      expect(decodeChallenge(encodeChallenge({ ...sendName, challenge }))).toEqual({ ...sendName, challenge })
      const status: Status = { status: 'named', name, creation }
      expect(decodeStatus(encodeStatus(status))).toEqual(status)
      const complement = { flags: flags & ~0xffff_ffffn, creation }
      expect(decodeComplement(encodeComplement({ flags, creation }))).toEqual(complement)
      const reply = decodeChallengeReply(encodeChallengeReply({ challenge, digest }))
      expect(reply).toEqual({ challenge, digest: Buffer.from(digest) })
      expect(decodeChallengeAck(encodeChallengeAck(digest))).toEqual({ digest: Buffer.from(digest) })
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('ignore what follows a name of version 6, which belongs to the future', () => {
    const message: SendName = { version: 6, flags: 1n, creation: 7, name: 'a@b' }
    expect(decodeSendName(Buffer.concat([encodeSendName(message), hex('ffff')]))).toEqual(message)
    const challenge: Challenge = { ...message, challenge: 9 }
    expect(decodeChallenge(Buffer.concat([encodeChallenge(challenge), hex('ffff')]))).toEqual(challenge)
  })

  it('are malformed when cut anywhere, and say so as a value', () => {
    const whole: [keyof typeof decoders, Uint8Array][] = [
      ['decodeSendName', encodeSendName({ version: 6, flags: 1n, creation: 7, name: 'abc@host' })],
      ['decodeChallenge', encodeChallenge({ version: 6, flags: 1n, creation: 7, challenge: 1, name: 'abc@host' })],
      ['decodeStatus', encodeStatus({ status: 'named', name: 'abc@host', creation: 7 })],
      ['decodeStatus', encodeStatus({ status: 'nok' })],
      ['decodeStatusAnswer', encodeStatusAnswer(false)],
      ['decodeComplement', encodeComplement({ flags: 0n, creation: 7 })],
      ['decodeChallengeReply', encodeChallengeReply({ challenge: 1, digest: new Uint8Array(16) })],
      ['decodeChallengeAck', encodeChallengeAck(new Uint8Array(16))],
    ]
    for (const [decoder, bytes] of whole) {
      expect(decoders[decoder](bytes)).not.toHaveProperty('malformed')
      for (let end = 0; end < bytes.length; end++) {
        expect(decoders[decoder](bytes.subarray(0, end)), `${decoder} of ${end} bytes`).toMatchObject({
          malformed: true,
        })
      }
    }
  })

  it.each(['a', '@host', 'a@', 'a@b@c', 'a b@c', 'a@b\n', '\x1b[2J@host', `${'a'.repeat(260)}@h`, ''])(
    'refuse %j as a name',
    (name) => {
      for (const version of [5, 6] as const) {
        const message = { version, flags: 0n, creation: 7, challenge: 1, name }
        expect(decodeSendName(encodeSendName(message))).toMatchObject({ malformed: true })
        expect(decodeChallenge(encodeChallenge(message))).toMatchObject({ malformed: true })
      }
      expect(decodeStatus(encodeStatus({ status: 'named', name, creation: 7 }))).toMatchObject({ malformed: true })
    },
  )

  it('take a bare host for a name only when a name is asked for', () => {
    const flags = DFLAG.NAME_ME
    expect(decodeSendName(encodeSendName({ version: 6, flags, creation: 0, name: 'host' }))).toMatchObject({
      name: 'host',
    })
    const whole = encodeSendName({ version: 6, flags, creation: 0, name: 'a@host' })
    expect(decodeSendName(whole)).toMatchObject({ malformed: true })
  })

  it('never make a decoder throw', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...'nNsra'), (bytes, tag) => {
      const tagged = Buffer.concat([Buffer.from(tag), bytes])
      for (const decode of Object.values(decoders)) {
        expect(decode(bytes)).toBeTypeOf('object')
        expect(decode(tagged)).toBeTypeOf('object')
      }
    })
    fc.assert(property, { numRuns: 2000 })
  })

  it('prove the cookie by the digest Erlang computes', () => {
    // erlang:md5(["secret" | integer_to_list(4294967295)]), and with the cookie 'éa'.
    expect(Buffer.from(digest('secret', 4294967295)).toString('hex')).toBe('5dfd181e69aa587cc812eb333e6536b6')
    expect(Buffer.from(digest('éa', 7)).toString('hex')).toBe('0b86aaf67888d22914e3887445774549')
  })

  it('compare digests, and draw challenges that differ', () => {
    expect(sameDigest(digest('a', 1), digest('a', 1))).toBe(true)
    expect(sameDigest(digest('a', 1), digest('b', 1))).toBe(false)
    expect(sameDigest(digest('a', 1), new Uint8Array(3))).toBe(false)
    const challenges = new Set(Array.from({ length: 100 }, randomChallenge))
    expect(challenges.size).toBeGreaterThan(95)
  })
})
