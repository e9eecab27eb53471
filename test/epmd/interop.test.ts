import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { askName } from '../../src/epmd/ask-name.ts'
import { listNames, lookup } from '../../src/epmd/client.ts'
import { startEpmd } from '../../src/epmd/epmd.ts'
import { decodeMark } from '../../src/epmd/mark.ts'
import { Registration, type RegistrationOptions } from '../../src/epmd/registration.ts'
import { EpmdServer } from '../../src/epmd/server.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort, startElixir, startErl } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { describeSkipped, describeTools } from '../support/tools.ts'
import { event, namesAre, nodeProcess, reachFound, realEpmd, run, until } from './node-process.ts'
import { alive, entry } from './wire-peer.ts'

const registrations: Registration[] = []
const processes: OsProcess[] = []

function registration(alive: string, port: number, more: Partial<RegistrationOptions> = {}): Registration {
  const epmd = { port }
  const options = { alive, host: '127.0.0.1', port: 40_000, hidden: true, epmd, logger: silentLogger }
  const it = new Registration({ ...options, ...more })
  registrations.push(it)
  return it
}

async function startNode(name: string, port: number): Promise<OsProcess> {
  const node = nodeProcess(name, { port })
  processes.push(node)
  await event(node, 'started')
  return node
}

afterEach(async () => {
  await Promise.all(registrations.splice(0).map((it) => it.close()))
  await Promise.all(processes.splice(0).map((it) => it[Symbol.asyncDispose]()))
})

describeTools("Erlang's epmd", ['epmd'], () => {
  test('answers our client', async () => {
    await using epmd = await realEpmd()
    const { port } = epmd
    expect(await listNames({ port })).toEqual([])
    expect(await lookup('a', { port })).toBeUndefined()
    const extra = Uint8Array.of(9, 8, 7)
    const a = await alive(port, entry('a', { port: 1234, extra }))
    const b = await alive(port, entry('bé', { port: 1235 }))
    const { name: _, ...rest } = entry('a', { port: 1234, extra })
    expect(await lookup('a', { port })).toEqual(rest)
    const names = await listNames({ port })
    expect(names).toHaveLength(2)
    expect(names).toEqual(
      expect.arrayContaining([
        { name: 'a', port: 1234 },
        { name: 'bé', port: 1235 },
      ]),
    )
    a.socket.destroy()
    b.socket.destroy()
  })

  test('is used where it runs, and known for a foreign one', async () => {
    await using epmd = await realEpmd()
    const node = registration('a', epmd.port, { extra: Uint8Array.of(7) })
    const registered = once(node, 'registered')
    const { creation } = await node.start()
    expect(creation).toBeGreaterThanOrEqual(4)
    expect(await registered).toEqual([{ ours: false }])
    expect(node.serving).toBeUndefined()
    const found = await lookup('a', { port: epmd.port })
    expect(found).toMatchObject({ port: 40_000, nodeType: 72, protocol: 0, highVersion: 6, lowVersion: 5 })
    expect(decodeMark(found?.extra ?? new Uint8Array())).toEqual({ host: '127.0.0.1', data: Uint8Array.of(7) })
    await node.close()
    expect(await listNames({ port: epmd.port })).toEqual([])
  })

  test('that comes back is used again, and nobody takes its place', async () => {
    const first = await realEpmd()
    const { port } = first
    const nodes = ['a', 'b'].map((name) => registration(name, port))
    await Promise.all(nodes.map((it) => it.start()))
    for (const node of nodes) node.on('serving', () => expect.unreachable())
    const lost = Promise.all(nodes.map((it) => once(it, 'lost')))
    const again = Promise.all(nodes.map((it) => once(it, 'registered')))
    await first[Symbol.asyncDispose]()
    expect(await lost).toEqual([[{ ours: false }], [{ ours: false }]])
    await using _second = await realEpmd(port)
    expect(await again).toEqual([[{ ours: false }], [{ ours: false }]])
    await namesAre(port, 'a', 'b')
  })

  test('that stays away is replaced', async () => {
    const epmd = await realEpmd()
    const node = registration('a', epmd.port)
    await node.start()
    const [serving, registered] = [once(node, 'serving'), once(node, 'registered')]
    await epmd[Symbol.asyncDispose]()
    expect(await serving).toEqual([{ port: epmd.port }])
    expect(await registered).toEqual([{ ours: true }])
    await namesAre(epmd.port, 'a')
  })

  test('started on our busy port ends with 0 and leaves our server alone', async () => {
    const port = await freePort()
    await registration('a', port).start()
    expect((await run('epmd', ['-port', String(port), '-daemon'])).code).toBe(0)
    expect((await run('epmd', ['-port', String(port)])).code).toBe(0)
    expect(await listNames({ port })).toEqual([{ name: 'a', port: 40_000 }])
  })

  test('understands, as a command, the answers of our server', async () => {
    const port = await freePort()
    await registration('a', port).start()
    const names = await run('epmd', ['-port', String(port), '-names'])
    expect(names.output).toContain(`epmd: up and running on port ${port} with data:`)
    expect(names.output).toContain('name a at port 40000')
    expect((await run('epmd', ['-port', String(port), '-kill'])).output.join()).toMatch(/Killing not allowed/)
    await run('epmd', ['-port', String(port), '-stop', 'a'])
    expect(await listNames({ port })).toHaveLength(1)
  })

  test('ends, as a command, a server of ours that is all there is to its process', async () => {
    const port = await freePort()
    const server = await startEpmd({ port })
    const closed = once(server, 'close')
    expect((await run('epmd', ['-port', String(port), '-kill'])).output.join()).toMatch(/Killed/)
    await closed
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })
})

