import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { EventReader, StandIn } from './stage.ts'

/** For a machine that is busy. */
const PATIENT = { timeout: 30_000 }

const SECTIONS = ['overview', 'nodes', 'links', 'matrix', 'discovery', 'processes', 'pubsub', 'store', 'charts']

function names(reader: EventReader): string[] {
  return reader.events.map(({ event }) => event)
}

/** A viewer that asks, and reads what it gets only when told to. */
async function lazyViewer(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  return socket
}

describe('api/events', () => {
  it('begins with all sections, and tells what changes from then on', async () => {
    const node = new StandIn()
    const { observatory } = node
    observatory.happen('before')
    await using dashboard = await node.open()
    await using reader = await EventReader.open(`${dashboard.url}api/events`)
    await reader.until((it) => it.last('timeline'))
    expect(names(reader)).toEqual([...SECTIONS, 'timeline'])
    expect(reader.retry).toBe(2000)
    expect(reader.last('overview')).toEqual(observatory.section('overview'))
    observatory.set('nodes', { nodes: [{ name: '</script><b>' }], total: 1 })
    observatory.happen('after')
    observatory.addColumn(5000)
    await reader.until((it) => it.last('column'))
    expect(names(reader).slice(SECTIONS.length + 1)).toEqual(['nodes', 'timeline', 'column'])
    expect(reader.last('nodes').nodes[0].name).toBe('</script><b>')
    expect(reader.last('column')).toEqual({ at: 5000, nodes: { 'a@127.0.0.1': { cpu: 0.5 } } })
  })

  it('tells only of the sections that were asked for, and has only those looked at', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open()
    const links = await EventReader.open(`${dashboard.url}api/events?sections=links,nonsense`)
    await links.until((it) => it.last('links'))
    expect(observatory.followed).toEqual(['links'])
    await using store = await EventReader.open(`${dashboard.url}api/events?sections=store,links`)
    await store.until((it) => it.last('store'))
    expect([observatory.followers, [...observatory.followed].sort()]).toEqual([1, ['links', 'store']])
    observatory.set('store', { stores: [], total: 1 })
    observatory.happen('something')
    observatory.set('links', { links: [], total: 1 })
    await links.until((it) => it.last('links').total === 1)
    expect(names(links)).toEqual(['links', 'links'])
    await links[Symbol.asyncDispose]()
    // A change that is not told, since nobody looks: who comes then sees it all the same.
    Object.assign(observatory.section('links'), { total: 2 })
    await store[Symbol.asyncDispose]()
    await using again = await EventReader.open(`${dashboard.url}api/events?sections=links`)
    expect((await again.until((it) => it.last('links'))).total).toBe(2)
    for (const query of ['sections=', 'sections=x', 'since=x', 'since=-1']) {
      expect((await fetch(`${dashboard.url}api/events?${query}`)).status, query).toBe(400)
    }
    expect((await fetch(`${dashboard.url}api/events`, { method: 'HEAD' })).status).toBe(405)
  })

  it('replays the timeline to who comes again', async () => {
    const node = new StandIn()
    const { observatory } = node
    for (const text of ['one', 'two', 'three']) observatory.happen(text)
    await using dashboard = await node.open()
    const url = `${dashboard.url}api/events?sections=timeline`
    const texts = (reader: EventReader) => reader.events.map(({ data }) => data.text)
    await using first = await EventReader.open(url)
    await first.until((it) => it.events.length === 3)
    expect(first.events.map(({ id }) => id)).toEqual(['1', '2', '3'])
    await first[Symbol.asyncDispose]()
    observatory.happen('four')
    await using again = await EventReader.open(`${url}&since=1`, { 'last-event-id': '3' })
    await again.until((it) => it.events.length === 1)
    observatory.happen('five')
    await again.until((it) => it.events.length === 2)
    expect(texts(again)).toEqual(['four', 'five'])
    await using byScript = await EventReader.open(`${url}&since=4`)
    await byScript.until((it) => it.events.length === 1)
    expect(texts(byScript)).toEqual(['five'])
  })

  it('shows that it is alive', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    await using reader = await EventReader.open(`${dashboard.url}api/events`)
    await reader.until((it) => it.last('charts'))
    node.clock.advance(15_000)
    await reader.until((it) => it.comments === 1)
    node.clock.advance(15_000)
    await reader.until((it) => it.comments === 2)
    expect(reader.ended).toBe(false)
  })

  it('asks nothing of the cluster when nobody looks', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    expect(node.observatory.followers).toBe(0)
    const reader = await EventReader.open(`${dashboard.url}api/events`)
    await reader.until((it) => it.last('charts'))
    expect(node.observatory.followers).toBe(1)
    await reader[Symbol.asyncDispose]()
    await expect.poll(() => node.observatory.followers, PATIENT).toBe(0)
    node.clock.advance(15_000)
    expect(node.clock.pending).toBe(0)
  })
})

