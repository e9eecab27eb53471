import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { mountDashboard } from '../../../src/observe/http/dashboard.ts'
import { DashboardServer } from '../../../src/observe/http/dashboard-server.ts'
import { deferred } from '../../support/deferred.ts'
import { ask, EventReader, parse, readAll, StandIn, serve, TOKEN } from './stage.ts'

const bearer = `Authorization: Bearer ${TOKEN}`

describe('the dashboard on the wire', () => {
  it('serves page, sections and health over loopback without a token', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    const { port } = dashboard.address
    expect(dashboard.url).toBe(`http://127.0.0.1:${port}/`)
    const page = await ask(port, 'GET / HTTP/1.1')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const nodes = await ask(port, 'GET /api/nodes HTTP/1.1')
    expect([nodes.status, nodes.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(JSON.parse(nodes.body)).toEqual({ nodes: [], total: 0 })
    expect((await ask(port, 'GET /alive HTTP/1.1')).status).toBe(200)
  })

  it('tells browsers with every answer, good or bad, what they may do with it', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const { port } = dashboard.address
    const requests = ['GET / HTTP/1.1', 'GET /api/nodes HTTP/1.1', 'GET /alive HTTP/1.1', 'GET /%2e HTTP/1.1']
    for (const request of [...requests, `GET /\n${bearer}`, 'PUT / HTTP/1.1']) {
      const { headers } = await ask(port, request.replace(/^(GET \/)\n/, '$1 HTTP/1.1\n'))
      expect(headers.get('content-security-policy'), request).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(headers.get('content-security-policy'), request).not.toContain('unsafe')
      expect(headers.get('x-content-type-options'), request).toBe('nosniff')
      expect(headers.get('referrer-policy'), request).toMatch(/^(no-referrer|same-origin)$/)
      expect(headers.has('access-control-allow-origin'), request).toBe(false)
    }
  })

  it('refuses paths that are tricks', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    const tricks = [
      '/../package.json',
      '/assets/../index.html',
      '/assets/..%2findex.html',
      '/%2e%2e/package.json',
      '/assets/%252e%252e/x',
      '/..\\package.json',
      '/assets%5c..%5cx',
      '/index.html%00.js',
      '/./index.html',
      '//index.html',
      '/api//nodes',
      '/api/.hidden',
      '/api/nodes;x=1',
      `http://127.0.0.1:${dashboard.address.port}/`,
      'file:///etc/passwd',
      `/${'a'.repeat(2000)}`,
    ]
    for (const trick of tricks) {
      const { status } = await ask(dashboard.address.port, `GET ${trick} HTTP/1.1`)
      expect(status, trick).toBe(400)
    }
    // What is no request at all is refused by Node.js itself.
    for (const raw of ['/\u0000', '/a b', '/\u00e9']) {
      const { status } = await ask(dashboard.address.port, `GET ${raw} HTTP/1.1`)
      expect(status, JSON.stringify(raw)).toBe(400)
    }
    expect((await ask(dashboard.address.port, 'GET /package.json HTTP/1.1')).status).toBe(404)
    expect((await ask(dashboard.address.port, 'OPTIONS * HTTP/1.1')).status).toBe(400)
  })

  it('answers only for hosts that are its own, against DNS rebinding', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ allowedHosts: ['nodes.example.com'] })
    const { port } = dashboard.address
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '[::1]', 'NODES.example.com', 'nodes.example.com.']) {
      const { status } = await ask(port, `GET /api/nodes HTTP/1.1\nHost: ${host}:${port}`)
      expect(status, host).toBe(200)
    }
    for (const host of [
      'evil.example',
      '10.1.2.3',
      'localhost.evil.example',
      'nodes.example.com.evil',
      'localhost:1@x',
      '',
    ]) {
      const { status } = await ask(port, `GET /api/nodes HTTP/1.1\nHost: ${host}`)
      expect(status, host).toBeGreaterThanOrEqual(400)
    }
    // The second one counts for a proxy in front, the first for us.
    const twice = await ask(port, `GET / HTTP/1.1\nHost: 127.0.0.1:${port}\nHost: evil.example`)
    expect(twice.status).toBeGreaterThanOrEqual(400)
    expect((await ask(port, 'GET / HTTP/1.0\nHost: evil.example')).status).toBe(403)
    // Whom anybody may ask tells nothing.
    expect((await ask(port, 'GET /alive HTTP/1.1\nHost: pod.example')).status).toBe(200)
    expect(node.log.messages('warn').join('\n')).toContain('evil.example')
  })

  it('answers no script of another page, and no form', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ actions: true })
    const { port } = dashboard.address
    const own = `http://127.0.0.1:${port}`
    const refused = [
      'GET /api/nodes HTTP/1.1\nOrigin: http://evil.example',
      `GET /api/events HTTP/1.1\nOrigin: http://127.0.0.1:${port + 1}`,
      'GET /api/nodes HTTP/1.1\nOrigin: null',
      'GET /api/nodes HTTP/1.1\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: image',
      'GET / HTTP/1.1\nSec-Fetch-Site: same-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe',
    ]
    for (const request of refused) expect((await ask(port, request)).status, request).toBe(403)
    const followed = 'GET / HTTP/1.1\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document'
    expect((await ask(port, followed)).status).toBe(200)
    expect((await ask(port, `GET /api/nodes HTTP/1.1\nOrigin: ${own}\nSec-Fetch-Site: same-origin`)).status).toBe(200)

    const ping = '{"action":"ping","peer":"b@127.0.0.1"}'
    const post = (fields: string, body = ping) => ask(port, `POST /api/actions HTTP/1.1\n${fields}`, body)
    const json = 'Content-Type: application/json'
    expect((await post(`${json}\nOrigin: http://evil.example`)).status).toBe(403)
    expect(
      (await post(`${json}\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document`)).status,
    ).toBe(403)
    expect((await post(`Content-Type: text/plain\nOrigin: ${own}`)).status).toBe(415)
    expect((await post('')).status).toBe(415)
    expect(node.observatory.acted).toEqual([])
    expect((await post(`${json}; charset=utf-8\nOrigin: ${own}`)).status).toBe(200)
    expect(node.observatory.acted.map(({ by }) => by)).toEqual(['a viewer at 127.0.0.1'])
  })

  it('lets viewers act only where that was asked for, and tells them what was wrong', async () => {
    const node = new StandIn()
    await using readOnly = await node.open()
    await using open = await node.open({ actions: true })
    const json = 'Content-Type: application/json'
    const post = (port: number, body: string) => ask(port, `POST /api/actions HTTP/1.1\n${json}`, body)
    expect((await post(readOnly.address.port, '{"action":"ping","peer":"b@h"}')).status).toBe(403)
    expect(node.observatory.acted).toEqual([])
    const { port } = open.address
    const done = await post(port, '{"action":"ping","peer":"b@h"}')
    expect(JSON.parse(done.body)).toEqual({ ok: true, text: 'b@h answered', code: null })
    for (const body of ['{', '[]', 'null', '"ping"', '{"action":"halt"}']) {
      expect((await post(port, body)).status, body).toBe(400)
    }
    expect((await post(port, `{"action":"ping","peer":"${'b'.repeat(20_000)}"}`)).status).toBe(413)
    expect((await post(port, '{"action":"\xff"}')).status).toBe(400)
    expect((await ask(port, 'POST /api/nodes HTTP/1.1', '{}')).status).toBe(404)
    expect((await ask(port, 'DELETE /api/nodes HTTP/1.1')).status).toBe(405)
  })
})

