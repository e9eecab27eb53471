import { describe, expect, it } from 'vitest'
import { resolveCollision } from '../../src/dist/collision.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import { DFLAG, MANDATORY_25, ourFlags } from '../../src/dist/flags.ts'
import { advanceHandshake, startHandshake } from '../../src/dist/handshake.ts'
import { refuseToDial } from '../../src/dist/handshake-dialler.ts'
import {
  decodeChallenge,
  decodeSendName,
  decodeStatus,
  digest,
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeComplement,
  encodeSendName,
  encodeStatus,
  encodeStatusAnswer,
  type Status,
} from '../../src/dist/handshake-messages.ts'
import type {
  AcceptConfig,
  DialConfig,
  HandshakeAction,
  HandshakeConfig,
  HandshakeEvent,
  HandshakeState,
} from '../../src/dist/handshake-state.ts'

const A = { name: 'a@127.0.0.1', creation: 11 }
const B = { name: 'b@127.0.0.1', creation: 22 }
const COOKIE = 'kept-secret'

function dialB(more: Partial<DialConfig> = {}): DialConfig {
  return { role: 'dialler', own: A, peerName: B.name, flags: ourFlags(), cookieFor: () => COOKIE, ...more }
}

function acceptAsB(more: Partial<AcceptConfig> = {}): AcceptConfig {
  return { role: 'acceptor', own: B, flags: ourFlags(), cookieFor: () => COOKIE, decide: () => 'ok', ...more }
}

/** One machine with everything it did. */
class Side {
  readonly config: HandshakeConfig
  readonly actions: HandshakeAction[] = []
  /** Messages sent and not yet taken by the other side. */
  outbox: Uint8Array[] = []
  state: HandshakeState

  constructor(config: HandshakeConfig) {
    this.config = config
    const step = startHandshake(config)
    this.state = step.state
    this.#note(step.actions)
  }

  take(event: HandshakeEvent): this {
    const step = advanceHandshake(this.config, this.state, event)
    this.state = step.state
    this.#note(step.actions)
    return this
  }

  hear(...messages: Uint8Array[]): this {
    for (const message of messages) this.take({ on: 'message', message })
    return this
  }

  /** Everything but messages and timers. */
  get outcome(): HandshakeAction[] {
    return this.actions.filter((action) => action.do !== 'send' && action.do !== 'restart-timer')
  }

  get result() {
    const done = this.actions.find((action) => action.do === 'done')
    if (done === undefined) throw new Error(`not done: ${JSON.stringify(this.outcome.map((action) => action.do))}`)
    return done.result
  }

  get error(): ConnectError {
    const failed = this.actions.find((action) => action.do === 'fail')
    if (failed === undefined) throw new Error('it did not fail')
    return failed.error
  }

  #note(actions: readonly HandshakeAction[]): void {
    this.actions.push(...actions)
    for (const action of actions) if (action.do === 'send') this.outbox.push(action.message)
  }
}

/** Lets two sides talk until both are silent. */
function converse(dialler: Side, acceptor: Side): void {
  while (dialler.outbox.length > 0 || acceptor.outbox.length > 0) {
    for (const [from, to] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      for (const message of from.outbox.splice(0)) to.hear(message)
    }
  }
}

function pair(dial: Partial<DialConfig> = {}, accept: Partial<AcceptConfig> = {}): { dialler: Side; acceptor: Side } {
  const dialler = new Side(dialB(dial))
  const acceptor = new Side(acceptAsB(accept))
  converse(dialler, acceptor)
  return { dialler, acceptor }
}

