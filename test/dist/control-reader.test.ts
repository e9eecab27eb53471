import { describe, expect, it } from 'vitest'
import * as op from '../../src/dist/control.ts'
import { ControlReader } from '../../src/dist/control-reader.ts'
import { ProtocolError } from '../../src/dist/protocol-error.ts'
import { Decoder } from '../../src/term/decoder.ts'
import { atom, encode, Pid, Reference, type Term, tuple } from '../../src/term/index.ts'
import { A, B, pid, Recorder } from './joined-links.ts'

const from = pid(A, 1)
const to = pid(B, 2)
const ref = new Reference(A, [1, 2, 3], 1)
const own = new Reference(B, [1, 2, 3], 2)
const token = tuple(1, 2, 3, from, 0)
const unused = atom('')

/** Reads what `a` says to `b`: a control tuple, and a payload if there is one. */
function read(heard: Recorder, control: Term, ...payload: [] | [Term]): void {
  const bytes = Buffer.concat([control, ...payload].map((term) => encode(term).subarray(1)))
  readBytes(heard, bytes)
}

function readBytes(heard: Recorder, bytes: Buffer, versions = false): void {
  const decoder = new Decoder()
  const options = { self: atom(B), peer: atom(A), handler: heard, terms: {}, versions }
  decoder.reset(bytes, 0, bytes.length)
  new ControlReader(decoder, options).read(bytes.length)
}

/** What was heard of one signal; identifiers as texts. */
function heard(control: Term, ...payload: [] | [Term]): unknown[] {
  const recorder = new Recorder()
  read(recorder, control, ...payload)
  expect(recorder.noted).toHaveLength(1)
  return (recorder.noted[0] ?? []).map((it) => (it instanceof Pid || it instanceof Reference ? it.key : it))
}