describe('the token', () => {
  it('opens everything as a bearer, also by a host name that is not known', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const { port } = dashboard.address
    expect((await ask(port, `GET /metrics HTTP/1.1\nHost: scraped.example\n${bearer}`)).status).toBe(200)
    expect((await ask(port, `GET / HTTP/1.1\n${bearer}`)).body).toContain('<title>page')
    for (const path of ['/api/nodes', '/api/events', '/metrics', '/assets/index-abc123.js']) {
      const { headers, status } = await ask(port, `GET ${path} HTTP/1.1`)
      expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer'])
    }
    expect((await ask(port, `GET /api/nodes?token=${TOKEN} HTTP/1.1`)).status).toBe(401)
    expect((await ask(port, 'GET /ready HTTP/1.1')).status).toBe(200)
  })

  it('in the address becomes a cookie that scripts cannot read, and leaves the address', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const { port } = dashboard.address
    const entered = await ask(port, `GET /?token=${TOKEN} HTTP/1.1`)
    expect([entered.status, entered.headers.get('location')]).toEqual([303, './'])
    const cookie = entered.headers.get('set-cookie') as string
    expect(cookie).toMatch(/^tsunagi_[0-9a-f]{12}=[\w-]{43}; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(TOKEN)
    const value = cookie.split(';')[0] as string
    expect((await ask(port, `GET /api/nodes HTTP/1.1\nCookie: other=1; ${value}`)).status).toBe(200)
    expect((await ask(port, `GET / HTTP/1.1\nCookie: ${value}`)).body).toContain('<title>page')
    expect((await ask(port, `GET / HTTP/1.1\nCookie: ${value.slice(0, -1)}`)).status).toBe(401)
    expect((await ask(port, `GET / HTTP/1.1\nCookie: ${value}x`)).status).toBe(401)
    // Whoever has the cookie is still no page of another origin.
    expect((await ask(port, `GET /api/nodes HTTP/1.1\nCookie: ${value}\nOrigin: http://evil.example`)).status).toBe(403)
    expect((await ask(port, `GET /api/nodes HTTP/1.1\nCookie: ${value}\nHost: evil.example`)).status).toBe(403)
  })

  it('is asked for by a form where there is none', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const { port } = dashboard.address
    const login = await ask(port, 'GET / HTTP/1.1')
    expect(login.status).toBe(401)
    expect(login.body).toContain('<form method="post" action="login">')
    const form = 'POST /login HTTP/1.1\nContent-Type: application/x-www-form-urlencoded'
    const own = `${form}\nOrigin: http://127.0.0.1:${port}`
    const entered = await ask(port, own, `token=${TOKEN}`)
    expect([entered.status, entered.headers.has('set-cookie')]).toEqual([303, true])
    expect((await ask(port, own, 'token=wrong')).body).toContain('not the token')
    expect((await ask(port, 'GET /login HTTP/1.1')).headers.get('location')).toBe('./')
    expect((await ask(port, `${form}\nOrigin: http://evil.example`, `token=${TOKEN}`)).status).toBe(403)
    expect((await ask(port, `${form}\nHost: evil.example`, `token=${TOKEN}`)).status).toBe(403)
  })

  it('has a browser that was sent here by a link ask again, since it kept its cookie back', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const navigation = 'GET / HTTP/1.1\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\nSec-Fetch-Site'
    const sent = await ask(dashboard.address.port, `${navigation}: cross-site`)
    expect([sent.status, sent.body.includes('http-equiv="refresh"')]).toEqual([200, true])
    expect((await ask(dashboard.address.port, `${navigation}: same-origin`)).status).toBe(401)
  })

  it('that is wrong is logged, and ten of them in a minute are as many as an address has', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ token: TOKEN })
    const { port } = dashboard.address
    const guess = 'GET /api/nodes HTTP/1.1\nAuthorization: Bearer wrong'
    for (let i = 0; i < 5; i++) expect((await ask(port, guess)).status).toBe(401)
    for (let i = 0; i < 5; i++) expect((await ask(port, 'GET /?token=wrong HTTP/1.1')).status).toBe(401)
    const late = await ask(port, guess)
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '6'])
    // Not even the right one: else guessing could go on.
    expect((await ask(port, `GET /api/nodes HTTP/1.1\n${bearer}`)).status).toBe(429)
    expect((await ask(port, `GET /?token=${TOKEN} HTTP/1.1`)).status).toBe(429)
    expect(node.log.messages('warn')).toEqual([
      'dashboard: a wrong token from 127.0.0.1',
      'dashboard: 10 wrong tokens from 127.0.0.1, which has to wait now',
    ])
    expect(JSON.stringify(node.log.lines)).not.toContain('Bearer')
    node.clock.advance(60_000)
    expect((await ask(port, `GET /api/nodes HTTP/1.1\n${bearer}`)).status).toBe(200)
  })
})

