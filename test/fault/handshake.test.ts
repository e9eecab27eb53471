import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ourFlags } from '../../src/dist/flags.ts'
import {
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeSendName,
  encodeStatus,
} from '../../src/dist/handshake-messages.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { openSocket, RawPeer } from '../support/raw-peer.ts'
import { Target } from './target.ts'

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

const name = (text: string, flags = ourFlags()) =>
  framed(encodeSendName({ version: 6, flags, creation: 77, name: text }))
const wrongProof = framed(encodeChallengeReply({ challenge: 1, digest: Buffer.alloc(16) }))

const closed = (socket: Socket) => (socket.closed ? Promise.resolve() : once(socket, 'close'))

/** Sends these bytes to a fresh node; answers what the node logged about it once it has closed the connection. */
async function attack(steps: readonly Uint8Array[], options: NodeOptions = {}, end = false): Promise<string[]> {
  await using target = await Target.start(options)
  const socket = await openSocket(target.node)
  socket.resume()
  for (const bytes of steps) socket.write(bytes)
  if (end) socket.end()
  await closed(socket)
  await target.survived()
  expect(target.node.nodes()).toEqual([target.witness.name])
  return target.log.lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message)
}

describe('a handshake', () => {
  it.each<[string, Uint8Array[], RegExp]>([
    ['with the wrong proof', [name('bad@127.0.0.1'), wrongProof], /bad@127.0.0.1 tried to connect with another cookie/],
    ['without mandatory flags', [name('bad@127.0.0.1', 0n)], /bad@127.0.0.1 lacks capabilities/],
    ['under our own name', [name('target1@127.0.0.1')], /two nodes have the same name/],
    ['under a name that is none', [name('no_host')], /does not speak|sent/],
    ['under an empty name', [name('')], /does not speak|sent/],
    ['of another protocol', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], /it speaks HTTP/],
    ['of TLS', [Buffer.from('160301020001', 'hex')], /it speaks TLS/],
    ['of garbage', [framed(Buffer.from('garbage garbage'))], /does not speak the Erlang distribution protocol/],
    ['of nothing', [framed(Buffer.alloc(0))], /does not speak the Erlang distribution protocol/],
    ['of 64 KiB', [Buffer.alloc(65_537, 255)], /announced a message of 65535 bytes/],
    ['with garbage for a proof', [name('bad@127.0.0.1'), framed(Buffer.from('rubbish'))], /does not speak/],
  ])('%s ends its connection with one line that says so', async (_what, steps, reason) => {
    const options = { name: 'target1@127.0.0.1' }
    expect(await attack(steps, options)).toEqual([expect.stringMatching(reason)])
  })

  it('that is left off in the middle ends its connection', async () => {
    const whole = name('bad@127.0.0.1')
    for (const cut of [1, 2, 10, whole.length - 1]) {
      // A port scan is worth no line.
      expect(await attack([whole.subarray(0, cut)], {}, true)).toEqual([])
    }
    expect(await attack([whole], {}, true)).toEqual([expect.stringMatching(/bad@127\.0\.0\.1/)])
  })

  it.each<[string, Uint8Array[]]>([
    ['nothing', []],
    ['half a length', [Uint8Array.of(0)]],
    ['half a name', [name('slow@127.0.0.1').subarray(0, 9)]],
    ['its name and no proof', [name('slow@127.0.0.1')]],
  ])('that says %s times out', async (_what, steps) => {
    // However slow the machine is, the witness has all the time it needs.
    const clock = new FakeClock()
    await using target = await Target.start({ clock, netTickTime: 1e9 })
    const socket = await openSocket(target.node)
    socket.resume()
    for (const bytes of steps) socket.write(bytes)
    while (!socket.closed) {
      clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await target.survived()
    const lines = target.log.lines.filter(({ level }) => level === 'warn' || level === 'error')
    expect(lines.map(({ message }) => message)).toEqual([expect.stringMatching(/within 7000 ms/)])
  })

  it('of silent connections, however many, keeps nobody else out', async () => {
    await using target = await Target.start({ limits: { pendingHandshakes: 8 } })
    const silent = await Promise.all(Array.from({ length: 50 }, () => openSocket(target.node)))
    for (const socket of silent) socket.resume()
    await Promise.all(silent.slice(0, 42).map(closed))
    await using peer = await target.peer()
    expect(target.node.nodes()).toContain(peer.name)
    for (const socket of silent) socket.destroy()
    await target.survived()
  })

  it('one byte at a time succeeds, and unknown flags are nobody’s business', async () => {
    await using target = await Target.start()
    await using peer = await target.peer({ flags: ourFlags() | (1n << 45n) | (1n << 63n) })
    expect(target.node.nodes()).toContain(peer.name)
    const socket = await openSocket(target.node)
    socket.setNoDelay(true)
    for (const byte of name('slow@127.0.0.1')) {
      socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.subarray(2, 5).toString()).toBe('sok')
    socket.destroy()
    await target.survived()
  })

  it('under the name of a node that is connected leaves its link alone until the cookie is proven', async () => {
    await using target = await Target.start()
    const socket = await openSocket(target.node)
    socket.write(name(target.witness.name))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.subarray(2).toString()).toBe('salive')
    socket.write(framed(Buffer.from('strue')))
    await once(socket, 'data')
    socket.write(wrongProof)
    await closed(socket)
    await target.survived()

    // With the cookie it is that node, come back.
    await using first = await target.peer({ name: 'twice@127.0.0.1', creation: 5 })
    const down = once(target.node, 'nodedown')
    await using _second = await target.peer({ name: 'twice@127.0.0.1', creation: 6 })
    expect(await down).toEqual(['twice@127.0.0.1', expect.objectContaining({ reason: 'replaced' })])
    await first.ended
    expect(target.node.nodes().sort()).toEqual(['twice@127.0.0.1', target.witness.name].sort())
    await target.survived()
  })

  it('that the allow list does not have is refused', async () => {
    await using target = await Target.start({ allow: (peer) => peer.startsWith('witness') })
    await expect(RawPeer.connect(target.node)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    await target.survived()
  })
})