describe('a control reader', () => {
  const text = (kind: string, target: string) => [kind, target, 'hello', expect.any(Number)]

  it.each<[string, Term, [] | [Term], unknown[]]>([
    ['SEND', tuple(op.SEND, unused, to), ['hello'], text('pid', '2.0.2')],
    ['SEND_TT', tuple(op.SEND_TT, unused, to, token), ['hello'], text('pid', '2.0.2')],
    ['SEND_SENDER', tuple(op.SEND_SENDER, from, to), ['hello'], text('pid', '2.0.2')],
    ['SEND_SENDER_TT', tuple(op.SEND_SENDER_TT, from, to, token), ['hello'], text('pid', '2.0.2')],
    ['REG_SEND', tuple(op.REG_SEND, from, unused, atom('x')), ['hello'], text('name', 'x')],
    ['REG_SEND to an atom that is a value', tuple(op.REG_SEND, from, unused, true), ['hello'], text('name', 'true')],
    ['REG_SEND_TT', tuple(op.REG_SEND_TT, from, unused, atom('x'), token), ['hello'], text('name', 'x')],
    ['ALIAS_SEND', tuple(op.ALIAS_SEND, from, own), ['hello'], text('alias', own.key)],
    ['ALIAS_SEND_TT', tuple(op.ALIAS_SEND_TT, from, own, token), ['hello'], text('alias', own.key)],
    ['ALTACT to a pid', tuple(op.ALTACT_SIG_SEND, 0, from, to), ['hello'], text('pid', '2.0.2')],
    ['ALTACT to an alias', tuple(op.ALTACT_SIG_SEND, 5, from, own), ['hello'], text('alias', own.key)],
    ['ALTACT to a name', tuple(op.ALTACT_SIG_SEND, 8, from, atom('x')), ['hello'], text('name', 'x')],
    ['ALTACT with a token', tuple(op.ALTACT_SIG_SEND, 10, from, atom('x'), token), ['hello'], text('name', 'x')],
    ['ALTACT of later', tuple(op.ALTACT_SIG_SEND, 2 ** 40 + 8, from, atom('x'), 1, 2), ['hello'], text('name', 'x')],
    ['ALTACT that is an exit', tuple(op.ALTACT_SIG_SEND, 16, from, to), [1], ['exit2', from.key, to.key, 1]],
    ['LINK', tuple(op.LINK, from, to), [], ['link', from.key, to.key]],
    ['UNLINK', tuple(op.UNLINK, from, to), [], ['unlink', undefined, from.key, to.key]],
    ['UNLINK_ID', tuple(op.UNLINK_ID, 2n ** 63n, from, to), [], ['unlink', 2n ** 63n, from.key, to.key]],
    ['UNLINK_ID_ACK', tuple(op.UNLINK_ID_ACK, 1, from, to), [], ['unlinkAck', 1, from.key, to.key]],
    ['EXIT', tuple(op.EXIT, from, to, 'why'), [], ['exit', from.key, to.key, 'why']],
    ['EXIT_TT', tuple(op.EXIT_TT, from, to, token, 'why'), [], ['exit', from.key, to.key, 'why']],
    ['EXIT2', tuple(op.EXIT2, from, to, 'why'), [], ['exit2', from.key, to.key, 'why']],
    ['EXIT2_TT', tuple(op.EXIT2_TT, from, to, token, 'why'), [], ['exit2', from.key, to.key, 'why']],
    ['PAYLOAD_EXIT', tuple(op.PAYLOAD_EXIT, from, to), ['why'], ['exit', from.key, to.key, 'why']],
    ['PAYLOAD_EXIT_TT', tuple(op.PAYLOAD_EXIT_TT, from, to, token), ['why'], ['exit', from.key, to.key, 'why']],
    ['PAYLOAD_EXIT2', tuple(op.PAYLOAD_EXIT2, from, to), ['why'], ['exit2', from.key, to.key, 'why']],
    ['PAYLOAD_EXIT2_TT', tuple(op.PAYLOAD_EXIT2_TT, from, to, token), ['why'], ['exit2', from.key, to.key, 'why']],
    ['MONITOR_P', tuple(op.MONITOR_P, from, to, ref), [], ['monitor', from.key, to.key, ref.key]],
    ['MONITOR_P of a name', tuple(op.MONITOR_P, from, atom('x'), ref), [], ['monitor', from.key, atom('x'), ref.key]],
    ['DEMONITOR_P', tuple(op.DEMONITOR_P, from, to, ref), [], ['demonitor', from.key, to.key, ref.key]],
    ['MONITOR_P_EXIT', tuple(op.MONITOR_P_EXIT, from, to, own, 1), [], ['monitorExit', from.key, to.key, own.key, 1]],
    [
      'PAYLOAD_MONITOR_P_EXIT of a name',
      tuple(op.PAYLOAD_MONITOR_P_EXIT, atom('x'), to, own),
      [1],
      ['monitorExit', atom('x'), to.key, own.key, 1],
    ],
    ['SPAWN_REPLY', tuple(op.SPAWN_REPLY, own, to, 3, from), [], ['spawnReply', own.key, to.key, 3, from.key]],
    [
      'SPAWN_REPLY_TT',
      tuple(op.SPAWN_REPLY_TT, own, to, 0, atom('notsup'), token),
      [],
      ['spawnReply', own.key, to.key, 0, atom('notsup')],
    ],
  ])('reads %s', (_name, control, payload, expected) => {
    expect(heard(control, ...payload)).toEqual(expected)
  })

  it.each([op.SPAWN_REQUEST, op.SPAWN_REQUEST_TT])('reads spawn requests (%i)', (operation) => {
    const mfa = tuple(atom('m'), atom('f'), 2)
    const more = operation === op.SPAWN_REQUEST ? [] : [token]
    const [kind, request] = heard(tuple(operation, ref, from, from, mfa, [atom('link')], ...more), [1, 2])
    expect(kind).toBe('spawnRequest')
    expect(request).toMatchObject({
      module: atom('m'),
      function: atom('f'),
      arity: 2,
      options: [atom('link')],
      args: [1, 2],
    })
  })

  it('takes a group leader and forgets it', () => {
    const recorder = new Recorder()
    read(recorder, tuple(op.GROUP_LEADER, from, to))
    expect(recorder.noted).toEqual([])
  })

  it('does not decode what is for nobody', () => {
    const recorder = new Recorder()
    recorder.knows = () => false
    const control = encode(tuple(op.SEND_SENDER, from, to)).subarray(1)
    readBytes(recorder, Buffer.concat([control, Buffer.from([250, 250])]))
    expect(recorder.noted).toEqual([])
  })

  it('decodes a message as its receiver wants it, and the next one as usual', () => {
    const recorder = new Recorder()
    const decoder = new Decoder()
    const options = { self: atom(B), peer: atom(A), handler: recorder, terms: {}, versions: false }
    const reader = new ControlReader(decoder, options)
    const bytes = Buffer.concat([tuple(op.SEND_SENDER, from, to), 'text'].map((term) => encode(term).subarray(1)))
    for (const terms of [undefined, { binaries: 'bytes' } as const, undefined]) {
      recorder.terms = terms
      decoder.reset(bytes, 0, bytes.length)
      reader.read(bytes.length)
    }
    const messages = recorder.noted.map(([, , message]) => message)
    expect(messages).toEqual(['text', new Uint8Array(Buffer.from('text')), 'text'])
  })

  it('wants a version before each term where there are no headers', () => {
    const recorder = new Recorder()
    const control = encode(tuple(op.SEND_SENDER, from, to))
    readBytes(recorder, Buffer.concat([control, encode('hello')]), true)
    expect(recorder.noted).toHaveLength(1)
    expect(() => readBytes(recorder, control.subarray(1), true)).toThrow('without its version')
    const second = Buffer.concat([control, encode('hello').subarray(1)])
    expect(() => readBytes(recorder, second, true)).toThrow('without its version')
  })

  const stranger = new Pid('c@127.0.0.1', 1, 0, 1)

  it.each<[string, Term, [] | [Term]]>([
    ['no tuple', 42, []],
    ['an empty tuple', tuple(), []],
    ['no operation', tuple(atom('send'), from, to), ['x']],
    ['an unknown operation', tuple(99, 1, 2), []],
    ['NODE_LINK, which is gone', tuple(op.NODE_LINK), []],
    ['too few elements', tuple(op.SEND_SENDER, from), ['x']],
    ['too many elements', tuple(op.LINK, from, to, 1), []],
    ['a message without a payload', tuple(op.SEND_SENDER, from, to), []],
    ['a sender that is no pid', tuple(op.SEND_SENDER, 1, to), ['x']],
    ['a receiver that is no pid', tuple(op.SEND_SENDER, from, 1), ['x']],
    ['a receiver of another node', tuple(op.SEND_SENDER, from, stranger), ['x']],
    ['a name that is no atom', tuple(op.REG_SEND, from, unused, 'text'), ['x']],
    ['an alias that is no reference', tuple(op.ALIAS_SEND, from, to), ['x']],
    ['a link from another node', tuple(op.LINK, stranger, to), []],
    ['a link to another node', tuple(op.LINK, from, stranger), []],
    ['an exit from another node', tuple(op.PAYLOAD_EXIT, stranger, to), ['x']],
    ['a monitor from another node', tuple(op.MONITOR_P, stranger, to, ref), []],
    ['a monitor of another node', tuple(op.MONITOR_P, from, stranger, ref), []],
    ['a monitor without a reference', tuple(op.MONITOR_P, from, to, 7), []],
    ['a DOWN from another node', tuple(op.MONITOR_P_EXIT, stranger, to, own, 1), []],
    ['an unlink without a number', tuple(op.UNLINK_ID, atom('x'), from, to), []],
    ['an unlink with the number 0', tuple(op.UNLINK_ID, 0, from, to), []],
    ['an unlink with 2^64', tuple(op.UNLINK_ID, 2n ** 64n, from, to), []],
    ['a spawn request without a function', tuple(op.SPAWN_REQUEST, ref, from, from, tuple(1, 2), []), [[]]],
    ['a spawn request of no module', tuple(op.SPAWN_REQUEST, ref, from, from, tuple('m', atom('f'), 0), []), [[]]],
    [
      'a spawn request without arguments',
      tuple(op.SPAWN_REQUEST, ref, from, from, tuple(atom('m'), atom('f'), 0), []),
      [1],
    ],
    ['an ALTACT of three elements', tuple(op.ALTACT_SIG_SEND, 0, from), ['x']],
    ['an ALTACT without flags', tuple(op.ALTACT_SIG_SEND, atom('x'), from, to), ['x']],
  ])('refuses %s and delivers nothing', (_name, control, payload) => {
    const recorder = new Recorder()
    expect(() => read(recorder, control, ...payload)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(PROTOCOL|DECODE)$/) }),
    )
    expect(recorder.noted).toEqual([])
  })

  it('refuses bytes behind a message, and control messages cut anywhere', () => {
    const recorder = new Recorder()
    const whole = Buffer.concat([tuple(op.SEND_SENDER, from, to), 'x'].map((term) => encode(term).subarray(1)))
    expect(() => readBytes(recorder, Buffer.concat([whole, Buffer.from([97, 1])]))).toThrow(ProtocolError)
    for (let end = 0; end < whole.length; end++) {
      expect(() => readBytes(recorder, whole.subarray(0, end)), `${end} bytes`).toThrow()
    }
    expect(recorder.noted).toEqual([])
  })
})
