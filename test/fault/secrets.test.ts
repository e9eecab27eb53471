import { createPrivateKey, randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose, gossip, postgres } from '../../src/cluster/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { REPORTER } from '../../src/observe/report/report.ts'
import { SECTIONS } from '../../src/observe/sections.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, isTuple, type Term, tuple } from '../../src/term/index.ts'
import { type StartOptions, startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { Authority } from '../support/certificates.ts'
import { startCommand } from '../support/child.ts'
import { freePort } from '../support/otp.ts'
import { openProcess } from '../support/scene.ts'

const secret = (what: string): string => `${what}${randomBytes(12).toString('hex')}`

const COOKIE = secret('OWN')
const OTHER_COOKIE = secret('OTHER')
const PEER_COOKIE = secret('PEER')
const PASSPHRASE = secret('PASSPHRASE')
const GOSSIP = secret('GOSSIP')
const DATABASE = secret('DATABASE')
const TOKEN = secret('TOKEN')
const secrets = [COOKIE, OTHER_COOKIE, PEER_COOKIE, PASSPHRASE, GOSSIP, DATABASE, TOKEN]

let authority: Authority
const log = new LogBook()
/** All that was said, whoever could read it. */
const said: string[] = []
const closing: (() => unknown)[] = []

const deep = { depth: 20, showHidden: true, maxArrayLength: 5000, maxStringLength: null } as const

function say(...what: readonly unknown[]): void {
  for (const each of what) {
    said.push(inspect(each, deep))
    if (typeof each === 'string') said.push(each)
    else said.push(JSON.stringify(each, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)) ?? '')
    if (!(each instanceof Error)) continue
    said.push(String(each), each.stack ?? '')
    if (each.cause !== undefined) say(each.cause)
  }
}

/** What an attempt came to, said aloud. It has to fail. */
async function fails(attempt: () => unknown): Promise<void> {
  try {
    await attempt()
  } catch (error) {
    return say(error)
  }
  throw new Error(`this works: ${attempt}`)
}

beforeAll(() => {
  authority = new Authority()
  const channels = [
    ...['node:up', 'node:down', 'dial:error', 'send:error', 'accept:error', 'process:crash'],
    ...['call:start', 'call:ok', 'call:error', 'serve:start', 'serve:ok', 'serve:error', 'store:event', 'pubsub:event'],
    ...['cluster:connect_node:ok', 'cluster:connect_node:error'],
  ]
  const heard = (message: unknown, name: unknown): void => say(name, message)
  for (const name of channels) {
    subscribe(`tsunagi:${name}`, heard)
    closing.push(() => unsubscribe(`tsunagi:${name}`, heard))
  }
  const strayed = (error: unknown): void => say(error)
  process.on('warning', strayed)
  closing.push(() => process.off('warning', strayed))
})

afterAll(async () => {
  for (const close of closing.reverse()) await close()
  authority?.[Symbol.dispose]()
})

async function start(name: string, options: StartOptions): Promise<TsunagiNode> {
  const shared = { cookie: COOKIE, epmd: false, mesh: false, logger: log, setupTimeout: 2000 } as const
  const node = await startNode({ name: `${name}@127.0.0.1`, ...shared, ...options })
  closing.push(() => node.close())
  return node
}

const at = (node: TsunagiNode): string => `${node.name}:${node.listening?.port}`

/** What a process tells a debugger of any node, if it tells anything. */
async function stateOf(self: Process, name: string, node: string): Promise<Term> {
  const ref = self.monitor({ name, node })
  self.send({ name, node }, tuple(atom('system'), tuple(self.pid, ref), atom('get_state')))
  try {
    return await self.receive((message) => isTuple(message) && message[0] === ref, { timeout: 200 })
  } catch (error) {
    return String(error)
  } finally {
    self.demonitor(ref, { flush: true })
  }
}