describe('a complete handshake', () => {
  it('tells both sides who the other is and what both can do', () => {
    const { dialler, acceptor } = pair(
      { flags: ourFlags({ hidden: false }) },
      { flags: ourFlags({ without: DFLAG.ALIAS }) },
    )
    expect(dialler.result).toEqual({
      role: 'dialler',
      peerName: B.name,
      peerCreation: 22,
      peerFlags: ourFlags({ without: DFLAG.ALIAS }),
      flags: ourFlags({ without: DFLAG.ALIAS }),
      hidden: true,
      ownName: A.name,
      ownCreation: 11,
      welcome: 'ok',
    })
    expect(acceptor.result).toEqual({
      role: 'acceptor',
      peerName: A.name,
      peerCreation: 11,
      peerFlags: ourFlags({ hidden: false }),
      flags: ourFlags({ without: DFLAG.ALIAS }),
      hidden: false,
      ownName: B.name,
      ownCreation: 22,
    })
  })

  it('works with the flags of OTP 26 and later behind the digest alone', () => {
    const flags = DFLAG.MANDATORY_25_DIGEST | DFLAG.V4_NC | DFLAG.UNLINK_ID
    const { dialler, acceptor } = pair({ flags })
    expect(acceptor.result.peerFlags).toBe(flags | MANDATORY_25)
    expect(dialler.result.peerName).toBe(B.name)
  })

  it('uses the cookie each side has for the other', () => {
    const cookies: Record<string, string> = { [A.name]: COOKIE, [B.name]: COOKIE }
    const cookieFor = (name: string) => cookies[name] ?? 'another'
    expect(pair({ cookieFor }, { cookieFor }).dialler.result.peerName).toBe(B.name)
  })

  it('begun with version 5 goes on with version 6 and a complement', () => {
    const { dialler, acceptor } = pair({ version: 5 })
    expect(acceptor.result).toMatchObject({
      peerName: A.name,
      peerCreation: 11,
      peerFlags: ourFlags(),
      flags: ourFlags(),
    })
    expect(dialler.result).toMatchObject({ peerName: B.name, peerCreation: 22, flags: ourFlags() })
  })

  it('stays with version 5 when the acceptor knows no other', () => {
    const dialler = new Side(dialB({ version: 5, challenge: () => 5 }))
    const flags = DFLAG.MANDATORY_25_DIGEST
    dialler.hear(encodeStatus({ status: 'ok' }))
    dialler.outbox = []
    dialler.hear(encodeChallenge({ version: 5, flags, creation: undefined, challenge: 9, name: B.name }))
    expect(dialler.outbox).toEqual([encodeChallengeReply({ challenge: 5, digest: digest(COOKIE, 9) })])
    dialler.hear(encodeChallengeAck(digest(COOKIE, 5)))
    expect(dialler.result).toMatchObject({ peerCreation: 0, flags: (flags | MANDATORY_25) & ourFlags() })
  })

  it('answers a dialler that knows only version 5 in kind, if its capabilities are enough', () => {
    const flags = DFLAG.EXTENDED_REFERENCES
    const acceptor = new Side(acceptAsB({ required: flags, challenge: () => 9 }))
    acceptor.hear(encodeSendName({ version: 5, flags, creation: undefined, name: A.name }))
    expect(acceptor.outbox[1]?.[0]).toBe('n'.charCodeAt(0))
    acceptor.hear(encodeChallengeReply({ challenge: 5, digest: digest(COOKIE, 9) }))
    expect(acceptor.result).toMatchObject({ peerName: A.name, peerCreation: 0, flags })
  })

  it('gives a name to a dialler that asks for one', () => {
    const given = { name: 'X7@127.0.0.1', creation: 77 }
    const visible = ourFlags({ hidden: false })
    const { dialler, acceptor } = pair(
      { own: { host: '127.0.0.1' }, flags: visible },
      { nameFor: (host) => (host === '127.0.0.1' ? given : undefined), flags: visible },
    )
    expect(dialler.result).toMatchObject({ ownName: given.name, ownCreation: 77, peerName: B.name })
    expect(acceptor.result).toMatchObject({ peerName: given.name, peerCreation: 77, hidden: true })
    expect(dialler.result.flags & DFLAG.PUBLISHED).toBe(0n)
  })

  it('restarts the timer at each step and not after the last', () => {
    const { dialler, acceptor } = pair()
    expect(dialler.actions.map((action) => action.do)).toEqual([
      ...['send', 'restart-timer'],
      'restart-timer',
      ...['send', 'restart-timer'],
      'done',
    ])
    expect(acceptor.actions.map((action) => action.do)).toEqual([
      'restart-timer',
      ...['send', 'send', 'restart-timer'],
      ...['send', 'done'],
    ])
  })
})

