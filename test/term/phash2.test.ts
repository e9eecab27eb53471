import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { phash2Binary } from '../../src/term/phash2.ts'
import { startErl } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'

describe('phash2 of a binary', () => {
  it('is what Erlang says', () => {
    // [erlang:phash2(B) || B <- [<<>>, <<"a">>, <<"lobby">>, <<"room:1">>, <<"rööm:1"/utf8>>, <<"twelve bytes">>, <<"thirteen byte">>]].
    expect(
      ['', 'a', 'lobby', 'room:1', 'rööm:1', 'twelve bytes', 'thirteen byte'].map((text) => phash2Binary(text)),
    ).toEqual([13708901, 112802447, 8249997, 23597065, 111501504, 93359736, 33196846])
    expect(phash2Binary('lobby', 1)).toBe(0)
    expect(phash2Binary(Buffer.from('lobby'), 2 ** 32)).toBe(phash2Binary('lobby', 2 ** 32))
  })
})

describeOtp('phash2 of a binary', (release) => {
  it('is what this Erlang says, of thousands of binaries and ranges', async () => {
    await using erl = await startErl({ release })
    const binaries = Array.from({ length: 3000 }, (_, i) => randomBytes(i % 97))
    const ranges = binaries.map((_, i) => (i % 3 === 0 ? 2 ** 32 - 1 - i : 1 + (i % 50)))
    const packed = Buffer.concat(binaries.map((binary) => Buffer.concat([Uint8Array.of(binary.length), binary])))
    const all = Buffer.alloc(4 * ranges.length)
    for (const [i, range] of ranges.entries()) all.writeUInt32BE(range, 4 * i)
    const answer = await erl.evalBytes(
      `Hashes = fun F(<<>>, <<>>) -> [];
         F(<<S, B:S/binary, Bs/binary>>, <<R:32, Rs/binary>>) -> [<<(erlang:phash2(B, R)):32>> | F(Bs, Rs)]
       end, Hashes(Packed, Ranges)`,
      { bind: { Packed: packed, Ranges: all } },
    )
    const expected = binaries.map((_, i) => answer.readUInt32BE(4 * i))
    expect(binaries.map((binary, i) => phash2Binary(binary, ranges[i]))).toEqual(expected)
  })
})
