import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPage } from '../../../src/observe/http/page.ts'
import { ask, StandIn } from './stage.ts'

let place: string
const script = `console.log(${JSON.stringify('x'.repeat(1000))})`

beforeAll(async () => {
  place = `${await mkdtemp(join(tmpdir(), 'tsunagi-page-'))}/`
  await mkdir(join(place, 'assets'))
  await writeFile(join(place, 'index.html'), '<!doctype html><title>built</title>')
  await writeFile(join(place, 'assets/index-1a2b.js'), script)
  await writeFile(join(place, 'assets/index-1a2b.js.br'), 'pretend brotli')
  await writeFile(join(place, 'assets/style-3c4d.css'), `a{color:red}${' '.repeat(1000)}`)
  await writeFile(join(place, 'notes.md'), 'not for browsers')
})

afterAll(() => rm(place, { recursive: true }))

describe('the page', () => {
  it('is sent in the form the browser reads', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({}, { page: () => loadPage([place]) })
    const get = (path: string, headers = {}) => fetch(new URL(path, dashboard.url), { headers })
    const plain = await get('assets/index-1a2b.js', { 'accept-encoding': 'identity' })
    expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, script])
    expect(plain.headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    const { port } = dashboard.address
    const brotli = await ask(port, 'GET /assets/index-1a2b.js HTTP/1.1\nAccept-Encoding: gzip, br')
    expect([brotli.headers.get('content-encoding'), brotli.body]).toEqual(['br', 'pretend brotli'])
    expect(brotli.headers.get('vary')).toBe('accept-encoding')
    const without = await ask(port, 'GET /assets/index-1a2b.js HTTP/1.1\nAccept-Encoding: gzip, br;q=0')
    expect(without.headers.get('content-encoding')).toBe('gzip')
    const page = await loadPage([place])
    const zipped = page?.get('/assets/index-1a2b.js')?.gzip as Uint8Array
    expect(gunzipSync(zipped).toString()).toBe(script)
    const index = await get('')
    expect([index.headers.get('cache-control'), await index.text()]).toEqual([
      'no-cache',
      '<!doctype html><title>built</title>',
    ])
  })

  it('is not sent again when it has not changed', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({}, { page: () => loadPage([place]) })
    const { port } = dashboard.address
    const etag = (await ask(port, 'GET / HTTP/1.1')).headers.get('etag') as string
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { body, headers, status } = await ask(port, `GET / HTTP/1.1\nIf-None-Match: ${tag}`)
      expect([tag, status, body, headers.get('etag')]).toEqual([tag, 304, '', etag])
    }
    expect((await ask(port, 'GET / HTTP/1.1\nIf-None-Match: "other"')).status).toBe(200)
    const head = await ask(port, 'HEAD / HTTP/1.1')
    expect([head.status, head.body]).toEqual([200, ''])
  })

  it('has no files but those that browsers know, and none beside it', async () => {
    const page = await loadPage([place])
    expect([...(page?.keys() ?? [])].sort()).toEqual(['/assets/index-1a2b.js', '/assets/style-3c4d.css', '/index.html'])
  })

  it('that was not built is told of, and all the rest works', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({}, { page: () => loadPage([join(place, 'nowhere')]) })
    const { port } = dashboard.address
    const index = await ask(port, 'GET / HTTP/1.1')
    expect(index.status).toBe(503)
    expect(JSON.parse(index.body).error).toEqual({
      code: 'no_page',
      message: 'the page was not built: run npm run build; /api, /metrics, /alive and /ready work without it',
    })
    for (const path of ['/api/overview', '/metrics', '/alive', '/ready']) {
      expect((await ask(port, `GET ${path} HTTP/1.1`)).status, path).toBe(200)
    }
  })
})