describe('the statuses', () => {
  it('ok_simultaneous goes on like ok', () => {
    const { dialler, acceptor } = pair({}, { decide: () => 'ok_simultaneous' })
    expect(dialler.result.peerName).toBe(B.name)
    expect(acceptor.result.peerName).toBe(A.name)
  })

  it('nok ends both, since the other attempt goes on', () => {
    const { dialler, acceptor } = pair({}, { decide: () => 'nok' })
    expect(dialler.error).toMatchObject({ code: 'ERR_CONNECT_SIMULTANEOUS', node: B.name, permanent: false })
    expect(acceptor.error).toMatchObject({ code: 'ERR_CONNECT_SIMULTANEOUS', node: A.name })
  })

  it('not_allowed ends both for good', () => {
    const { dialler, acceptor } = pair({}, { decide: () => 'not_allowed' })
    expect(dialler.error).toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED', node: B.name, permanent: true })
    expect(dialler.error.reason).toContain('log of b@127.0.0.1')
    expect(acceptor.error).toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED', node: A.name })
  })

  it('alive replaces the old link after the cookie is proven and before the dialler learns it', () => {
    const { dialler, acceptor } = pair({}, { decide: () => 'alive' })
    expect(dialler.result.peerName).toBe(B.name)
    expect(acceptor.actions.slice(-3).map((action) => action.do)).toEqual(['replace', 'send', 'done'])
    expect(acceptor.actions.at(-3)).toEqual({ do: 'replace', peerName: A.name })
  })

  it('alive never replaces anything for a wrong cookie', () => {
    const { acceptor } = pair({ cookieFor: () => 'another' }, { decide: () => 'alive' })
    expect(acceptor.outcome.map((action) => action.do)).toEqual(['fail'])
    expect(acceptor.error.code).toBe('ERR_CONNECT_COOKIE')
  })

  it('alive ends both when the dialler does not want another link', () => {
    const { dialler, acceptor } = pair({ stillWanted: () => false }, { decide: () => 'alive' })
    expect(dialler.error.code).toBe('ERR_CONNECT_ALREADY_CONNECTED')
    expect(acceptor.error.code).toBe('ERR_CONNECT_ALREADY_CONNECTED')
  })

  it('busy closes without an answer', () => {
    const { dialler, acceptor } = pair({}, { decide: () => 'busy' })
    expect(acceptor.actions.map((action) => action.do)).toEqual(['restart-timer', 'fail'])
    expect(dialler.take({ on: 'closed', error: undefined }).error.code).toBe('ERR_CONNECT_CLOSED')
  })

  it('named is an error unless a name was asked for, and no name is one if it was', () => {
    const named: Status = { status: 'named', name: 'x@127.0.0.1', creation: 5 }
    expect(new Side(dialB()).hear(encodeStatus(named)).error.code).toBe('ERR_CONNECT_PROTOCOL')
    const nameless = () => new Side(dialB({ own: { host: '127.0.0.1' } }))
    expect(nameless().hear(encodeStatus({ status: 'ok' })).error.reason).toContain('no name')
    expect(nameless().hear(encodeStatus({ ...named, name: 'x@elsewhere.org' })).error.reason).toContain('another host')
    const { dialler, acceptor } = pair({ own: { host: '127.0.0.1' } })
    expect(dialler.error.code).toBe('ERR_CONNECT_NOT_ALLOWED')
    expect(acceptor.error.reason).toContain('asked for a name')
  })
})

