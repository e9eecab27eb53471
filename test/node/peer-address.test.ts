import { describe, expect, it } from 'vitest'
import { parsePeer } from '../../src/node/peer-address.ts'

describe('the address of a peer', () => {
  it.each<[string, string, string, number | undefined]>([
    ['b@host', 'b@host', 'host', undefined],
    ['b@127.0.0.1', 'b@127.0.0.1', '127.0.0.1', undefined],
    ['b@127.0.0.1:9100', 'b@127.0.0.1', '127.0.0.1', 9100],
    ['b@host.example.com:1', 'b@host.example.com', 'host.example.com', 1],
    ['b@host:65535', 'b@host', 'host', 65_535],
    ['b@::1', 'b@::1', '::1', undefined],
    ['b@fd00::2', 'b@fd00::2', 'fd00::2', undefined],
    ['b@[fd00::2]', 'b@fd00::2', 'fd00::2', undefined],
    ['b@[fd00::2]:9100', 'b@fd00::2', 'fd00::2', 9100],
    ['b@fd00::2:9100', 'b@fd00::2:9100', 'fd00::2:9100', undefined],
    ['b@::ffff:10.0.0.1', 'b@::ffff:10.0.0.1', '::ffff:10.0.0.1', undefined],
    ['über@höst', 'über@höst', 'höst', undefined],
  ])('%s is the node %s', (text, name, host, port) => {
    expect(parsePeer(text, 'name')).toEqual({ name, host, port })
  })

  it.each([
    '',
    'b',
    '@host',
    'b@',
    'b@host:',
    'b@host:0',
    'b@host:65536',
    'b@host:port',
    'b@host:-1',
    'a@b@c',
    'a@b@c:1',
    'b @host',
    'b@ho st',
    'b@[fd00::2',
    'b@[fd00::2]9100',
    'b@[]:9100',
    'b/c@host',
    `${'b'.repeat(252)}@host`,
    42,
    null,
    undefined,
    ['b@host'],
  ])('%j is none', (value) => {
    expect(() => parsePeer(value, 'connectTo')).toThrow(expect.objectContaining({ option: 'connectTo', value }))
  })
})
