import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { REPORTER } from '../../src/observe/report/report.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import { startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { makeReport } from '../observe/made-report.ts'
import { runHere } from './support.ts'

/** Clears the screen, names the window, turns text around, and looks like a line of its own. */
const EVIL = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\nall is well\r'
/** What of it a terminal would obey; line breaks are told apart below. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/

let node: TsunagiNode
let target: string

beforeAll(async () => {
  const name = 'evil@127.0.0.1'
  node = await startNode({ name, cookie: 'secret', epmd: false, mesh: false, observable: false, logger: silentLogger })
  target = `${name}:${node.listening?.port}`
  const replies: Record<string, Term> = {
    keys: tuple(atom('ok'), [EVIL]),
    get: tuple(atom('error'), tuple(atom('ERR_TIMEOUT'), EVIL)),
  }
  const handleCall = (request: Term): Term => replies[String((request as readonly Term[])[0])] ?? atom(EVIL)
  await node.start({ handleCall }, { name: 'kv' })
  const to = `x${EVIL}@h`
  const report = {
    ...makeReport(name, [{ to, state: 'waiting', error: { code: 'E', reason: EVIL, at: 1 } }]),
    at: Date.now(),
  }
  await node.start({ handleCall: () => tuple(atom('ok'), JSON.stringify(report)) }, { name: REPORTER })
})
afterAll(async () => await node.close())

it.each([
  ['keys of a store', 0, () => ['store', 'keys', target, '--store', 'kv']],
  ['an error of a store', 1, () => ['store', 'get', target, 'key', '--store', 'kv']],
  ['a reply', 0, () => ['call', target, 'kv', 'what']],
  ['links of a node', 0, () => ['top', target, '--once', '--timeout', '2000']],
])('%s cannot command the terminal, as text or as JSON', async (_what, expected, args) => {
  for (const more of [[], ['--json']]) {
    const { code, text } = await runHere([...args(), ...more])
    expect(code).toBe(expected)
    expect(text).not.toMatch(OBEYED)
    expect(text).not.toMatch(/^all is well/m)
    expect(text).toContain('owned')
  }
})

it('names of an EPMD cannot command the terminal', async () => {
  const answer = Buffer.concat([
    Buffer.from([0, 0, 17, 17]),
    Buffer.from(`name ${EVIL.replaceAll(/[\n\r\u2028]/g, '')} at port 1\n`),
  ])
  const epmd = createServer((socket) => socket.on('error', () => {}).end(answer)).listen(0, '127.0.0.1')
  await once(epmd, 'listening')
  try {
    const { port } = epmd.address() as AddressInfo
    for (const more of [[], ['--json']]) {
      const { code, text } = await runHere(['names', '127.0.0.1', '--port', String(port), ...more])
      expect(code).toBe(0)
      expect(text).not.toMatch(OBEYED)
      expect(text).toContain('owned')
    }
  } finally {
    epmd.close()
  }
})

it('topics cannot command the terminal', async () => {
  const pubsub = node.pubsub('App')
  const heard = runHere(['sub', target, 'App', '*', '--pattern', '--count', '1'])
  const came = new AbortController()
  for await (const event of pubsub.events({ signal: came.signal })) {
    if (event.type === 'nodeup') break
  }
  pubsub.broadcast(EVIL, EVIL)
  const { code, text } = await heard
  expect(code).toBe(0)
  expect(text).toContain('owned')
  expect(text).not.toMatch(OBEYED)
})