describe('a failed handshake says why:', () => {
  it('a wrong cookie, seen by the acceptor', () => {
    const { dialler, acceptor } = pair({ cookieFor: () => 'another' })
    expect(acceptor.error).toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: A.name, permanent: true })
    expect(acceptor.outbox).toEqual([])
    dialler.take({ on: 'closed', error: undefined })
    expect(dialler.error).toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: B.name, permanent: true })
  })

  it('a wrong cookie after a reset, but not a lost network', () => {
    const waiting = () => {
      const dialler = new Side(dialB())
      converse(dialler, new Side(acceptAsB({ cookieFor: () => 'another' })))
      return dialler
    }
    const error = (code: string) => Object.assign(new Error(code), { code })
    expect(waiting().take({ on: 'closed', error: error('ECONNRESET') }).error.code).toBe('ERR_CONNECT_COOKIE')
    expect(waiting().take({ on: 'closed', error: error('ETIMEDOUT') }).error.code).toBe('ERR_CONNECT_CLOSED')
  })

  it('a wrong cookie, seen by the dialler', () => {
    const dialler = new Side(dialB({ challenge: () => 5 }))
    dialler.hear(encodeStatus({ status: 'ok' }))
    dialler.hear(encodeChallenge({ version: 6, flags: ourFlags(), challenge: 9, ...B }))
    dialler.hear(encodeChallengeAck(digest('another', 5)))
    expect(dialler.error).toMatchObject({ code: 'ERR_CONNECT_COOKIE', permanent: true })
  })

  it('another name than the one dialled, with the real one', () => {
    const { dialler } = pair({ peerName: 'b@10.0.0.1' })
    expect(dialler.error).toMatchObject({ code: 'ERR_CONNECT_NAME', node: 'b@10.0.0.1', permanent: true })
    expect(dialler.error.reason).toContain('b@127.0.0.1')
  })

  it('missing capabilities, by name', () => {
    const { dialler, acceptor } = pair({ flags: MANDATORY_25 & ~(DFLAG.MAP_TAG | DFLAG.BIG_CREATION) })
    expect(acceptor.error).toMatchObject({ code: 'ERR_CONNECT_FLAGS', node: A.name, permanent: true })
    expect(acceptor.error.reason).toContain('MAP_TAG, BIG_CREATION')
    expect(dialler.error.code).toBe('ERR_CONNECT_NOT_ALLOWED')
    const other = pair({}, { flags: MANDATORY_25 & ~DFLAG.UTF8_ATOMS })
    expect(other.dialler.error).toMatchObject({ code: 'ERR_CONNECT_FLAGS', node: B.name })
    expect(other.dialler.error.reason).toContain('UTF8_ATOMS')
  })

  it('missing capabilities that version 5 tells only in its complement', () => {
    const acceptor = new Side(acceptAsB({ required: MANDATORY_25 | DFLAG.V4_NC }))
    acceptor.hear(encodeSendName({ version: 5, flags: MANDATORY_25, creation: undefined, name: A.name }))
    expect(acceptor.outcome).toEqual([])
    acceptor.hear(encodeComplement({ flags: 0n, creation: 1 }))
    expect(acceptor.error.reason).toContain('V4_NC')
  })

  it('our own name at the other end', () => {
    const acceptor = new Side(acceptAsB())
    acceptor.hear(encodeSendName({ version: 6, flags: ourFlags(), name: B.name, creation: 99 }))
    expect(acceptor.error).toMatchObject({ code: 'ERR_CONNECT_SELF', node: B.name })
    expect(decodeStatus(acceptor.outbox[0] as Uint8Array)).toEqual({ status: 'not_allowed' })
  })

  it('ourselves, long and short names mixed, or no name at all, before anything is sent', () => {
    expect(refuseToDial(A, A.name)?.code).toBe('ERR_CONNECT_SELF')
    expect(refuseToDial(A, 'b@shorthost')).toMatchObject({ code: 'ERR_CONNECT_SPLIT_NAMES', permanent: true })
    expect(refuseToDial({ name: 'a@short', creation: 4 }, B.name)?.code).toBe('ERR_CONNECT_SPLIT_NAMES')
    expect(refuseToDial({ host: 'short' }, B.name)?.code).toBe('ERR_CONNECT_SPLIT_NAMES')
    expect(refuseToDial({ name: 'a@::1', creation: 4 }, 'b@::1')).toBeUndefined()
    expect(refuseToDial(A, 'no-host')?.code).toBe('ERR_CONNECT_NAME')
    const dialler = new Side(dialB({ peerName: 'b@shorthost' }))
    expect(dialler.actions.map((action) => action.do)).toEqual(['fail'])
  })

  it('silence, with what was waited for', () => {
    const waits: [Side, string][] = [
      [new Side(dialB()), 'its status'],
      [new Side(dialB()).hear(encodeStatus({ status: 'ok' })), 'its challenge'],
      [new Side(acceptAsB()), 'its name'],
      [
        new Side(acceptAsB({ decide: () => 'alive' })).hear(encodeSendName({ version: 6, flags: ourFlags(), ...A })),
        'whether it wants a new connection',
      ],
      [
        new Side(acceptAsB()).hear(encodeSendName({ version: 6, flags: ourFlags(), ...A })),
        'its answer to our challenge',
      ],
    ]
    for (const [side, awaited] of waits) {
      side.take({ on: 'timeout', ms: 7000 })
      expect(side.error.code).toBe('ERR_CONNECT_TIMEOUT')
      expect(side.error.reason).toContain(`did not send ${awaited} within 7000 ms`)
    }
  })

  it('a closed connection, in every phase', () => {
    const name = encodeSendName({ version: 6, flags: ourFlags(), ...A })
    const old = encodeSendName({ version: 5, flags: MANDATORY_25, creation: undefined, name: A.name })
    const sides = [
      new Side(dialB()),
      new Side(dialB()).hear(encodeStatus({ status: 'ok' })),
      new Side(acceptAsB()),
      new Side(acceptAsB()).hear(name),
      new Side(acceptAsB()).hear(old),
      new Side(acceptAsB({ decide: () => 'alive' })).hear(name),
    ]
    for (const side of sides) {
      side.take({ on: 'closed', error: undefined })
      // One that hangs up when it hears that there is a link has found that out itself.
      expect(side.error.code).toBe(side === sides.at(-1) ? 'ERR_CONNECT_ALREADY_CONNECTED' : 'ERR_CONNECT_CLOSED')
      expect(side.state.phase).toBe('over')
    }
  })

  it('a message out of place', () => {
    const misplaced = [encodeChallengeAck(digest(COOKIE, 1)), encodeStatusAnswer(true), new Uint8Array(0)]
    for (const message of misplaced) {
      for (const side of [new Side(dialB()), new Side(acceptAsB())]) {
        expect(side.hear(message).error.code).toBe('ERR_CONNECT_PROTOCOL')
      }
    }
  })

  it('never with a cookie in the message', () => {
    const secret = 'do-not-tell'
    const { dialler, acceptor } = pair({ cookieFor: () => secret })
    dialler.take({ on: 'closed', error: undefined })
    for (const { error } of [dialler, acceptor]) expect(`${error.message} ${error.stack}`).not.toContain(secret)
  })

  it('an exception in a function of the configuration', () => {
    const decide = (): never => {
      throw new Error('broken')
    }
    const { acceptor } = pair({}, { decide })
    expect(acceptor.error).toBeInstanceOf(ConnectError)
    expect(acceptor.error.cause).toMatchObject({ message: 'broken' })
  })

  it('once: nothing follows from what comes afterwards', () => {
    const acceptor = new Side(acceptAsB()).hear(new Uint8Array(0))
    const before = acceptor.actions.length
    acceptor.hear(encodeSendName({ version: 6, flags: ourFlags(), ...A })).take({ on: 'timeout', ms: 1 })
    expect(acceptor.actions.length).toBe(before)
  })
})