describe('a viewer that never reads', () => {
  it('holds a bounded number of bytes, is told the end of what it missed, and others all of it', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open()
    const { port } = dashboard.address
    await using quick = await EventReader.open(`${dashboard.url}api/events?sections=nodes,timeline,charts`)
    await using lazy = await lazyViewer(port, '/api/events?sections=nodes,timeline,charts')
    const metrics = async () => (await fetch(`${dashboard.url}metrics`)).text()
    await expect.poll(metrics, PATIENT).toContain('tsunagi_dashboard_viewers 2')
    await quick.until((it) => it.last('charts'))
    // 40 MB for who reads: several times what the kernel holds for who does not.
    const filler = 'x'.repeat(200_000)
    for (let total = 1; total <= 200; total++) {
      observatory.set('nodes', { filler, total })
      if (total % 40 === 0) {
        observatory.happen(`event ${total}`)
        observatory.addColumn(total)
      }
      await quick.until((it) => it.last('nodes')?.total === total)
      quick.events.splice(0, quick.events.length - 20)
    }
    let rest = ''
    let bytes = 0
    lazy.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      rest = (rest + chunk.toString('latin1')).slice(-700_000)
    })
    lazy.resume()
    await expect.poll(() => rest.includes('"total":200') && rest.includes('event 200'), PATIENT).toBe(true)
    expect(rest).toContain('event 40')
    // The charts are whole again.
    expect(rest).toContain('"times":[40,80,120,160,200]')
    expect(bytes).toBeLessThan(25_000_000)
  })

  it('is ended at the second heartbeat, and logged', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open()
    const lazy = await lazyViewer(dashboard.address.port, '/api/events?sections=nodes')
    await expect.poll(() => observatory.followers, PATIENT).toBe(1)
    const ended = once(lazy, 'close')
    const filler = 'x'.repeat(1_000_000)
    const stalls = () => node.log.messages('info').filter((line) => line.includes('reads nothing'))
    for (let total = 0; stalls().length === 0 && total < 1000; total++) {
      observatory.set('nodes', { filler, total })
      // Lets the bytes reach the kernel, which takes some megabytes.
      await new Promise((resolve) => setImmediate(resolve))
      node.clock.advance(15_000)
    }
    expect(stalls()).toEqual(['dashboard: a viewer at 127.0.0.1 reads nothing, and was ended'])
    expect(observatory.followers).toBe(0)
    lazy.resume()
    await ended
  })
})

