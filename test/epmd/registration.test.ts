import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { listNames } from '../../src/epmd/client.ts'
import { Registration, type RegistrationOptions } from '../../src/epmd/registration.ts'
import { EpmdServer } from '../../src/epmd/server.ts'
import { freePort } from '../support/otp.ts'
import { namesAre, until } from './node-process.ts'

const registrations: Registration[] = []

function registration(alive: string, port: number, more: Partial<RegistrationOptions> = {}): Registration {
  const options = { alive, host: '127.0.0.1', port: 40_000, hidden: true, epmd: { port }, logger: silentLogger }
  const it = new Registration({ ...options, ...more })
  registrations.push(it)
  return it
}

afterEach(async () => {
  await Promise.all(registrations.splice(0).map((it) => it.close()))
})

describe('a registration', () => {
  test('serves an EPMD where none is, and knows it for its own', async () => {
    const port = await freePort()
    const node = registration('a', port)
    const [serving, registered] = [once(node, 'serving'), once(node, 'registered')]
    await node.start()
    expect(await serving).toEqual([{ port }])
    expect(await registered).toEqual([{ ours: true }])
    expect(node.serving).toEqual(['127.0.0.1', '::1'])
    expect(await listNames({ port })).toEqual([{ name: 'a', port: 40_000 }])
    await node.close()
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })

  test('of a taken name fails with ERR_NAME_TAKEN, and leaves the server to the one that has it', async () => {
    const port = await freePort()
    await registration('a', port).start()
    await expect(registration('a', port).start()).rejects.toMatchObject({ code: 'ERR_NAME_TAKEN' })
    expect(await listNames({ port })).toHaveLength(1)
  })

  test('that may not serve fails where there is no EPMD', async () => {
    const port = await freePort()
    await expect(registration('a', port, { epmd: { port, serve: false } }).start()).rejects.toMatchObject({
      code: 'ERR_EPMD_UNREACHABLE',
    })
  })

  test('fails with ERR_EPMD_PROTOCOL or ERR_EPMD_REFUSED when something else has the port', async () => {
    for (const [answer, code] of [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', 'ERR_EPMD_PROTOCOL'],
      ['', 'ERR_EPMD_REFUSED'],
    ] as const) {
      const other = createServer((socket) => socket.end(answer)).listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port } = other.address() as { port: number }
      await expect(registration('a', port).start()).rejects.toMatchObject({ code })
      other.close()
    }
  })

  test('that is aborted or closed while it starts rejects with the reason, and leaves nothing behind', async () => {
    const mute = createServer().listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as { port: number }
    const reason = new Error('enough')
    const controller = new AbortController()
    const aborted = registration('a', port).start({ signal: controller.signal })
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    const closed = registration('b', port)
    const starting = closed.start()
    await closed.close()
    await expect(starting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    mute.close()
  })

  test('closed while its thread starts leaves no server', async () => {
    const port = await freePort()
    const node = registration('a', port)
    const starting = node.start()
    await node.close()
    await expect(starting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })

  test('takes the port from ERL_EPMD_PORT as it is when the node starts, unless told', async () => {
    vi.stubEnv('ERL_EPMD_PORT', '5001')
    expect(registration('a', 0, { epmd: {} }).epmdPort).toBe(5001)
    expect(registration('a', 5002).epmdPort).toBe(5002)
    vi.stubEnv('ERL_EPMD_PORT', 'no')
    expect(() => registration('a', 0, { epmd: {} })).toThrow(/^ERL_EPMD_PORT: /)
    vi.unstubAllEnvs()
  })

  test('gives options at fault their names', () => {
    expect(() => registration('a', 0)).toThrow(/^epmd\.port: /)
    expect(() => registration('a', 1, { epmd: { adress: '::' } as never })).toThrow(/did you mean epmd\.address/)
    expect(() => registration('a', 1, { epmd: { address: 'altair' } })).toThrow(/^epmd\.address: /)
    expect(() => registration('a', 1, { epmd: { host: 'altair', serve: true } })).toThrow(/^epmd\.serve: /)
  })
})

describe('the server of a process', () => {
  test('is one for all its nodes, and lives as long as one of them', async () => {
    const port = await freePort()
    const nodes = Array.from({ length: 5 }, (_, i) => registration(`n${i}`, port))
    await Promise.all(nodes.map((it) => it.start()))
    expect(await listNames({ port })).toHaveLength(5)
    const late = registration('late', port)
    await late.start()
    const undisturbed = nodes[4] as Registration
    undisturbed.on('lost', () => expect.unreachable())
    for (const node of nodes.slice(0, 4)) await node.close()
    await namesAre(port, 'late', 'n4')
    await late.close()
    await namesAre(port, 'n4')
    await undisturbed.close()
    await undisturbed.close()
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })

  test('can be started anew at once on the same port', async () => {
    const port = await freePort()
    for (let i = 0; i < 3; i++) {
      const first = registration('a', port)
      await first.start()
      const closing = first.close()
      const second = registration('b', port)
      await second.start()
      await closing
      await namesAre(port, 'b')
      expect(second.serving).toBeDefined()
      await second.close()
    }
  })
})

describe('when the EPMD goes away', () => {
  test('of ours, all nodes register again with the one that takes over, and keep their creation', async () => {
    const server = new EpmdServer({ port: 0 })
    await server.listen()
    const { port } = server
    const nodes = ['a', 'b', 'c'].map((name) => registration(name, port))
    await Promise.all(nodes.map((it) => it.start()))
    const events = nodes.map((it) => [once(it, 'lost'), once(it, 'registered')] as const)
    await server.close()
    for (const [lost, registered] of events) {
      expect(await lost).toEqual([{ ours: true }])
      expect(await registered).toEqual([{ ours: true }])
    }
    await namesAre(port, 'a', 'b', 'c')
    expect(nodes.map((it) => it.registered)).toEqual([true, true, true])
    expect(nodes.every((it) => it.serving !== undefined)).toBe(true)
  })

  test('a node that may not serve waits for the next one', async () => {
    const first = new EpmdServer({ port: 0 })
    await first.listen()
    const { port } = first
    const node = registration('a', port, { epmd: { port, serve: false } })
    await node.start()
    const lost = once(node, 'lost')
    await first.close()
    await lost
    const registered = once(node, 'registered')
    await using second = new EpmdServer({ port })
    await second.listen()
    expect(await registered).toEqual([{ ours: true }])
  })

  test('and another node has taken the name meanwhile, it says so and registers when it is free', async () => {
    const server = new EpmdServer({ port: 0 })
    await server.listen()
    const { port } = server
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
    const node = registration('a', port, { logger, random: () => 1 })
    await node.start()
    const lost = once(node, 'lost')
    await server.close()
    await lost
    const thief = registration('a', port)
    await thief.start()
    await until(async () => warnings.length > 0 || undefined)
    expect(warnings).toEqual([expect.stringContaining('knows another node named a')])
    const registered = once(node, 'registered')
    await thief.close()
    await registered
  })
})