describe('what the acceptor asks its node', () => {
  it('is one question per handshake, with what the dialler claims', () => {
    const asked: unknown[] = []
    pair(
      {},
      {
        decide: (...question) => {
          asked.push(question)
          return 'ok'
        },
      },
    )
    expect(asked).toEqual([[A.name, { flags: ourFlags(), creation: 11, hidden: true }]])
  })
})

describe('two nodes that dial each other', () => {
  it('end with one link, that of the greater name, as in OTP', () => {
    // A hears B's dial while it dials B, and the other way round.
    const decide = (own: string) => (peer: string) => resolveCollision(own, peer, 'dialling')
    const [fromA, atB] = [new Side(dialB()), new Side(acceptAsB({ decide: decide(B.name) }))]
    const fromB = new Side(dialB({ own: B, peerName: A.name }))
    const atA = new Side(acceptAsB({ own: A, decide: decide(A.name) }))
    converse(fromA, atB)
    converse(fromB, atA)
    expect(fromA.error.code).toBe('ERR_CONNECT_SIMULTANEOUS')
    expect(atB.error.code).toBe('ERR_CONNECT_SIMULTANEOUS')
    expect(fromB.result.peerName).toBe(A.name)
    expect(atA.result.peerName).toBe(B.name)
  })

  it('decide by what they have to do with each other', () => {
    expect(resolveCollision('b@h', 'a@h', 'none')).toBe('ok')
    expect(resolveCollision('b@h', 'a@h', 'dialling')).toBe('nok')
    expect(resolveCollision('a@h', 'b@h', 'dialling')).toBe('ok_simultaneous')
    expect(resolveCollision('a@h', 'b@h', 'accepting')).toBe('ok')
    expect(resolveCollision('a@h', 'b@h', 'up')).toBe('alive')
    expect(resolveCollision('a@h', 'b@h', 'replacing')).toBe('busy')
  })
})