describe('a thousand viewers', () => {
  it('are told the same, encoded once', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open({ viewers: 1000 })
    const { port } = dashboard.address
    let encoded = 0
    const sockets: Socket[] = []
    const seen = new Set<Socket>()
    for (let i = 0; i < 1000; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      let text = ''
      socket.on('data', (chunk) => {
        text = (text + chunk).slice(-2000)
        if (text.includes('"total":77')) seen.add(socket)
      })
      socket.write('GET /api/events?sections=nodes,matrix HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      sockets.push(socket)
    }
    const metrics = async () => (await fetch(`${dashboard.url}metrics`)).text()
    await expect.poll(metrics, PATIENT).toContain('tsunagi_dashboard_viewers 1000')
    const toJSON = () => {
      encoded++
      return { nodes: [], total: 77 }
    }
    observatory.set('matrix', { toJSON })
    await expect.poll(() => seen.size, PATIENT).toBe(1000)
    expect(encoded).toBe(1)
    const refused = await fetch(`${dashboard.url}api/events`)
    expect(refused.status).toBe(503)
    expect(await metrics()).toContain('tsunagi_dashboard_refusals_total{reason="too_many_viewers"} 1')
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => observatory.followers, PATIENT).toBe(0)
  })

  it('of whom a hundred are let in', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    const { port } = dashboard.address
    const statuses = new Map<string, number>()
    const sockets: Socket[] = []
    await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        sockets.push(socket)
        socket.write('GET /api/events?sections=nodes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        const status = await new Promise<string>((resolve) => {
          socket.once('data', (chunk) => resolve(chunk.toString().slice(9, 12)))
          socket.once('close', () => resolve('dropped'))
        })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === '503') socket.destroy()
      }),
    )
    expect(statuses.get('200')).toBe(100)
    expect((statuses.get('503') ?? 0) + (statuses.get('dropped') ?? 0)).toBe(900)
    for (const socket of sockets) socket.destroy()
    expect(node.log.messages('warn')).toHaveLength(1)
  })
})

describe('api/tail', () => {
  it('shows the messages of a topic as they pass, and stops with its viewer', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open()
    const url = `${dashboard.url}api/tail?pubsub=MyApp.PubSub&topic=t`
    await using reader = await EventReader.open(url)
    await reader.until((it) => it.retry)
    observatory.pass('{temperature, 42}')
    await reader.until((it) => it.events.length === 1)
    expect(reader.events[0]).toMatchObject({ event: 'message', data: { text: '{temperature, 42}', skipped: 0 } })
    await reader[Symbol.asyncDispose]()
    await expect.poll(() => observatory.tailing, PATIENT).toBe(0)
  })

  it('says what cannot be tailed', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    await using without = await node.open({ tail: false })
    const statuses = async (base: string, query: string) => (await fetch(`${base}api/tail?${query}`)).status
    expect(await statuses(dashboard.url, 'pubsub=Other&topic=t')).toBe(400)
    expect(await statuses(dashboard.url, 'pubsub=MyApp.PubSub')).toBe(400)
    expect(await statuses(dashboard.url, 'pubsub=MyApp.PubSub&topic=full')).toBe(503)
    expect(await statuses(without.url, 'pubsub=MyApp.PubSub&topic=t')).toBe(403)
    expect(node.observatory.tailing).toBe(0)
  })

  it('leaves messages out for who does not read, and says how many', async () => {
    const node = new StandIn()
    const { observatory } = node
    await using dashboard = await node.open()
    const lazy = await lazyViewer(dashboard.address.port, '/api/tail?pubsub=MyApp.PubSub&topic=t')
    await expect.poll(() => observatory.tailing, PATIENT).toBe(1)
    const filler = 'x'.repeat(100_000)
    for (let i = 0; i < 300; i++) {
      observatory.pass(filler)
      await new Promise((resolve) => setImmediate(resolve))
    }
    let rest = ''
    lazy.on('data', (chunk: Buffer) => {
      rest = (rest + chunk.toString('latin1')).slice(-300_000)
    })
    lazy.resume()
    let skipped = 0
    // One that fits tells of those that did not.
    await expect
      .poll(() => {
        observatory.pass('again')
        skipped = Math.max(skipped, ...[...rest.matchAll(/"skipped":(\d+)/g)].map(([, count]) => Number(count)))
        return skipped
      }, PATIENT)
      .toBeGreaterThan(50)
    lazy.destroy()
  })
})

describe('api/page', () => {
  it('passes questions on, and what is wrong with them', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    const answer = await fetch(`${dashboard.url}api/page?list=names&node=b@h&limit=20`)
    expect(await answer.json()).toEqual({ items: ['limit 20'], total: 1, more: false })
    const wrong = await fetch(`${dashboard.url}api/page?list=secrets`)
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({ error: { code: 'ERR_INVALID_OPTION' } })
  })
})
