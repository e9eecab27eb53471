import { once } from 'node:events'
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { OptionError } from '../../src/base/errors.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import { Setup } from '../../src/dist/setup.ts'
import { dialTls } from '../../src/dist/tls.ts'
import { alternativeNames } from '../../src/dist/tls-certificate.ts'
import { TlsCredentials } from '../../src/dist/tls-credentials.ts'
import { isAmong, matches, ownsName } from '../../src/dist/tls-names.ts'
import { resolveTls } from '../../src/dist/tls-options.ts'
import type { Certificate, TlsOptions, TlsSource } from '../../src/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { type StartOptions, startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { Authority, type IssueOptions } from '../support/certificates.ts'
import { nextEvent } from '../support/scene.ts'

let authority: Authority
let other: Authority
const nodes: TsunagiNode[] = []

beforeAll(() => {
  authority = new Authority()
  other = new Authority(undefined, '/CN=other')
})
afterAll(() => {
  authority[Symbol.dispose]()
  other[Symbol.dispose]()
})

function issue(options?: IssueOptions, by = authority): TlsOptions {
  return { ...by.issue(options), ca: authority.ca }
}

type Logged = TsunagiNode & { readonly log: LogBook }

async function start(name: string, tls: TlsSource | undefined, more: StartOptions = {}): Promise<Logged> {
  const log = new LogBook()
  const secured = tls === undefined ? {} : { tls }
  const options = { name, cookie: 'secret', epmd: false as const, logger: log, mesh: false, ...secured, ...more }
  const node = Object.assign(await startNode(options), { log })
  nodes.push(node)
  return node
}

/** The address of a node without EPMD. */
const at = (node: TsunagiNode): string => `${node.name}:${node.listening?.port}`

async function closeAll(): Promise<void> {
  for (const node of nodes.splice(0)) await node.close()
}

const certificate = (names: readonly string[], subject = 'CN=x'): Certificate => ({
  subject,
  issuer: 'CN=authority',
  names,
  validFrom: 0,
  expires: 1,
  fingerprint: 'AA',
})

describe('names in certificates', () => {
  it.each([
    ['erlang://app@10.0.0.5', 'app@10.0.0.5', true],
    ['erlang://app@10.0.0.5/', 'app@10.0.0.5', true],
    ['erlang://app@10.0.0.5', 'app@10.0.0.50', false],
    ['erlang://app@10.0.0.5', 'app2@10.0.0.5', false],
    ['erlang://app@host', 'app@Host', false],
    ['erlang://*@10.0.0.5', 'any@10.0.0.5', true],
    ['erlang://app@*', 'app@anywhere.example.com', true],
    ['erlang://worker-*@*.workers.example.com', 'worker-7@a.b.workers.example.com', true],
    ['erlang://worker-*@*.workers.example.com', 'worker-7@workers.example.com', false],
    ['erlang://app@[fd00::2]', 'app@fd00::2', true],
    ['erlang://app@fd00::2', 'app@fd00::2', true],
    ['erlang://a%2Cb@host', 'a,b@host', true],
    ['erlang://app@host/path', 'app@host', false],
    ['erlang://app', 'app@host', false],
    ['https://app@host', 'app@host', false],
  ])('%s is the name of %s: %s', (uri, name, is) => {
    expect(ownsName(certificate([`DNS:host`, `URI:${uri}`]), name)).toBe(is)
  })

  it('are read as Node.js writes them, with quotation marks where they could be taken for others', () => {
    expect(alternativeNames('DNS:a, IP Address:FD00:0:0:0:0:0:0:1, URI:erlang://app@h')).toEqual([
      'DNS:a',
      'IP:FD00:0:0:0:0:0:0:1',
      'URI:erlang://app@h',
    ])
    expect(alternativeNames('DNS:"a, URI:erlang://evil@h", DNS:b')).toEqual(['DNS:a, URI:erlang://evil@h', 'DNS:b'])
    expect(alternativeNames(undefined)).toEqual([])
  })

  it('fit patterns, of whatever kind they are', () => {
    const it = certificate(['DNS:w1.example.com', 'URI:spiffe://example.com/prod/db'], 'CN=db, O=Example')
    expect(isAmong(it, ['DNS:*.example.com'])).toBe(true)
    expect(isAmong(it, ['URI:spiffe://example.com/test/*', 'CN:db'])).toBe(true)
    expect(isAmong(it, ['CN:d', 'DNS:example.com', 'IP:*'])).toBe(false)
  })

  it('are compared in little time, whatever the pattern', () => {
    const begin = process.cpuUsage()
    expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(255))).toBe(false)
    expect(process.cpuUsage(begin).user).toBeLessThan(2_000_000)
  })
})

