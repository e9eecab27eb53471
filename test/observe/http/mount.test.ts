import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { ask, EventReader, StandIn, serve, TOKEN } from './stage.ts'

/** As Express does it: the mount path is taken off the address. */
function express(path: string, handler: ReturnType<StandIn['mount']>['handler']) {
  return (request: Parameters<typeof handler>[0], response: Parameters<typeof handler>[1]) => {
    const rest = request.url?.slice(path.length) ?? ''
    Object.assign(request, { originalUrl: request.url, url: rest.startsWith('/') ? rest : `/${rest}` })
    handler(request, response)
  }
}

describe('a mounted dashboard', () => {
  it('works below a path in node:http', async () => {
    const node = new StandIn()
    await using dashboard = node.mount({ path: '/ops/cluster/' })
    await using server = await serve((request, response) => {
      if (request.url?.startsWith('/ops/cluster')) dashboard.handler(request, response)
      else response.end('the application')
    })
    const { port } = server
    expect((await ask(port, 'GET / HTTP/1.1')).body).toBe('the application')
    // What is relative in the page is relative to this.
    const bare = await ask(port, 'GET /ops/cluster?x=1 HTTP/1.1')
    expect([bare.status, bare.headers.get('location')]).toEqual([303, 'cluster/?x=1'])
    expect((await ask(port, 'GET /ops/cluster/ HTTP/1.1')).body).toContain('<title>page')
    expect((await ask(port, 'GET /ops/cluster/assets/index-abc123.js HTTP/1.1')).body).toBe('console.log(1)')
    expect((await ask(port, 'GET /ops/cluster/alive HTTP/1.1')).status).toBe(200)
    expect((await ask(port, 'GET /ops/cluster/../x HTTP/1.1')).status).toBe(400)
    expect((await ask(port, 'GET /ops/clusterx HTTP/1.1')).status).toBe(400)
    await using reader = await EventReader.open(`http://127.0.0.1:${port}/ops/cluster/api/events`)
    await reader.until((it) => it.last('charts'))
  })

  it('works in Express, whatever that makes of the address', async () => {
    const node = new StandIn()
    await using dashboard = node.mount({ path: '/cluster', token: TOKEN, actions: true })
    await using server = await serve(express('/cluster', dashboard.handler))
    const { port } = server
    const bare = await ask(port, `GET /cluster?token=${TOKEN} HTTP/1.1`)
    expect([bare.status, bare.headers.get('location')]).toEqual([303, `cluster/?token=${TOKEN}`])
    const entered = await ask(port, `GET /cluster/?token=${TOKEN} HTTP/1.1`)
    expect([entered.status, entered.headers.get('location')]).toEqual([303, './'])
    const cookie = (entered.headers.get('set-cookie') as string).split(';')[0]
    expect((await ask(port, `GET /cluster/api/nodes HTTP/1.1\nCookie: ${cookie}`)).status).toBe(200)
    expect((await ask(port, 'GET /cluster/api/nodes HTTP/1.1')).status).toBe(401)
    const fields = `Cookie: ${cookie}\nContent-Type: application/json`
    const acted = await ask(port, `POST /cluster/api/actions HTTP/1.1\n${fields}`, '{"action":"ping","peer":"b@h"}')
    expect(acted.status).toBe(200)
  })

  it('works in Hono', async () => {
    const node = new StandIn()
    await using dashboard = node.mount({ path: '/cluster', actions: true })
    const app = new Hono()
    app.get('/', (c) => c.text('the application'))
    app.all('/cluster', (c) => dashboard.fetch(c.req.raw, c.env))
    app.all('/cluster/*', (c) => dashboard.fetch(c.req.raw, c.env))
    await using server = await serve(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
    const { port } = server
    expect((await ask(port, 'GET / HTTP/1.1')).body).toBe('the application')
    expect((await ask(port, 'GET /cluster HTTP/1.1')).headers.get('location')).toBe('cluster/')
    expect((await ask(port, 'GET /cluster/ HTTP/1.1')).body).toContain('<title>page')
    expect((await ask(port, 'GET /cluster/..%2f HTTP/1.1')).status).toBe(400)
    const acted = await ask(
      port,
      'POST /cluster/api/actions HTTP/1.1\nContent-Type: application/json',
      '{"action":"ping","peer":"b@h"}',
    )
    expect(acted.status).toBe(200)
    const reader = await EventReader.open(`http://127.0.0.1:${port}/cluster/api/events`)
    await reader.until((it) => it.last('charts'))
    await reader[Symbol.asyncDispose]()
    await expect.poll(() => node.observatory.followers, { timeout: 30_000 }).toBe(0)
  })

  it('works where there is nothing but fetch', async () => {
    const node = new StandIn()
    await using dashboard = node.mount({ token: TOKEN })
    const authorization = `Bearer ${TOKEN}`
    const get = (path: string, headers = {}) => dashboard.fetch(new Request(`http://app.example${path}`, { headers }))
    expect((await get('/api/nodes')).status).toBe(403)
    expect((await get('/api/nodes', { authorization })).status).toBe(200)
    const stream = await get('/api/events', { authorization })
    expect(node.observatory.followers).toBe(1)
    await stream.body?.cancel()
    expect(node.observatory.followers).toBe(0)
    const secure = await dashboard.fetch(new Request(`https://127.0.0.1/?token=${TOKEN}`))
    expect(secure.headers.get('set-cookie')).toContain('; Secure')
  })

  it('says no more when it is closed', async () => {
    const node = new StandIn()
    const dashboard = node.mount({ token: false })
    await dashboard.close()
    for (const path of ['/api/events', '/metrics']) {
      expect((await dashboard.fetch(new Request(`http://127.0.0.1${path}`))).status, path).toBe(503)
    }
  })
})
