import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as op from '../../src/dist/control.ts'
import { atom, Float, Pid, Reference, type Term, tuple } from '../../src/term/index.ts'
import { bare, EMPTY_HEADER, frame, type RawPeer } from '../support/raw-peer.ts'
import { Target } from './target.ts'

/** What stands in a field; `any` takes every term. */
type Field =
  | 'peer'
  | 'own'
  | 'pid'
  | 'name'
  | 'peer or name'
  | 'own or name'
  | 'ref'
  | 'integer'
  | 'id'
  | 'mfa'
  | 'reply'
  | 'any'

/** Every operation: its fields behind the number, and its payload. Source: OTP's "Distribution Protocol". */
const operations: [name: string, code: number, fields: Field[], payload: 'any' | 'list' | undefined][] = [
  ['LINK', op.LINK, ['peer', 'own'], undefined],
  ['SEND', op.SEND, ['any', 'own'], 'any'],
  ['EXIT', op.EXIT, ['peer', 'own', 'any'], undefined],
  ['UNLINK', op.UNLINK, ['peer', 'own'], undefined],
  ['REG_SEND', op.REG_SEND, ['peer', 'any', 'name'], 'any'],
  ['GROUP_LEADER', op.GROUP_LEADER, ['pid', 'pid'], undefined],
  ['EXIT2', op.EXIT2, ['peer', 'own', 'any'], undefined],
  ['SEND_TT', op.SEND_TT, ['any', 'own', 'any'], 'any'],
  ['EXIT_TT', op.EXIT_TT, ['peer', 'own', 'any', 'any'], undefined],
  ['REG_SEND_TT', op.REG_SEND_TT, ['peer', 'any', 'name', 'any'], 'any'],
  ['EXIT2_TT', op.EXIT2_TT, ['peer', 'own', 'any', 'any'], undefined],
  ['MONITOR_P', op.MONITOR_P, ['peer', 'own or name', 'ref'], undefined],
  ['DEMONITOR_P', op.DEMONITOR_P, ['peer', 'own or name', 'ref'], undefined],
  ['MONITOR_P_EXIT', op.MONITOR_P_EXIT, ['peer or name', 'own', 'ref', 'any'], undefined],
  ['SEND_SENDER', op.SEND_SENDER, ['peer', 'own'], 'any'],
  ['SEND_SENDER_TT', op.SEND_SENDER_TT, ['peer', 'own', 'any'], 'any'],
  ['PAYLOAD_EXIT', op.PAYLOAD_EXIT, ['peer', 'own'], 'any'],
  ['PAYLOAD_EXIT_TT', op.PAYLOAD_EXIT_TT, ['peer', 'own', 'any'], 'any'],
  ['PAYLOAD_EXIT2', op.PAYLOAD_EXIT2, ['peer', 'own'], 'any'],
  ['PAYLOAD_EXIT2_TT', op.PAYLOAD_EXIT2_TT, ['peer', 'own', 'any'], 'any'],
  ['PAYLOAD_MONITOR_P_EXIT', op.PAYLOAD_MONITOR_P_EXIT, ['peer or name', 'own', 'ref'], 'any'],
  ['SPAWN_REQUEST', op.SPAWN_REQUEST, ['ref', 'peer', 'pid', 'mfa', 'any'], 'list'],
  ['SPAWN_REQUEST_TT', op.SPAWN_REQUEST_TT, ['ref', 'peer', 'pid', 'mfa', 'any', 'any'], 'list'],
  ['SPAWN_REPLY', op.SPAWN_REPLY, ['ref', 'own', 'integer', 'reply'], undefined],
  ['SPAWN_REPLY_TT', op.SPAWN_REPLY_TT, ['ref', 'own', 'integer', 'reply', 'any'], undefined],
  ['ALIAS_SEND', op.ALIAS_SEND, ['peer', 'ref'], 'any'],
  ['ALIAS_SEND_TT', op.ALIAS_SEND_TT, ['peer', 'ref', 'any'], 'any'],
  ['UNLINK_ID', op.UNLINK_ID, ['id', 'peer', 'own'], undefined],
  ['UNLINK_ID_ACK', op.UNLINK_ID_ACK, ['id', 'peer', 'own'], undefined],
  ['ALTACT_SIG_SEND', op.ALTACT_SIG_SEND, ['integer', 'peer', 'own'], 'any'],
]

/** What no typed field takes. */
const WRONG: Term = [new Float(4.5)]