describe('options', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n'
  it.each<[unknown, string, RegExp]>([
    [{ caFile: 'c' }, 'tls.cert', /a node that is dialled needs one/],
    [{ certFile: 'a', ca: 'no PEM' }, 'tls.ca', /which is not shown/],
    [{ certFile: 'a' }, 'tls.ca', /nor caFile/],
    [{ cert: key, certFile: 'a', caFile: 'c' }, 'tls.cert', /one of them/],
    [{ certfile: 'a' }, 'tls.certfile', /did you mean tls\.certFile/],
    [{ certFile: 'a', caFile: 'c', server: { caPath: '' } }, 'tls.server.caPath', /no such option/],
    [{ certFile: 'a', caFile: 'c', minVersion: 'TLSv1.1' }, 'tls.minVersion', /one of/],
    [{ certFile: 'a', caFile: 'c', minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }, 'tls.minVersion', /at most/],
    [{ certFile: 'a', verify: 'none', requireName: true }, 'tls.requireName', /means nothing/],
    [
      { certFile: 'a', caFile: 'c', requireName: true, requireCertificate: false },
      'tls.requireCertificate',
      /there have to be some/,
    ],
    [{ certFile: 'a', caFile: 'c', allowedNames: ['host'] }, 'tls.allowedNames[0]', /names with their kinds/],
    [{ certFile: 'a', caFile: 'c', requireName: 'node' }, 'tls.requireName', /true, false/],
    [[], 'tls', /an object of TLS options/],
  ])('are refused by name: %j', (options, option, message) => {
    expect(() => resolveTls(options, true)).toThrow(
      expect.objectContaining({ option, message: expect.stringMatching(message) }),
    )
    expect(() => resolveTls(options, true)).toThrow(OptionError)
    expect(() => resolveTls(options, true)).not.toThrow(/hunter2/)
  })

  it('of a role take the place of those of both', () => {
    const { server, client } = resolveTls(
      { certFile: 'a', keyFile: 'k', caFile: 'c', client: { cert: key, key, verify: 'none' } },
      true,
    )
    expect(server).toMatchObject({ certFile: 'a', keyFile: 'k', verify: 'peer', minVersion: 'TLSv1.2' })
    expect(client).toEqual({
      cert: key,
      key,
      caFile: 'c',
      verify: 'none',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    })
  })

  it('whose files cannot be used are refused at the start, and no key is shown', async () => {
    const { cert } = authority.issue()
    const another = authority.issue()
    const cases: [TlsOptions, RegExp][] = [
      [{ certFile: '/no/such/file', caFile: '/no' }, /\/no.* cannot be read: ENOENT/],
      [{ cert, key: another.key, ca: authority.ca }, /its key \(key\) is another one's/],
      [{ cert, ca: authority.ca }, /its key \(key\) cannot be read/],
      [{ ...another, ca: another.key }, /holds no certificate/],
    ]
    for (const [tls, message] of cases) {
      const failed = startNode({ name: 'x@127.0.0.1', cookie: 'x', epmd: false, tls })
      await expect(failed).rejects.toMatchObject({
        code: 'ERR_TLS_CREDENTIALS',
        message: expect.stringMatching(message),
      })
      await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining('PRIVATE') })
    }
  })
})