describeOtp('erl and our EPMD', (release) => {
  test('register, are refused a taken name, and find each other', async () => {
    const port = await freePort()
    await registration('ours', port).start()
    await using one = await startErl({ release, name: 'one@127.0.0.1', epmdPort: port })
    await using two = await startErl({ release, name: 'two@127.0.0.1', epmdPort: port })
    expect(await one.eval(`net_adm:ping('two@127.0.0.1')`)).toBe('pong')
    expect(await two.eval('nodes()')).toBe("['one@127.0.0.1']")
    expect(await one.eval('lists:sort([N || {N, _} <- element(2, net_adm:names("127.0.0.1"))])')).toBe(
      '["one","ours","two"]',
    )
    await expect(startErl({ release, name: 'one@127.0.0.1', epmdPort: port })).rejects.toThrow(/seems to be in use/)
    await one[Symbol.asyncDispose]()
    await namesAre(port, 'ours', 'two')
  })

  test('boots while the event loop of the process that serves is busy', async () => {
    const port = await freePort()
    const busy = await startNode('busy', port)
    busy.writeLine('block 600000')
    await event(busy, 'blocked')
    await using node = await startErl({ release, name: 'erl@127.0.0.1', epmdPort: port })
    expect(await node.eval('net_adm:names("127.0.0.1")')).toMatch(/"busy"/)
    await namesAre(port, 'busy', 'erl')
    expect(busy.output.some((line) => line.includes('unblocked'))).toBe(false)
  })

  test('says its name when it is asked, logs nothing and knows of no connection', async () => {
    await using server = new EpmdServer({ port: 0 })
    await server.listen()
    await using node = await startErl({ release, name: 'asked@127.0.0.1', epmdPort: server.port })
    const found = await lookup('asked', { port: server.port })
    const { signal } = new AbortController()
    expect(await askName('127.0.0.1', found?.port ?? 0, systemClock, signal)).toBe('asked@127.0.0.1')
    expect(await node.eval('nodes([visible, hidden])')).toBe('[]')
    expect(node.output).toEqual([])
  })

  test('leaves the server at loopback with loopback names, though erl itself listens everywhere', async () => {
    await using server = new EpmdServer({ port: 0 })
    await server.listen()
    const one = reachFound(server, 'one')
    await using _one = await startErl({ release, name: 'one@127.0.0.1', epmdPort: server.port })
    expect(await one).toBe('loopback')
    const two = reachFound(server, 'two')
    await using _two = await startErl({ release, sname: 'two@localhost', epmdPort: server.port })
    expect(await two).toBe('loopback')
    expect(server.addresses).toEqual(['127.0.0.1', '::1'])
  })
})

