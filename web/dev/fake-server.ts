import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { fakeColumn, fakePage, fakeView } from './fake-cluster.ts'

/** Milliseconds. */
const ROUND = 1000

/** `npm run dev` without a cluster: what a server would tell of one that is made up. Not part of what is built. */
export function fakeServer(): Plugin {
  return {
    name: 'fake-server',
    apply: 'serve',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
        if (pathname === '/api/events') streamSections(request, response, searchParams)
        else if (pathname === '/api/tail') streamMessages(request, response, searchParams)
        else if (pathname === '/api/page') sendJson(response, fakePage(searchParams))
        else if (pathname === '/api/actions')
          sendJson(response, { ok: true, text: 'Done, as far as this server can.', code: null })
        else if (pathname === '/alive' || pathname === '/api/overview') sendJson(response, {})
        else next()
      })
    },
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}

function openStream(request: IncomingMessage, response: ServerResponse, each: () => void): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const timer = setInterval(each, ROUND)
  request.once('close', () => clearInterval(timer))
}

function streamSections(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  const wanted = query.get('sections')?.split(',')
  const send = (name: string, data: unknown) => {
    if (wanted === undefined || wanted.includes(name === 'column' ? 'charts' : name)) {
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
    }
  }
  const sendAll = () => {
    const { timeline, charts: _, ...sections } = fakeView()
    for (const [name, section] of Object.entries(sections)) send(name, section)
    for (const event of timeline.events) send('timeline', event)
  }
  openStream(request, response, () => {
    sendAll()
    send('column', fakeColumn(Date.now()))
  })
  sendAll()
  send('charts', fakeView().charts)
}

function streamMessages(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  openStream(request, response, () => {
    const message = {
      at: Date.now(),
      topic: query.get('topic'),
      node: 'natsu@127.0.0.1',
      text: `#{celsius => ${(20 + Math.random() * 5).toFixed(1)}, place => <<"<img src=x onerror=alert(1)>">>}`,
      cut: false,
      skipped: 0,
    }
    response.write(`data: ${JSON.stringify(message)}\n\n`)
  })
}