describe('links', () => {
  afterAll(closeAll)

  it.each(['127.0.0.1', '::1'])('are made over it at %s, and say so', async (host) => {
    const tls = issue({ names: ['IP:127.0.0.1', 'IP:::1', 'URI:erlang://*@*'] })
    const [a, b] = [await start(`a@${host}`, tls), await start(`b@${host}`, tls)]
    await a.connect(host.includes(':') ? `b@[${host}]:${b.listening?.port}` : at(b))
    expect(await a.ping(b.name)).toBe('pong')
    for (const node of [a, b]) {
      expect(node.links()[0]?.tls).toMatchObject({
        protocol: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        verified: true,
        peer: { subject: 'CN=node', issuer: 'CN=authority' },
      })
    }
    expect(a.certificates().map(({ use }) => use)).toEqual(['both', 'authority'])
    await closeAll()
  })

  it('are not looked at for names where nothing is verified, but read by nobody', async () => {
    const tls: TlsOptions = { ...other.issue(), verify: 'none' }
    const [a, b] = [await start('a@127.0.0.1', tls), await start('b@127.0.0.1', tls)]
    await a.connect(at(b))
    expect(a.links()[0]?.tls).toMatchObject({ verified: false })
    await closeAll()
  })

  it('tell each way that a certificate can be wrong, to who dials and to who is dialled', async () => {
    const b = await start('b@127.0.0.1', issue())
    const guest = { listen: false } as const
    const cases: [TlsOptions | undefined, string, string | undefined][] = [
      [{ ca: authority.ca }, 'ERR_CONNECT_TLS_NO_CERTIFICATE', 'ERR_CONNECT_TLS_NO_CERTIFICATE'],
      [{ ca: authority.ca, maxVersion: 'TLSv1.2' }, 'ERR_CONNECT_TLS_NO_CERTIFICATE', 'ERR_CONNECT_TLS_NO_CERTIFICATE'],
      [issue({}, other), 'ERR_CONNECT_TLS_REFUSED', 'ERR_CONNECT_TLS_UNTRUSTED'],
      [issue({ from: -3, until: -1 }), 'ERR_CONNECT_TLS_REFUSED', 'ERR_CONNECT_TLS_EXPIRED'],
      [issue({ from: 1, until: 3 }), 'ERR_CONNECT_TLS_REFUSED', 'ERR_CONNECT_TLS_EXPIRED'],
      [{ ...issue(), ca: other.ca }, 'ERR_CONNECT_TLS_UNTRUSTED', undefined],
      [undefined, 'ERR_CONNECT_CLOSED', 'ERR_CONNECT_TLS_PLAIN'],
    ]
    for (const [tls, dialler, dialled] of cases) {
      // From an address of its own, since who fails often is refused without a look.
      const c = await start('c@127.0.0.1', tls, guest)
      b.log.lines.splice(0)
      await expect(c.connect(at(b))).rejects.toMatchObject({ code: dialler })
      if (dialled !== undefined) {
        await vi.waitFor(() => expect(b.log.lines.map(({ data }) => 'code' in data && data.code)).toContain(dialled))
      }
      await c.close()
    }
    await closeAll()
  })

  it('are not made with a host that the certificate does not have, unless that is not asked for', async () => {
    const elsewhere = issue({ names: ['DNS:elsewhere.example.com'] })
    const b = await start('b@127.0.0.1', elsewhere)
    const a = await start('a@127.0.0.1', issue(), { listen: false })
    await expect(a.connect(at(b))).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS_HOST' })
    const c = await start('c@127.0.0.1', { ...issue(), checkHost: false }, { listen: false })
    await c.connect(at(b))
    expect(c.nodes()).toEqual([b.name])
    await closeAll()
  })
})