describe('a control message', () => {
  let target: Target

  beforeAll(async () => {
    target = await Target.start()
  })

  afterAll(async () => {
    await target?.[Symbol.asyncDispose]()
  })

  /** A good value. Processes are those nobody has, so that nothing comes of it. */
  function good(field: Field | 'list', peer: RawPeer): Term {
    const { node } = target
    const own = new Pid(node.name, 4242, 0, node.creation)
    switch (field) {
      case 'peer':
      case 'peer or name':
        return new Pid(peer.name, 1, 0, 77)
      case 'own':
        return own
      case 'pid':
        return new Pid('stranger@127.0.0.1', 1, 0, 1)
      case 'own or name':
      case 'name':
        return atom('nobody')
      case 'reply':
        return atom('notsup')
      case 'ref':
        return new Reference(peer.name, [1, 2, 3], 77)
      case 'mfa':
        return tuple(atom('m'), atom('f'), 0)
      case 'integer':
      case 'id':
        return 1
      case 'any':
        return atom('')
      case 'list':
        return []
    }
  }

  function bytes(operation: number, fields: readonly Term[], payload: readonly Term[]): Buffer {
    return frame(EMPTY_HEADER, bare(tuple(operation, ...fields)), ...payload.map(bare))
  }

  /** What follows on the same link is heard: what went before did no harm. */
  async function answers(peer: RawPeer): Promise<void> {
    const me = new Pid(peer.name, 9, 0, 77)
    const call = tuple(atom('$gen_call'), tuple(me, 'tag'), 'question')
    peer.send(tuple(op.REG_SEND, me, atom(''), atom('echo')), call)
    await peer.receive((frames) => frames.find((it) => it.includes('question')))
    expect(target.node.nodes()).toContain(peer.name)
  }

  /** Has its own name for every kind: from whoever it comes, `what` is wrong with it. */
  const refused = (what: (peer: RawPeer) => Buffer) => target.endsLink((peer) => peer.write(what(peer)), /\S/)

  it.each(operations)(
    '%s is taken as it should be, and refused with other elements',
    async (_name, code, fields, payload) => {
      const tail = (peer: RawPeer) => (payload === undefined ? [] : [good(payload, peer)])
      const values = (peer: RawPeer) => fields.map((field) => good(field, peer))
      {
        await using peer = await target.peer()
        peer.write(bytes(code, values(peer), tail(peer)))
        await answers(peer)
      }
      await refused((peer) => bytes(code, values(peer).slice(0, -1), tail(peer)))
      if (code !== op.ALTACT_SIG_SEND) await refused((peer) => bytes(code, [...values(peer), atom('')], tail(peer)))
      for (const [at, field] of fields.entries()) {
        if (field === 'any') continue
        await refused((peer) => bytes(code, values(peer).with(at, WRONG), tail(peer)))
        if (field === 'peer' || field === 'own') {
          const stranger = new Pid('stranger@127.0.0.1', 1, 0, 1)
          const ignored = field === 'peer' && UNCHECKED.has(code)
          if (!ignored) await refused((peer) => bytes(code, values(peer).with(at, stranger), tail(peer)))
        }
      }
      if (payload === 'list') await refused((peer) => bytes(code, values(peer), [atom('no_list')]))
    },
  )

  it('that has no payload may be longer than its term, as OTP allows', async () => {
    await using peer = await target.peer()
    for (const [, code, fields, payload] of operations) {
      if (payload !== undefined) continue
      const control = bare(tuple(code, ...fields.map((field) => good(field, peer))))
      peer.write(frame(EMPTY_HEADER, control, Uint8Array.of(1, 2, 3)))
    }
    await answers(peer)
  })

  it.each([0, 5, 9, 10, 11, 14, 15, 17, 32 + 6, 99, 255])('of the unknown operation %i is refused', async (code) => {
    await refused((peer) => bytes(code, [good('peer', peer), good('own', peer)], []))
  })

  it('of an unlink without a number is refused', async () => {
    for (const id of [0, -1, 2n ** 64n, 1.5]) {
      await refused((peer) => bytes(op.UNLINK_ID, [id, good('peer', peer), good('own', peer)], []))
    }
  })
})

/** Operations whose sender answers nothing and is looked at only for its form. */
const UNCHECKED = new Set<number>([
  op.REG_SEND,
  op.REG_SEND_TT,
  op.SEND_SENDER,
  op.SEND_SENDER_TT,
  op.ALIAS_SEND,
  op.ALIAS_SEND_TT,
])
