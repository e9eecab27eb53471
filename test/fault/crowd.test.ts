import { connect } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ourFlags } from '../../src/dist/flags.ts'
import { encodeChallengeReply, encodeSendName } from '../../src/dist/handshake-messages.ts'
import { Target } from './target.ts'

const CROWD = 10_000
const AT_ONCE = 50
const cookie = 'THECOOKIEOFTHETARGET'

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** What a guess says: who it is, and a proof that is none. Written in one go; the answers are not looked at. */
const guess = (index: number) =>
  Buffer.concat([
    framed(encodeSendName({ version: 6, flags: ourFlags(), creation: 77, name: `bad${index}@127.0.0.1` })),
    framed(encodeChallengeReply({ challenge: 1, digest: Buffer.alloc(16, index) })),
  ])

/** All of 127.0.0.0/8 is this machine: as many addresses as one likes. */
const addressOf = (index: number) => `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`

/** One connection after the other, some at once, each of which guesses the cookie. */
async function guesses(target: Target, localAddress: (index: number) => string): Promise<void> {
  const { host, port } = target.node.listening as { host: string; port: number }
  let next = 0
  const guesser = async (): Promise<void> => {
    while (next < CROWD) {
      const index = next++
      const socket = connect({ host, port, localAddress: localAddress(index) })
      socket.on('error', () => {})
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.resume()
      socket.write(guess(index))
      await closed
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, guesser))
}

describe.skipIf(process.platform !== 'linux')('ten thousand guesses at the cookie', () => {
  it.each<[string, (index: number) => string, number]>([
    ['one address', () => '127.0.0.2', 100],
    ['as many addresses', addressOf, CROWD],
  ])('from %s cost nobody else anything, and tell nothing', async (_who, localAddress, most) => {
    await using target = await Target.start({ cookie })
    await guesses(target, localAddress)
    const { failed, refused, established } = target.node.acceptCounts
    const wrong = failed.ERR_CONNECT_COOKIE ?? 0
    expect(wrong + refused).toBe(CROWD)
    // What may fail again while the crowd is at it, some more.
    if (most < CROWD) expect(wrong).toBeLessThan(most * 5)
    else expect(wrong).toBe(CROWD)
    expect(established).toBe(1)
    await target.survived()
    // 1,024 failures are remembered, so that no crowd fills the log.
    expect(target.log.messages('warn').length).toBeLessThanOrEqual(1025)
    const all = inspect([target.log.lines, target.node, target.witness], {
      depth: 20,
      maxArrayLength: null,
      maxStringLength: null,
    })
    expect(all).not.toContain(cookie)
  })
})