describe('a name', () => {
  afterAll(closeAll)
  const own = (name: string) => issue({ names: ['IP:127.0.0.1', `URI:erlang://${name}`] })

  it('is its certificate’s where that is asked for: who dials under another is not allowed', async () => {
    const loader = await start('loader@127.0.0.1', { ...own('loader@127.0.0.1'), requireName: true })
    const app = await start('app@127.0.0.1', own('app@127.0.0.1'), { listen: false })
    await app.connect(at(loader))
    expect(loader.nodes()).toEqual(['app@127.0.0.1'])
    await app.close()
    const forger = await start('app@127.0.0.1', own('guest@127.0.0.1'), { listen: false })
    await expect(forger.connect(at(loader))).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(loader.log.messages('warn').join('\n')).toMatch(
      /app@127\.0\.0\.1 has a certificate that does not give it that name: it would be URI:erlang:\/\/app@127\.0\.0\.1 \(tls\.requireName\); it has IP:127\.0\.0\.1, URI:erlang:\/\/guest@127\.0\.0\.1/,
    )
    expect(loader.nodes()).toEqual([])
    await closeAll()
  })

  it('is its certificate’s where that is asked for: who is dialled under another is not connected', async () => {
    const forger = await start('loader@127.0.0.1', own('guest@127.0.0.1'))
    const app = await start('app@127.0.0.1', { ...own('app@127.0.0.1'), requireName: true }, { listen: false })
    await expect(app.connect(at(forger))).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS_NAME' })
    expect(forger.nodes()).toEqual([])
    await closeAll()
  })

  it('is given only to who may have it', async () => {
    const giver = await start('giver@127.0.0.1', { ...own('*@127.0.0.1'), requireName: true })
    const ask = async (tls: TlsOptions) => {
      const credentials = await TlsCredentials.open({
        source: tls,
        listens: false,
        clock: systemClock,
        logger: new LogBook(),
      })
      const port = giver.listening?.port as number
      const carrier = await dialTls({ host: '127.0.0.1', port, node: giver.name, settings: credentials.settings })
      const own = { host: '127.0.0.1' }
      const handshake = {
        role: 'dialler',
        own,
        flags: ourFlags(),
        cookieFor: () => 'secret',
        peerName: giver.name,
      } as const
      const { result } = new Setup({ carrier, handshake, clock: systemClock })
      return await result.finally(() => carrier.destroy())
    }
    expect((await ask(own('*@127.0.0.1'))).ownName).toMatch(/@127\.0\.0\.1$/)
    await expect(ask(own('app@127.0.0.1'))).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    await closeAll()
  })

  it.each<[string, TlsOptions, IssueOptions, IssueOptions]>([
    ['of the host', { requireName: 'host' }, {}, { names: ['DNS:elsewhere'] }],
    [
      'that a function takes',
      { requireName: (it, name) => it.subject === `CN=${name}` },
      { subject: '/CN=app@127.0.0.1' },
      {},
    ],
    [
      'among those allowed',
      { allowedNames: ['URI:spiffe://example.com/prod/*'] },
      { names: ['URI:spiffe://example.com/prod/app'] },
      { names: ['URI:spiffe://example.com/test/app'] },
    ],
  ])('needs a certificate %s', async (_, asked, good, bad) => {
    const server = await start('server@127.0.0.1', { ...issue(), ...asked })
    const app = await start('app@127.0.0.1', issue(good), { listen: false })
    await app.connect(at(server))
    await app.close()
    const forger = await start('app@127.0.0.1', issue(bad), { listen: false })
    await expect(forger.connect(at(server))).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(server.log.lines.map(({ data }) => 'code' in data && data.code)).toContain('ERR_CONNECT_TLS_NAME')
    await closeAll()
  })
})