describe('10,000 mutated handshakes', () => {
  it('never throw, never succeed without the cookie, and end in one outcome each', () => {
    const random = generator(20_260_101)
    let failed = 0
    for (let round = 0; round < 10_000; round++) {
      const mutate = (message: Uint8Array) => mutated(message, random)
      const dialler = new Side(dialB({ version: random() < 0.2 ? 5 : 6, cookieFor: () => 'wrong' }))
      const decide = () => (['ok', 'alive', 'nok'] as const)[Math.floor(random() * 3)] ?? 'ok'
      const acceptor = new Side(acceptAsB({ decide }))
      for (let turn = 0; turn < 6; turn++) {
        for (const message of dialler.outbox.splice(0)) acceptor.hear(mutate(message))
        for (const message of acceptor.outbox.splice(0)) dialler.hear(mutate(message))
      }
      for (const side of [dialler, acceptor]) {
        side.take({ on: 'closed', error: undefined })
        expect(side.outcome.map((action) => action.do)).toEqual(['fail'])
        expect(side.error).toBeInstanceOf(ConnectError)
        failed++
      }
    }
    expect(failed).toBe(20_000)
  })
})

describe('what goes over the wire', () => {
  it('is what the grammar says', () => {
    const dialler = new Side(dialB())
    expect(decodeSendName(dialler.outbox[0] as Uint8Array)).toEqual({ version: 6, flags: ourFlags(), ...A })
    const acceptor = new Side(acceptAsB({ challenge: () => 77 })).hear(dialler.outbox[0] as Uint8Array)
    expect(decodeStatus(acceptor.outbox[0] as Uint8Array)).toEqual({ status: 'ok' })
    expect(decodeChallenge(acceptor.outbox[1] as Uint8Array)).toEqual({
      version: 6,
      flags: ourFlags(),
      challenge: 77,
      ...B,
    })
  })
})

/** Flips, cuts, lengthens or swaps a message, or leaves it alone half of the time. */
function mutated(message: Uint8Array, random: () => number): Uint8Array {
  const copy = Buffer.from(message)
  const at = Math.floor(random() * copy.length)
  switch (Math.floor(random() * 8)) {
    case 0:
      copy[at] = Math.floor(random() * 256)
      return copy
    case 1:
      return copy.subarray(0, at)
    case 2:
      return Buffer.concat([copy, Buffer.alloc(at, 0xff)])
    case 3:
      return Buffer.concat([copy.subarray(at), copy.subarray(0, at)])
    default:
      return copy
  }
}

/** A small generator of repeatable numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
