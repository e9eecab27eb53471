import { describe, expect, it } from 'vitest'
import { startNodeProcess } from '../support/child.ts'
import { freePort } from '../support/otp.ts'

const program = `
  import { startNode } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
  const handles = () => process.getActiveResourcesInfo().filter((it) => !/Pipe|TTY|FSReq/.test(it)).sort().join()
  const epmd = { port: Number(process.env.PORT) }
  const start = (i) => startNode({ name: 'n' + i + '@127.0.0.1', cookie: 'c', epmd, connectTo: ['n0@127.0.0.1', 'gone@127.0.0.1'] })
  const nodes = [await start(0)]
  nodes.push(...await Promise.all(Array.from({ length: 19 }, (_, i) => start(i + 1))))
  await Promise.all(nodes.map((node) => node.ready({ nodes: 19, timeout: 25000 })))
  console.log('connected', nodes[7].nodes().length)
  await Promise.all(nodes.map((node) => node.close()))
  setImmediate(() => setImmediate(() => console.log('left:' + handles())))
`

describe('many nodes in one process', () => {
  it('find each other, and leave no handle behind when they are closed: the process ends by itself', async () => {
    const env = { PORT: String(await freePort()) }
    await using child = startNodeProcess(['--input-type=module', '--eval', program], { env })
    expect(await child.waitForOutput(/^connected/, { timeout: 28_000 })).toBe('connected 19')
    expect(await child.waitForOutput(/^left/)).toBe('left:')
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })
})