describe('certificates that change', () => {
  afterAll(closeAll)

  it('are taken up for new links, while old ones stay, also under a symbolic link that is swapped', async () => {
    for (const version of ['one', 'two']) {
      authority.write(version, { subject: `/CN=${version}` })
    }
    const folder = (name: string) => authority.at(name)
    const point = (version: string): void => {
      for (const kind of ['crt', 'key']) {
        rmSync(folder(`new.${kind}`), { force: true })
        symlinkSync(folder(`${version}.${kind}`), folder(`new.${kind}`))
        renameSync(folder(`new.${kind}`), folder(`current.${kind}`))
      }
    }
    point('one')
    const clock = new FakeClock()
    const files = { certFile: folder('current.crt'), keyFile: folder('current.key'), caFile: folder('ca.crt') }
    const server = await start('server@127.0.0.1', files)
    const old = await start('old@127.0.0.1', issue(), { listen: false })
    await old.connect(at(server))
    expect(old.links()[0]?.tls?.peer?.subject).toBe('CN=one')
    point('two')
    expect(await server.reloadTls()).toBe(true)
    expect(await server.reloadTls()).toBe(false)
    const late = await start('late@127.0.0.1', issue(), { listen: false })
    await late.connect(at(server))
    expect(late.links()[0]?.tls?.peer?.subject).toBe('CN=two')
    expect(old.links()[0]?.tls?.peer?.subject).toBe('CN=one')
    expect(await old.ping(server.name)).toBe('pong')
    // By itself as well, every `reloadInterval`.
    using credentials = await TlsCredentials.open({ source: files, listens: true, clock, logger: new LogBook() })
    credentials.watch(() => {})
    await clock.advance(0)
    point('one')
    await clock.advance(10_000)
    await vi.waitFor(() => expect(credentials.settings.certificates[0]?.subject).toBe('CN=one'))
    await closeAll()
  })

  it('and cannot be used are warned of once, and the last good ones stay', async () => {
    authority.write('frail')
    const [certFile, keyFile] = [authority.at('frail.crt'), authority.at('frail.key')]
    const server = await start('server@127.0.0.1', { certFile, keyFile, caFile: authority.at('ca.crt') })
    const good = readFileSync(certFile)
    writeFileSync(certFile, good.subarray(0, 200))
    expect(await server.reloadTls()).toBe(false)
    expect(await server.reloadTls()).toBe(false)
    expect(server.log.messages('warn').filter((text) => /cannot be used, the old ones stay/.test(text))).toHaveLength(1)
    const app = await start('app@127.0.0.1', issue(), { listen: false })
    await app.connect(at(server))
    expect(server.nodes()).toEqual(['app@127.0.0.1'])
    await closeAll()
  })

  it('come from a function as well, which may fail', async () => {
    let subject = '/CN=first'
    const source = async (): Promise<TlsOptions> => {
      if (subject === '') throw new Error('the vault is sealed')
      return issue({ subject })
    }
    const server = await start('server@127.0.0.1', source)
    subject = ''
    expect(await server.reloadTls()).toBe(false)
    expect(server.log.messages('warn').join()).toMatch(/the vault is sealed/)
    subject = '/CN=second'
    expect(await server.reloadTls()).toBe(true)
    expect(server.certificates()[0]?.subject).toBe('CN=second')
    await closeAll()
  })

  it('are warned of 30, 7 and 1 days before they expire, and when they have', async () => {
    const clock = new FakeClock()
    const log = new LogBook()
    let now = Date.now()
    using credentials = await TlsCredentials.open({
      source: { ...authority.issue({ until: 40 }), ca: authority.ca },
      listens: true,
      clock,
      logger: log,
      wallClock: () => now,
    })
    const told: number[] = []
    credentials.watch((certificate, daysLeft) => {
      if (certificate.use === 'both') told.push(Math.max(0, Math.ceil(daysLeft)))
    })
    for (let day = 0; day < 42; day++) {
      now += 86_400_000
      await clock.advance(10_000)
      await vi.waitFor(() => expect(clock.pending).toBeGreaterThan(0))
    }
    expect(told).toEqual([30, 7, 1, 0])
    expect(log.messages('warn').at(-1)).toMatch(/has expired/)
  })
})

describe('what is dialled', () => {
  afterAll(closeAll)

  it('bounds half-open handshakes, whatever they are, and ends them in time', async () => {
    const limits = { pendingHandshakes: 20, failedHandshakes: 1_000_000 }
    const server = await start('server@127.0.0.1', issue(), { limits, setupTimeout: 1000 })
    const { port } = server.listening as { port: number }
    const sockets = Array.from({ length: 200 }, (_, i) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      // Silence, the beginning of a ClientHello, and what is none.
      if (i % 3 === 1) socket.write(Buffer.from('16030100c8010000c40303', 'hex'))
      if (i % 3 === 2) socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      return socket
    })
    const closed = sockets.map(async (socket) => await once(socket, 'close'))
    // One that knows what it does comes through all the same.
    const app = await start('app@127.0.0.1', issue(), { listen: false })
    await app.connect(at(server))
    for (const socket of sockets) socket.resume()
    await Promise.all(closed)
    expect(app.nodes()).toEqual([server.name])
    await closeAll()
  })

  it('survives who ends in the midst of the handshake, or right after it', async () => {
    const server = await start('server@127.0.0.1', issue(), { limits: { failedHandshakes: 1_000_000 } })
    const { port } = server.listening as { port: number }
    const tls = issue()
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const raw = connect(port, '127.0.0.1')
      const { cert, key } = tls as { cert: string; key: string }
      const secure = connectTls({
        socket: raw,
        ca: authority.ca,
        cert,
        key,
        maxVersion,
        checkServerIdentity: () => undefined,
      })
      secure.on('error', () => {})
      await once(secure, 'secureConnect')
      raw.resetAndDestroy()
      await once(secure, 'close')
    }
    const app = await start('app@127.0.0.1', issue(), { listen: false })
    const up = nextEvent(server, 'nodeup', app.name)
    await app.connect(at(server))
    expect((await up)[0]).toBe(app.name)
    await closeAll()
  })
})