describe('limits of the server', () => {
  it('end who sends no request, or half of one', async () => {
    const node = new StandIn()
    const server = { headersTimeout: 40, requestTimeout: 60, checkInterval: 20 }
    await using dashboard = await node.open({ actions: true }, { server })
    const halves = [
      '',
      'GET / HTT',
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ',
      'POST /api/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    ]
    for (const half of halves) {
      const socket = connect(dashboard.address.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(half)
      const answer = await readAll(socket)
      expect([half, answer === '' ? 408 : parse(answer).status]).toEqual([half, 408])
    }
  })

  it('end who does not read an answer', async () => {
    const closed = deferred()
    const listener: RequestListener = (_request, response) => {
      response.on('close', closed.resolve)
      response.end(Buffer.alloc(50_000_000))
    }
    const server = await DashboardServer.listen({ host: '127.0.0.1', port: 0, viewers: 1 }, listener, {
      idleTimeout: 50,
    })
    const socket = connect(server.address.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await closed.promise
    socket.resume()
    expect((await readAll(socket)).length).toBeLessThan(50_000_000)
    await server.close()
  })

  it('refuse heads that are too long, and connections that are too many', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ viewers: 1 }, { server: { visitors: 2 } })
    const { port } = dashboard.address
    expect((await ask(port, `GET / HTTP/1.1\nX-Long: ${'x'.repeat(20_000)}`)).status).toBe(431)
    const idle = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'))
    await Promise.all(idle.map((socket) => once(socket, 'connect')))
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await readAll(socket)).toBe('')
    for (const it of idle) it.destroy()
  })

  it('let in so many viewers, and tell the others to come later', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ viewers: 2 })
    const url = `${dashboard.url}api/events`
    await using first = await EventReader.open(url)
    await using second = await EventReader.open(`${dashboard.url}api/tail?pubsub=MyApp.PubSub&topic=t`)
    await first.until((it) => it.last('overview'))
    await second.until((it) => it.retry)
    const third = await ask(dashboard.address.port, 'GET /api/events HTTP/1.1')
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '30'])
    expect(JSON.parse(third.body).error.code).toBe('too_many_viewers')
    expect(node.log.messages('warn')).toEqual([
      'dashboard: there are 2 viewers, no more are let in (the option viewers)',
    ])
  })
})

