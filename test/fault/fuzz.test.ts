import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TsunagiError } from '../../src/base/errors.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import {
  digest,
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeSendName,
  encodeStatus,
} from '../../src/dist/handshake-messages.ts'
import type { HandshakeConfig } from '../../src/dist/handshake-state.ts'
import type { LinkSender } from '../../src/dist/link-sender.ts'
import { memoryCarriers } from '../../src/dist/memory.ts'
import { Setup } from '../../src/dist/setup.ts'
import { atom, Reference, tuple } from '../../src/term/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { A, B, framings, makeEnd, pid } from '../dist/joined-links.ts'
import { seed } from '../support/seed.ts'
import { mutation, portions } from './mutation.ts'

const runs = Number(process.env.TSUNAGI_FUZZ_RUNS ?? 3_000)
/** For what hangs: a run of a million takes its time. */
const timeout = 30_000 + runs * 10

const MiB = 1024 * 1024
const limits = { frameBytes: MiB, fragmentedBytes: MiB, fragmentSequences: 8, termCount: 50_000, termDepth: 200 }
const from = pid(A, 1)
const to = pid(B, 2)
const ref = new Reference(A, [1, 2, 3], 1)

/** One of every kind of signal, small and big. */
const signals: readonly ((send: LinkSender) => unknown)[] = [
  (send) => send.sendToName(from, atom('somebody'), tuple(atom('temperature'), 42, 'hello')),
  (send) => send.sendToPid(from, to, { a: [1, 2.5, -3n], b: new Map([['k', null]]), c: new Uint8Array(9) }),
  (send) => send.sendToAlias(from, new Reference(B, [9, 9, 9], 2), ['x', atom('é'.repeat(100)), ref, from]),
  (send) => send.link(from, to),
  (send) => send.unlink(2n ** 60n, from, to),
  (send) => send.unlinkAck(5, from, to),
  (send) => send.exit(from, to, tuple(atom('shutdown'), 'why')),
  (send) => send.exit2(from, to, atom('kill')),
  (send) => send.monitor(from, atom('somebody'), ref),
  (send) => send.demonitor(from, to, ref),
  (send) => send.monitorExit(from, to, ref, atom('normal')),
  (send) => send.spawnRequest(ref, from, [atom('m'), atom('f')], [1, 'two'], [atom('monitor')]),
  (send) => send.spawnReply(new Reference(B, [4], 2), from, to, 2, atom('notsup')),
  (send) => send.sendToPid(from, to, Buffer.alloc(70_000, 7)),
  (send) =>
    send.sendToName(
      from,
      atom('somebody'),
      Array.from({ length: 300 }, (_, i) => atom(`a${i}`)),
    ),
  (send) => send.tick(),
]

/** Carriers whose deliveries happen when the test says so, all at once. */
function cable() {
  const tasks: (() => void)[] = []
  const pair = memoryCarriers({ schedule: (task) => tasks.push(task), highWater: 16 * MiB })
  const run = () => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  return { ...pair, run }
}

/** What a link that agreed on `flags` writes for these signals, frame by frame. */
async function record(flags: bigint): Promise<Buffer[]> {
  const frames: Buffer[] = []
  for (const signal of signals) {
    const { a, b, run } = cable()
    const sender = makeEnd(a, A, B, new FakeClock(), { flags })
    const parts: Buffer[] = []
    b.open({ data: (chunk) => parts.push(Buffer.from(chunk)), drain() {}, closed() {} })
    sender.link.open()
    signal(sender.link.send)
    // What is sent in one turn leaves at its end.
    await turn()
    run()
    frames.push(Buffer.concat(parts))
  }
  return frames
}

/** Hands bytes to a link, and says how it took them: every signal, a clean end, and never anything else. */
function take(bytes: Buffer, sizes: readonly number[], flags: bigint): { delivered: number; ended: boolean } {
  const { a, b, run } = cable()
  const ends: { reason: string; error: Error | undefined }[] = []
  const onDown = (reason: string, error: Error | undefined) => ends.push({ reason, error })
  const { link, heard } = makeEnd(b, B, A, new FakeClock(), { flags, limits, more: { onDown } })
  link.open()
  a.open({ data() {}, drain() {}, closed() {} })
  for (const portion of portions(bytes, sizes)) a.write(portion)
  run()
  if (ends.length > 1) throw new Error(`the link ended ${ends.length} times`)
  const [end] = ends
  if (end !== undefined) {
    if (end.reason !== 'protocol_error' || !(end.error instanceof TsunagiError)) {
      throw new Error(`the link ended with ${end.reason}`, { cause: end.error })
    }
    // Any other error is a mistake of ours that the link only happened to survive.
    const { cause } = end.error
    if (cause !== undefined && !(cause instanceof TsunagiError)) throw new Error('a mistake', { cause })
  }
  link.close()
  run()
  return { delivered: heard.noted.length, ended: end !== undefined }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function memory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 200_000 })), {
  maxLength: 4,
})
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })

