import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMark, encodeMark } from '../../src/epmd/mark.ts'
import { RequestParser } from '../../src/epmd/request-parser.ts'
import {
  type Decoded,
  decodeAliveReply,
  decodeDumpReply,
  decodeNamesReply,
  decodePortReply,
  type EpmdRequest,
  encodeAliveReply,
  encodeDumpReply,
  encodeNamesReply,
  encodePortReply,
  encodeRequest,
  killReply,
  maxRequestBytes,
  type NodeEntry,
  stopReply,
} from '../../src/epmd/wire.ts'
import '../support/seed.ts'

const vectors: { requests: Record<string, string>; replies: Record<string, string> } = JSON.parse(
  readFileSync(new URL('vectors/otp-25.json', import.meta.url), 'utf8'),
)
const request = (name: string) => Buffer.from(vectors.requests[name]!, 'hex')
const reply = (name: string) => Buffer.from(vectors.replies[name]!, 'hex')

const z: NodeEntry = {
  name: 'z',
  port: 40001,
  nodeType: 77,
  protocol: 0,
  highVersion: 6,
  lowVersion: 5,
  extra: new Uint8Array(),
}
const old: NodeEntry = { ...z, name: 'old', port: 40003, highVersion: 5, extra: Uint8Array.of(1, 2, 3) }

const requests: [string, EpmdRequest][] = [
  ['erl registers z (listens on 40001)', { type: 'alive2', entry: z }],
  ['erl -hidden registers h (listens on 40002)', { type: 'alive2', entry: { ...z, name: 'h', port: 40002 } }],
  ['erl asks for abc', { type: 'port-please2', name: 'abc' }],
  ['epmd -names', { type: 'names' }],
  ['epmd -kill', { type: 'kill' }],
  ['epmd -stop abc', { type: 'stop', name: 'abc' }],
]

function parse(...chunks: Uint8Array[]): Decoded<EpmdRequest> {
  const parser = new RequestParser()
  let last: Decoded<EpmdRequest> = { status: 'more' }
  for (const chunk of chunks) {
    expect(last.status).toBe('more')
    last = parser.push(chunk)
  }
  return last
}

const value = <T>(decoded: Decoded<T>): T => {
  if (decoded.status !== 'done') throw new Error(JSON.stringify(decoded))
  return decoded.value
}

describe('requests', () => {
  test.each(requests)('are written and read as OTP does: %s', (name, expected) => {
    expect(Buffer.from(encodeRequest(expected)).toString('hex')).toBe(vectors.requests[name])
    expect(value(parse(request(name)))).toEqual(expected)
  })

  test.each(requests)('are read byte by byte and cut at every position: %s', (name, expected) => {
    const bytes = request(name)
    expect(value(parse(...[...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(expected)
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(parse(bytes.subarray(0, cut)).status).toBe('more')
      expect(value(parse(bytes.subarray(0, cut), bytes.subarray(cut)))).toEqual(expected)
    }
  })

  test('with one byte too many are refused, in the same chunk or the next', () => {
    for (const [name] of requests) {
      const bytes = request(name)
      expect(parse(Buffer.concat([bytes, Uint8Array.of(0)])).status).toBe('bad')
      const parser = new RequestParser()
      parser.push(bytes)
      expect(parser.push(Uint8Array.of(0)).status).toBe('bad')
    }
  })

  test('of no bytes or too many are refused before their body comes', () => {
    expect(parse(Uint8Array.of(0, 0)).status).toBe('bad')
    expect(parse(Uint8Array.of((maxRequestBytes + 1) >> 8, (maxRequestBytes + 1) & 0xff)).status).toBe('bad')
    expect(parse(Buffer.from('GET / HTTP/1.1\r\n\r\n')).status).toBe('bad')
  })

  test('whose inner lengths point past their end are refused', () => {
    const bytes = request('erl registers z (listens on 40001)')
    for (const at of [12, 15]) {
      const wrong = Buffer.from(bytes)
      wrong[at] = 0xff
      expect(parse(wrong)).toEqual({ status: 'bad', reason: 'ALIVE2_REQ is shorter than its fields say' })
    }
  })

  test('may end their name with a NUL, as old clients do', () => {
    expect(value(parse(Buffer.from('\0\x05zabc\0', 'latin1')))).toEqual({ type: 'port-please2', name: 'abc' })
  })

  test('with a name that is not UTF-8 or longer than 255 characters are refused', () => {
    expect(parse(Uint8Array.of(0, 3, 122, 0xc3, 0x28)).status).toBe('bad')
    expect(parse(encodeRequest({ type: 'port-please2', name: 'é'.repeat(256) })).status).toBe('bad')
    expect(value(parse(encodeRequest({ type: 'port-please2', name: '𝄞'.repeat(255) })))).toMatchObject({
      name: '𝄞'.repeat(255),
    })
  })

  test('survive garbage: any bytes give a request, a need for more, or a reason', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
        const parser = new RequestParser()
        for (const chunk of chunks) {
          const result = parser.push(chunk)
          expect(['more', 'done', 'bad']).toContain(result.status)
          if (result.status !== 'more') return
        }
      }),
    )
  })

  test('come back from any entry that can be registered', () => {
    const entry = fc.record({
      name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      port: fc.nat(65535),
      nodeType: fc.nat(255),
      protocol: fc.nat(255),
      highVersion: fc.nat(65535),
      lowVersion: fc.nat(65535),
      extra: fc.uint8Array({ maxLength: 300 }),
    })
    fc.assert(
      fc.property(entry, (it) => {
        expect(value(parse(encodeRequest({ type: 'alive2', entry: it })))).toEqual({ type: 'alive2', entry: it })
        expect(value(decodePortReply(encodePortReply(it)))).toEqual(it)
      }),
    )
  })
})