it('no secret is in a log, an error, a picture, a report, an answer or what a command prints', async () => {
  const { cert, key } = authority.issue()
  const locked = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  })
  const lines = [key, locked]
    .flatMap((pem) => pem.toString().split('\n'))
    .filter((line) => !line.startsWith('-') && line.length > 20)
  const tls = { cert, key: locked, ca: authority.ca, passphrase: PASSPHRASE }
  const url = `postgres://app:${DATABASE}@127.0.0.1:1/app`

  const app = await start('app', {
    tls,
    cookies: { 'peer@127.0.0.1': PEER_COOKIE },
    dashboard: { port: 0, token: TOKEN },
    observable: { actions: true },
    topologies: {
      lan: { strategy: gossip({ secret: GOSSIP, port: await freePort(), bind: '127.0.0.1' }) },
      signed: { strategy: gossip({ secret: GOSSIP, signed: true, port: await freePort() }) },
      db: { strategy: postgres({ connection: url }), interval: 100 },
    },
  })
  const friend = await start('friend', { tls, listen: false })
  await friend.connect(at(app))

  // Handshakes that fail, either way.
  const stranger = await start('stranger', { tls, cookie: OTHER_COOKIE })
  await fails(() => stranger.connect(at(app)))
  await fails(() => app.connect(at(stranger)))
  await fails(async () => (await start('peer', { tls, listen: false })).connect(at(app)))
  await fails(async () => (await start('plain', { listen: false })).connect(at(app)))
  await fails(async () => await start('plain2', {}).then((plain) => app.connect(at(plain))))
  using unknown = new Authority(undefined, '/CN=unknown')
  await fails(async () =>
    (await start('alien', { tls: { ...unknown.issue(), ca: unknown.ca }, listen: false })).connect(at(app)),
  )
  const { port } = app.listening as { port: number }
  await new Promise((resolve) =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume()
      .on('close', resolve)
      .end(COOKIE),
  )

  // Options that are none, or cannot be used.
  await fails(() => start('x', { cookie: `${COOKIE}${'\u{1f600}'.repeat(200)}` }))
  await fails(() => start('x', { cookies: { 'a@b': `${PEER_COOKIE}\n` } }))
  await fails(() => start('x', { cookies: [PEER_COOKIE] as never }))
  await fails(() => start('x', { dashboard: { token: `${TOKEN} with spaces` } }))
  await fails(() => start('x', { dashboard: TOKEN as never }))
  await fails(() => start('x', { tls: { ...tls, passphrase: OTHER_COOKIE } }))
  await fails(() => start('x', { tls: { ...tls, passphrase: [PASSPHRASE] as never } }))
  await fails(() => start('x', { tls: { ...tls, cert: `${key}` } }))
  await fails(() => start('x', { tls: { ...tls, ca: key } }))
  await fails(() => start('x', { tls: { ...tls, key: key.replaceAll('-----', '') } }))
  await fails(() => start('x', { tls: { ...tls, keyFile: key } }))
  await fails(() => start('x', { tls: key as never }))
  await fails(() => start('x', { topologies: { a: { strategy: gossip({ secret: [GOSSIP] as never }) } } }))
  await fails(() => gossip(GOSSIP as never))
  await fails(() => postgres(url as never))
  await fails(() => postgres({ connection: `my${url}` }))
  await fails(() => postgres({ connection: [url] as never }))

  // Work, and what goes wrong in it.
  friend.expose('m', { f: () => 1 })
  say(await app.rpc(friend.name, 'm', 'f', []))
  await fails(() => app.rpc(friend.name, 'm', 'g', []))
  const crashes = log.messages('error').length
  app.spawn(() => Promise.reject(new Error('crashed')))
  await expect.poll(() => log.messages('error').length).toBeGreaterThan(crashes)
  const kv = app.store({ name: 'kv' })
  await kv.ready()
  await app
    .pubsub('App')
    .ready({ nodes: 0 } as never)
    .catch(say)
  say(await diagnose(friend, at(app)), await diagnose(stranger, at(app)))
  say(
    await app
      .topology('db')
      .refresh()
      .catch((error: unknown) => error),
  )

  // Whatever can be asked of it.
  const debuggerProcess = await openProcess(friend, {})
  for (const name of app.registered()) say(name, await stateOf(debuggerProcess, name, app.name))
  const parts = JSON.stringify({
    parts: ['topologies', 'processes', 'pubsubs', 'stores', 'samples'],
    revision: 0,
    watched: true,
  })
  const report = await friend.call({ name: REPORTER, node: app.name }, tuple(atom('report'), 1, parts))
  expect(isTuple(report) && report[0] === atom('ok')).toBe(true)
  say(report)
  const base = app.dashboard?.url as string
  const bearer = { headers: { authorization: `Bearer ${TOKEN}` } }
  for (const path of [...SECTIONS.map((it) => `api/${it}`), 'metrics', '', 'alive', 'ready']) {
    const answer = await fetch(`${base}${path}`, bearer)
    expect([path, answer.status]).toEqual([path, 200])
    say(await answer.text(), [...answer.headers])
  }
  const wrong = { headers: { authorization: `Bearer ${OTHER_COOKIE}` } }
  say(await (await fetch(`${base}api/nodes`, wrong)).text())
  const login = await fetch(`${base}?token=${TOKEN}`, { redirect: 'manual' })
  say([...login.headers])
  say(app, friend, app.topologies(), app.dashboard, app.links(), app.peers(), app.certificates(), app.acceptCounts, kv)
  say(app.counts, app.discovery, app.serviceHost, app.cookieSource ?? '')

  // Configurations with a mistake near a secret, and what commands say.
  const file = (name: string, text: string): string => {
    writeFileSync(authority.at(name), text)
    return join(authority.directory, name)
  }
  const json = file('tsunagi.config.json', `{ "name": "a@127.0.0.1", "cookie": "${COOKIE}" "x": 1 }`)
  const typed = file('typed.json', `{ "name": "a@127.0.0.1", "cookie": ["${COOKIE}"] }`)
  const optfile = file('dist.conf', `[{server, [{password, "${PASSPHRASE}"} {verify, verify_peer}]}].`)
  const optTyped = file('dist2.conf', `[{server, [{password, ['${PASSPHRASE}']}, {verify, verify_peer}]}].`)
  await fails(() => loadConfig({ file: json, env: {} }))
  await fails(async () => startNode((await loadConfig({ file: typed, env: {} })).options))
  await fails(() => loadConfig({ sslDistOptfile: optfile, env: {} }))
  await fails(() => loadConfig({ sslDistOptfile: optTyped, env: {} }))

  const epmdPort = await freePort()
  const env = {
    HOME: authority.directory,
    ERL_EPMD_PORT: String(epmdPort),
    TSUNAGI_COOKIE: COOKIE,
    TSUNAGI_DASHBOARD_TOKEN: TOKEN,
    DEBUG: '1',
  }
  const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<void> => {
    await using command = startCommand(args, { env: { ...env, ...more }, cwd: authority.directory })
    await command.exited
    say(command.output)
  }
  const usual = ['start', '--name', 'cli@127.0.0.1', '--dashboard', '--json', '--log-level', 'debug']
  await using node = startCommand([...usual, '--config', file('empty.json', '{}')], { env, cwd: authority.directory })
  await node.waitForOutput(/"started"/)
  const target = ['cli@127.0.0.1', '--timeout', '20000']
  await run(['doctor', ...target, '--json'])
  await run(['doctor', ...target, '--cookie', OTHER_COOKIE])
  await run(['ping', ...target], { TSUNAGI_COOKIE: OTHER_COOKIE })
  await run(['top', ...target, '--once', '--all'])
  await run(['start', '--config', json])
  await run(['start', '--config', typed, '--json'])
  await run(['start', '--name', 'y@127.0.0.1', '--ssl-dist-optfile', optTyped, '--config', file('empty.json', '{}')])
  await run([
    'start',
    '--name',
    'y@127.0.0.1',
    '--dashboard',
    '--dashboard-token',
    `${TOKEN} x`,
    '--config',
    file('empty.json', '{}'),
  ])
  say(node.output)

  say(log.lines)
  const all = said.join('\n')
  expect(all.length).toBeGreaterThan(100_000)
  for (const each of [...secrets, ...lines]) {
    const place = all.indexOf(each)
    const around = place < 0 ? '' : all.slice(Math.max(0, place - 300), place + 100)
    expect(around, `${each} was told`).toBe('')
  }
}, 120_000)