describe(`mutated frames (seed ${seed})`, () => {
  it.each(framings)(
    '%s end the link cleanly or are delivered, and leave nothing behind',
    async (_name, flags) => {
      const recorded = await record(flags)
      const chosen = fc.array(fc.constantFrom(...recorded), { minLength: 1, maxLength: 5 })
      let [ended, delivered, taken] = [0, 0, 0]
      let before = 0
      const share = Math.ceil(runs / framings.length)
      const property = fc.asyncProperty(chosen, mutations, sizes, async (frames, changes, cuts) => {
        // Once everything has run some times its code and its caches are there.
        if (++taken === Math.ceil(share / 4)) before = await memory()
        // Atoms nobody uses are forgotten between turns of the event loop.
        if (taken % 100 === 0) await turn()
        const bytes = changes.reduce<Buffer>((result, change) => change(result), Buffer.concat(frames))
        const outcome = take(bytes, cuts, flags)
        if (outcome.ended) ended++
        delivered += outcome.delivered
      })
      await fc.assert(property, { seed, numRuns: share })
      expect(taken).toBe(share)
      // Were all or none of them refused, this would not test much.
      expect(ended).toBeGreaterThan(share / 20)
      expect(ended).toBeLessThan(share)
      expect(delivered).toBeGreaterThan(share / 20)
      expect((await memory()) - before).toBeLessThan(32 * MiB)
    },
    timeout,
  )

  it('are delivered when nothing was changed', async () => {
    for (const [, flags] of framings) {
      for (const bytes of await record(flags)) {
        expect(take(bytes, [], flags)).toEqual({ ended: false, delivered: bytes.length === 4 ? 0 : 1 })
        expect(take(bytes, bytes.length > 5000 ? [1, 2, 3] : new Array(bytes.length).fill(1), flags)).toEqual({
          ended: false,
          delivered: bytes.length === 4 ? 0 : 1,
        })
      }
    }
  })
})

const COOKIE = 'secret'
const CHALLENGE = 4711
const proof = digest(COOKIE, CHALLENGE)
const base = { flags: ourFlags(), cookieFor: () => COOKIE, challenge: () => CHALLENGE }
const theirs = { version: 6, flags: ourFlags(), creation: 5, name: A } as const

/** Both roles, and what a peer says to each that succeeds. */
const roles: readonly (readonly [string, HandshakeConfig, readonly Uint8Array[]])[] = [
  [
    'an acceptor',
    { ...base, role: 'acceptor', own: { name: B, creation: 6 }, decide: () => 'ok' },
    [encodeSendName(theirs), encodeChallengeReply({ challenge: 1, digest: proof })],
  ],
  [
    'a dialler',
    { ...base, role: 'dialler', own: { name: B, creation: 6 }, peerName: A },
    [encodeStatus({ status: 'ok' }), encodeChallenge({ ...theirs, challenge: 1 }), encodeChallengeAck(proof)],
  ],
]

/** What comes of a handshake in which the peer says these bytes and hangs up. */
async function shake(handshake: HandshakeConfig, bytes: Buffer, cuts: readonly number[]): Promise<'up' | ConnectError> {
  const { a, b, run } = cable()
  const { result } = new Setup({ carrier: b, handshake, clock: new FakeClock() })
  const outcome = result.then(
    () => 'up' as const,
    (error: unknown) => {
      if (error instanceof ConnectError && error.cause === undefined) return error
      throw new Error('no answer of a handshake', { cause: error })
    },
  )
  a.open({ data() {}, drain() {}, closed() {} })
  for (const portion of portions(bytes, cuts)) a.write(portion)
  a.close()
  run()
  return await outcome
}

describe(`mutated handshakes (seed ${seed})`, () => {
  it.each(roles)(
    '%s either succeeds or fails with a reason',
    async (_name, config, messages) => {
      const whole = messages.map((message) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(message.length)
        return Buffer.concat([length, message])
      })
      expect(await shake(config, Buffer.concat(whole), [])).toBe('up')
      const share = Math.ceil(runs / 3)
      const codes = new Set<string>()
      const property = fc.asyncProperty(mutations, sizes, async (changes, cuts) => {
        const bytes = changes.reduce<Buffer>((result, change) => change(result), Buffer.concat(whole))
        const outcome = await shake(config, bytes, cuts)
        codes.add(outcome === 'up' ? 'up' : outcome.code)
      })
      await fc.assert(property, { seed, numRuns: share })
      expect([...codes]).toEqual(expect.arrayContaining(['ERR_CONNECT_PROTOCOL', 'ERR_CONNECT_COOKIE']))
    },
    timeout,
  )
})