describe('replies', () => {
  test('to a registration are written and read as OTP does', () => {
    const registered = { result: 0, creation: 0x6b009d34 }
    expect(Buffer.from(encodeAliveReply(registered, 6))).toEqual(reply('registered'))
    expect(value(decodeAliveReply(reply('registered')))).toEqual(registered)
    expect(Buffer.from(encodeAliveReply({ result: 1, creation: 99 }, 6))).toEqual(reply('name taken'))
    expect(value(decodeAliveReply(reply('name taken')))).toEqual({ result: 1, creation: 99 })
    const older = reply('registered, to a requester of version 5')
    expect(Buffer.from(encodeAliveReply({ result: 0, creation: 2 }, 5))).toEqual(older)
    expect(value(decodeAliveReply(older))).toEqual({ result: 0, creation: 2 })
  })

  test('to a lookup are written and read as OTP does', () => {
    expect(Buffer.from(encodePortReply(old))).toEqual(reply('found'))
    expect(value(decodePortReply(reply('found')))).toEqual(old)
    expect(Buffer.from(encodePortReply(undefined))).toEqual(reply('not found'))
    expect(value(decodePortReply(reply('not found')))).toBeUndefined()
  })

  test('of fixed layout ask for more at every cut', () => {
    for (const name of ['registered', 'name taken', 'registered, to a requester of version 5']) {
      const bytes = reply(name)
      for (let cut = 0; cut < bytes.length; cut++) expect(decodeAliveReply(bytes.subarray(0, cut)).status).toBe('more')
    }
    for (const name of ['found', 'not found']) {
      const bytes = reply(name)
      for (let cut = 0; cut < bytes.length; cut++) expect(decodePortReply(bytes.subarray(0, cut)).status).toBe('more')
    }
  })

  test('with a foreign tag are refused at their first byte', () => {
    expect(decodeAliveReply(Buffer.from('H')).status).toBe('bad')
    expect(decodePortReply(Buffer.from('H')).status).toBe('bad')
  })

  test('that list names are written and read as OTP does', () => {
    const names = [
      { name: 'old', port: 40003 },
      { name: 'z', port: 40001 },
    ]
    expect(Buffer.from(encodeNamesReply({ epmdPort: 5998, names }))).toEqual(reply('names'))
    expect(value(decodeNamesReply(reply('names')))).toEqual({ epmdPort: 5998, names })
    expect(value(decodeNamesReply(Uint8Array.of(0, 0, 17, 17)))).toEqual({ epmdPort: 4369, names: [] })
  })

  test('that dump names are written and read as OTP does', () => {
    const dump = {
      epmdPort: 5998,
      active: [{ name: 'old', port: 40003, fd: 7 }],
      unused: [{ name: 'z', port: 40001, fd: 5 }],
    }
    expect(Buffer.from(encodeDumpReply(dump))).toEqual(reply('dump'))
    expect(value(decodeDumpReply(reply('dump')))).toEqual(dump)
  })

  test('that list names and are cut inside a line, or hold something else, are refused', () => {
    expect(decodeNamesReply(reply('names').subarray(0, 3)).status).toBe('bad')
    expect(decodeNamesReply(reply('names').subarray(0, 20)).status).toBe('bad')
    expect(decodeNamesReply(Buffer.from('HTTP/1.1 400 Bad Request')).status).toBe('bad')
    expect(decodeDumpReply(reply('dump').subarray(0, 20)).status).toBe('bad')
    expect(decodeNamesReply(Uint8Array.of(0, 0, 0, 1, 0xff)).status).toBe('bad')
  })

  test('to kill and stop are those of OTP', () => {
    expect(killReply.ok).toEqual(reply('killed'))
    expect(stopReply.stopped).toEqual(reply('stopped'))
  })
})

describe('the mark of our nodes', () => {
  test('carries host and data through the extra field', () => {
    const mark = { host: 'höst.example', data: Uint8Array.of(1, 2, 3) }
    expect(decodeMark(encodeMark(mark))).toEqual(mark)
  })

  test('is not seen in what others write there, nor in a cut one', () => {
    const bytes = encodeMark({ host: '127.0.0.1', data: new Uint8Array() })
    for (let cut = 0; cut < bytes.length; cut++) expect(decodeMark(bytes.subarray(0, cut))).toBeUndefined()
    expect(decodeMark(Uint8Array.of(1, 2, 3))).toBeUndefined()
  })
})