describe('binding', () => {
  it('to an address that others can reach needs a token, and is warned of', async () => {
    const node = new StandIn()
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'node.example.com']) {
      const opening = node.open({ host })
      await expect(opening, host).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'dashboard.token' })
    }
    await using dashboard = await node.open({ host: '0.0.0.0', token: TOKEN })
    expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.address.port}/`)
    expect(node.log.messages('warn')).toEqual([
      expect.stringMatching(/^the dashboard listens on 0\.0\.0\.0 .* without TLS/),
    ])
  })

  it('to a port that is taken fails, and says so', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    const { port } = dashboard.address
    await expect(node.open({ port })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `the dashboard cannot listen at 127.0.0.1 port ${port}: another program has the port (0 takes a free one)`,
    })
    expect(node.closers.size).toBe(1)
  })

  it('ends with the node, streams and all', async () => {
    const node = new StandIn()
    const dashboard = await node.open()
    await using reader = await EventReader.open(`${dashboard.url}api/events`)
    await reader.until((it) => it.last('overview'))
    for (const closer of node.closers) await closer()
    await reader.closed()
    expect([node.observatory.followers, node.clock.pending, node.closers.size]).toEqual([0, 0, 0])
    await expect(fetch(dashboard.url)).rejects.toThrow('fetch failed')
    await dashboard.close()
  })

  it('to nothing of our own, in a host application, needs a word on who guards it', async () => {
    const node = new StandIn()
    const mount = (options: object) => mountDashboard(node.asNode, node.observatory, options)
    expect(() => mount({})).toThrow('token: expected a token, or false where the application lets nobody through')
    await using trusting = mount({ token: false })
    const bindings = {
      incoming: { url: '/api/nodes', socket: { localAddress: '192.0.2.1', remoteAddress: '192.0.2.9' } },
    }
    expect((await trusting.fetch(new Request('http://192.0.2.1/api/nodes'), bindings)).status).toBe(200)
    await using server = await serve(trusting.handler)
    expect((await ask(server.port, 'GET /api/nodes HTTP/1.1')).status).toBe(200)
  })
})