describe('what we dial', () => {
  /** Dials a server that answers our name with these bytes. */
  async function dial(...answers: readonly Uint8Array[]): Promise<{ code: string; reason: string }> {
    const clock = new FakeClock()
    await using target = await Target.start({ clock, netTickTime: 1e9 })
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        for (const bytes of answers) socket.write(bytes)
        if (answers.length === 0) clock.advance(7000)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const error = await target.node.connect(`fake@127.0.0.1:${port}`).catch((reason) => reason)
    await target.node.disconnect('fake@127.0.0.1')
    await target.survived()
    server.close()
    return error
  }

  const challenge = (text: string, flags = ourFlags()) =>
    framed(encodeChallenge({ version: 6, flags, creation: 5, name: text, challenge: 7 }))
  const ok = framed(encodeStatus({ status: 'ok' }))

  it.each<[string, Uint8Array[], string]>([
    ['says nothing', [], 'ERR_CONNECT_TIMEOUT'],
    ['speaks another protocol', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'ERR_CONNECT_PROTOCOL'],
    ['sends garbage', [framed(Buffer.from('garbage'))], 'ERR_CONNECT_PROTOCOL'],
    ['does not allow us', [framed(encodeStatus({ status: 'not_allowed' }))], 'ERR_CONNECT_NOT_ALLOWED'],
    ['is another node', [ok, challenge('other@127.0.0.1')], 'ERR_CONNECT_NAME'],
    ['is too old', [ok, challenge('fake@127.0.0.1', 0n)], 'ERR_CONNECT_FLAGS'],
    [
      'has another cookie',
      [ok, challenge('fake@127.0.0.1'), framed(encodeChallengeAck(Buffer.alloc(16)))],
      'ERR_CONNECT_COOKIE',
    ],
  ])('and %s is refused with a reason', async (_what, answers, code) => {
    const error = await dial(...answers)
    expect(error.code).toBe(code)
    expect(error.reason).toMatch(/fake@127\.0\.0\.1/)
  })
})