describeOtp('erl and a killed epmd', (release) => {
  test('registers again with the node of ours that takes its place', async () => {
    const epmd = await realEpmd()
    const { port } = epmd
    await using _erl = await startErl({ release, name: 'erl@127.0.0.1', epmdPort: port })
    await Promise.all([startNode('a', port), startNode('b', port)])
    await namesAre(port, 'a', 'b', 'erl')
    await epmd[Symbol.asyncDispose]()
    await namesAre(port, 'a', 'b', 'erl')
    expect(processes.filter((it) => it.output.some((line) => line.includes('"serving"')))).toHaveLength(1)
  })
})

describeOtp(
  'elixir and our EPMD',
  (release) => {
    test('register and find each other', async () => {
      const port = await freePort()
      await registration('ours', port).start()
      await using one = await startElixir({ release, name: 'one@127.0.0.1', epmdPort: port })
      await using _two = await startElixir({ release, name: 'two@127.0.0.1', epmdPort: port })
      expect(await one.eval('Node.ping(:"two@127.0.0.1")')).toBe(':pong')
      await namesAre(port, 'one', 'ours', 'two')
    })
  },
  { elixir: true },
)

const outside = Object.values(networkInterfaces())
  .flatMap((it) => it ?? [])
  .find((it) => it.family === 'IPv4' && !it.internal)?.address

/** Groups that need an address of this machine beside loopback. */
function describeOutside(title: string, body: () => void): void {
  if (outside === undefined) describeSkipped(title, ['a network address beside loopback'], body)
  else describe(title, body)
}

describeOutside('beyond loopback', () => {
  const host = outside as string

  test('our server takes registrations from this machine at its other addresses too', async () => {
    await using server = new EpmdServer({ port: 0, address: [host] })
    await server.listen()
    const { socket } = await alive(server.port, entry('a'), host)
    expect(await listNames({ host, port: server.port })).toHaveLength(1)
    socket.destroy()
  })

  test('a node of ours with an address in its name is found there', async () => {
    const port = await freePort()
    const near = registration('near', port)
    await near.start()
    expect(near.serving).toEqual(['127.0.0.1', '::1'])
    const far = registration('far', port, { host })
    await far.start()
    expect(await until(() => lookup('far', { host, port }))).toBeDefined()
    await until(async () => near.serving?.includes(host) || undefined)
    await far.close()
    await until(async () => near.serving?.length === 2 || undefined)
    await expect(lookup('near', { host, port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })

  describeOtp('erl with an address in its name', (release) => {
    test('makes our server listen there, and not longer than it lives', async () => {
      await using server = new EpmdServer({ port: 0 })
      await server.listen()
      const { port } = server
      await expect(lookup('far', { host, port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
      const widened = once(server, 'addresses')
      const far = await startErl({ release, name: `far@${host}`, epmdPort: port })
      expect(await widened).toEqual([['127.0.0.1', '::1', host]])
      expect(await lookup('far', { host, port })).toBeDefined()
      {
        // As from another machine: by the address, through our EPMD.
        await using peer = await startErl({ release, name: `peer@${host}`, epmdPort: port })
        expect(await peer.eval(`net_adm:ping('far@${host}')`)).toBe('pong')
        expect(await peer.eval(`net_adm:names("${host}")`)).toMatch(/^\{ok,/)
      }
      const narrowed = once(server, 'addresses')
      await far[Symbol.asyncDispose]()
      expect(await narrowed).toEqual([['127.0.0.1', '::1']])
      await expect(lookup('far', { host, port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
      expect(await listNames({ port })).toEqual([])
    })
  })
})
