import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { plainFormat } from '../../../../src/cluster/strategies/gossip/heartbeat.ts'
import { SignedFormat } from '../../../../src/cluster/strategies/gossip/signed-heartbeat.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const NOON = Date.UTC(2026, 0, 1, 12)

/** A node that signs, with a clock to turn. */
class Signer {
  time = NOON
  readonly skewed: [string, number][] = []
  readonly format: SignedFormat

  constructor(secret = 'secret', maxNames = 100) {
    this.format = new SignedFormat({
      secret,
      window: 30_000,
      maxNames,
      wallClock: () => this.time,
      onSkew: (name, ms) => this.skewed.push([name, ms]),
    })
  }
}

describe('a signed heartbeat', () => {
  it('is laid out as the documentation says', () => {
    const body = Buffer.alloc(8)
    body.writeBigUInt64BE(BigInt(NOON))
    const key = createHash('sha256').update('tsunagi gossip 1\0secret').digest()
    const mac = createHmac('sha256', key).update('tsunagi1').update(body).update(A).digest()
    expect(new Signer().format.write(A)).toEqual(Buffer.concat([Buffer.from('tsunagi1'), mac, body, Buffer.from(A)]))
  })

  it('is taken once, and not when it is played again', () => {
    const [from, to] = [new Signer(), new Signer()]
    const packet = from.format.write(A)
    expect(to.format.read(packet)).toBe(A)
    expect(to.format.read(packet)).toBeUndefined()
    expect(to.format.read(from.format.write(A))).toBe(A)
    expect(to.format.read(packet)).toBeUndefined()
  })

  it('is not taken when a whole hour of them is played again, at once or an hour later', () => {
    const to = new Signer()
    const senders = Array.from({ length: 20 }, (_, index) => ({
      signer: new Signer(),
      name: `n${index}@10.0.0.${index}`,
    }))
    const hour: Buffer[] = []
    for (let second = 0; second < 3600; second += 2) {
      for (const { signer, name } of senders) {
        to.time = signer.time = NOON + second * 1000
        hour.push(signer.format.write(name))
        expect(to.format.read(hour.at(-1) as Buffer)).toBe(name)
      }
    }
    const taken = (): number => hour.filter((packet) => to.format.read(packet) !== undefined).length
    expect(taken()).toBe(0)
    to.time += 3_600_000
    expect(taken()).toBe(0)
  })

  it('is not taken outside the window, and its sender is named', () => {
    const [from, to] = [new Signer(), new Signer()]
    const early = from.format.write(A)
    to.time += 30_001
    expect(to.format.read(early)).toBeUndefined()
    to.time = NOON - 30_001
    expect(to.format.read(early)).toBeUndefined()
    expect(to.skewed).toEqual([
      [A, -30_001],
      [A, 30_001],
    ])
    to.time = NOON + 30_000
    expect(to.format.read(early)).toBe(A)
  })

  it('goes on when the clock of its sender is set back a little, and when that of its receiver is set back much', () => {
    const [from, to] = [new Signer(), new Signer()]
    expect(to.format.read(from.format.write(A))).toBe(A)
    from.time -= 10_000
    expect(to.format.read(from.format.write(A))).toBe(A)
    from.time -= 3_600_000
    to.time -= 3_600_000
    expect(to.format.read(from.format.write(A))).toBe(A)
  })

  it('is not one of another secret, with a changed byte, cut short, or plain', () => {
    const packet = new Signer().format.write(A)
    const { format } = new Signer()
    expect(new Signer('another').format.read(packet)).toBeUndefined()
    for (let i = 0; i < packet.length; i++) {
      const changed = Buffer.from(packet)
      changed[i] = (changed[i] as number) ^ 1
      expect(format.read(changed)).toBeUndefined()
      expect(format.read(packet.subarray(0, i))).toBeUndefined()
    }
    expect(format.read(plainFormat.write(A))).toBeUndefined()
    expect(format.read(new Signer().format.write('no name'))).toBeUndefined()
    expect(format.read(packet)).toBe(A)
  })

  it('remembers a limited number of names, and forgets those that are too old to be played again', () => {
    const [from, to] = [new Signer(), new Signer('secret', 1)]
    expect(to.format.read(from.format.write(A))).toBe(A)
    expect(to.format.read(from.format.write(B))).toBeUndefined()
    from.time += 30_002
    to.time += 30_002
    expect(to.format.read(from.format.write(B))).toBe(B)
  })
})
