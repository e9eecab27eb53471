import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Authority } from '../support/certificates.ts'
import { freePort, startErl } from '../support/otp.ts'
import { bareEnvironment, describeOtp } from '../support/releases.ts'
import { describeTools } from '../support/tools.ts'
import { Home, launch, outcome, runCommand } from './support.ts'

const secret = ['--cookie', 'secret']

describe('tsunagi start', () => {
  it('says what listens where and where the cookie is from, never the cookie, and ends on SIGINT', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using start = launch(home, ['start', '--name', 'a@127.0.0.1'], { epmdPort, env: { TSUNAGI_COOKIE: 'hush' } })
    await start.waitForOutput(/^cookie +from TSUNAGI_COOKIE$/)
    const text = start.output.join('\n')
    expect(text).toMatch(/^node +a@127\.0\.0\.1 \(hidden\)$/m)
    expect(text).toMatch(/^listens +127\.0\.0\.1 port \d+$/m)
    expect(text).toMatch(new RegExp(`^EPMD +served by this process on port ${epmdPort}$`, 'm'))
    expect(text).not.toContain('hush')
    const ping = await runCommand(['ping', 'a@127.0.0.1', '--cookie', 'hush'], { epmdPort })
    expect(ping.text).toContain('pong')
    start.kill('SIGINT')
    expect(await start.exited).toEqual({ code: 0, signal: null })
  })

  it('says what is reached from elsewhere, how nodes are found, and what is in clear text', async () => {
    using home = new Home()
    using authority = new Authority()
    authority.write('a', {})
    const at = (name: string): string => authority.at(name)
    const config = at('tsunagi.config.json')
    const tls = { certFile: at('a.crt'), keyFile: at('a.key'), caFile: at('ca.crt') }
    const topologies = { lan: { strategy: { gossip: { port: await freePort() } } } }
    writeFileSync(config, JSON.stringify({ name: 'a@127.0.0.1', listen: { host: '0.0.0.0' }, tls, topologies }))
    const args = [
      'start',
      '--config',
      config,
      '--dashboard',
      '0.0.0.0:0',
      '--no-epmd',
      '--dashboard-token',
      'x'.repeat(20),
    ]
    await using start = launch(home, [...args, ...secret])
    await start.waitForOutput(/^config/)
    const text = start.output.join('\n')
    expect(text).toMatch(/^listens +0\.0\.0\.0 port \d+, TLS$/m)
    expect(text).toMatch(/^dashboard +http:\S+ \(0\.0\.0\.0 port \d+, no TLS\)$/m)
    expect(text).toMatch(/^topologies +lan \(gossip\)$/m)
    expect(text).toMatch(/^tsunagi: the dashboard listens on 0\.0\.0\.0 .* without TLS/m)
    expect(text).toMatch(/^tsunagi: listens on 0\.0\.0\.0 port \d+ with a cookie that can be guessed/m)
  })

  it('stays connected to --connect, and tells who comes and goes as JSON', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    const args = ['start', '--name', 'a@127.0.0.1', '--visible', '--json', '--connect', 'b@127.0.0.1', ...secret]
    await using a = launch(home, args, { epmdPort })
    expect(JSON.parse(await a.waitForOutput(/started/))).toMatchObject({
      event: 'started',
      name: 'a@127.0.0.1',
      nodeType: 'visible',
      epmd: { port: epmdPort, served: true },
      cookie: 'option',
    })
    for (const round of [1, 2]) {
      const from = a.output.length
      await using b = launch(home, ['start', '--name', 'b@127.0.0.1', ...secret], { epmdPort })
      expect(JSON.parse(await a.waitForOutput(/nodeup/, { from })), `round ${round}`).toMatchObject({
        node: 'b@127.0.0.1',
        nodeType: 'hidden',
      })
      b.kill('SIGTERM')
      expect((await b.exited).code).toBe(0)
      await a.waitForOutput(/nodedown/, { from })
    }
  })

  it('does without EPMD', async () => {
    using home = new Home()
    const port = await freePort()
    const own = ['--no-epmd', '--listen', `127.0.0.1:${port}`]
    await using a = launch(home, ['start', '--name', 'a@127.0.0.1', ...own, ...secret])
    await a.waitForOutput(/^EPMD +none$/)
    const peer = `a@127.0.0.1:${port}`
    await using b = launch(home, ['start', '--name', 'b@127.0.0.1', '--no-epmd', '--connect', peer, ...secret])
    await b.waitForOutput(/^\+ a@127\.0\.0\.1 \(hidden\)$/)
    expect(await a.waitForOutput(/^\+ /)).toBe('+ b@127.0.0.1 (hidden)')
  })

  it('says that a name is taken, and what to do', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using first = launch(home, ['start', '--name', 'a@127.0.0.1', ...secret], { epmdPort })
    await first.waitForOutput(/^cookie/)
    const second = await runCommand(['start', '--name', 'a@127.0.0.1', ...secret], { epmdPort })
    expect(second.code).toBe(1)
    expect(second.text).toContain('Choose another --name')
  })

  it('logs lines of JSON where a level asks for them', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    const args = ['start', '--name', 'a@127.0.0.1', '--connect', 'b@127.0.0.1', '--log-level', 'warn', ...secret]
    await using start = launch(home, args, { epmdPort })
    const line = await start.waitForOutput(/^\{.*ERR_CONNECT/)
    expect(JSON.parse(line)).toMatchObject({ level: 40, node: 'b@127.0.0.1', code: 'ERR_CONNECT_NOT_REGISTERED' })
  })
})

describe('tsunagi start --dashboard', () => {
  const args = (...more: string[]) => ['start', '--name', 'a@127.0.0.1', ...secret, ...more]

  it('says where, and shows the cluster there to whoever has the token of the environment', async () => {
    using home = new Home()
    const [epmdPort, token] = [await freePort(), 'ein-langes-geheimnis']
    const env = { TSUNAGI_DASHBOARD_TOKEN: token }
    await using start = launch(home, args('--dashboard', '--json'), { epmdPort, env })
    const { dashboard } = JSON.parse(await start.waitForOutput(/started/))
    expect(dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    expect((await fetch(`${dashboard}api/overview`)).status).toBe(401)
    const seen = await fetch(`${dashboard}api/overview`, { headers: { authorization: `Bearer ${token}` } })
    expect(await seen.json()).toMatchObject({ self: 'a@127.0.0.1' })
    expect(start.output.join()).not.toContain(token)
  })

  it('takes a port, and says that it is taken', async () => {
    using home = new Home()
    const [epmdPort, port] = [await freePort(), String(await freePort())]
    await using start = launch(home, args('--dashboard', port), { epmdPort })
    await start.waitForOutput(new RegExp(`^dashboard +http://127\\.0\\.0\\.1:${port}/$`))
    const second = await runCommand(['start', '--name', 'b@127.0.0.1', ...secret, '--dashboard', port], { epmdPort })
    expect(second.text).toContain('the dashboard cannot listen')
    expect(second.text).toContain('Choose another port, or 0')
    expect(second.code).toBe(1)
  })

  it('is not shown to other machines without a token', async () => {
    const { code, text } = await runCommand(args('--dashboard', '0.0.0.0:0'))
    expect(text).toMatch(/^tsunagi: dashboard\.(host|token): expected/)
    expect(code).toBe(2)
  })
})

describe('tsunagi start, asked to end', () => {
  it('lets a call end that is under way at SIGTERM', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    const args = ['start', '--name', 'r@127.0.0.1', '--deadline', '60000', '--repl', ...secret]
    await using start = launch(home, args, { epmdPort })
    // The pipe stays open.
    start.writeLine("const asked = new Promise((go) => process.once('SIGTERM', () => setTimeout(go, 200, 'answered')))")
    start.writeLine("const work = () => (console.log('began'), asked)")
    start.writeLine("node.expose('m', { work })")
    start.writeLine("console.log('exposed')")
    await start.waitForOutput(/^exposed$/)
    await using call = launch(home, ['rpc', 'r@127.0.0.1', 'm:work', '--timeout', '60000', ...secret], { epmdPort })
    await start.waitForOutput(/^began$/)
    start.kill('SIGTERM')
    expect((await outcome(call)).text).toContain('answered')
    expect(await start.exited).toEqual({ code: 0, signal: null })
  })
})

describe('tsunagi start --repl', () => {
  it('evaluates a pipe line by line, with await and with everything in scope', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using repl = launch(home, ['start', '--name', 'r@127.0.0.1', '--repl', ...secret], { epmdPort })
    for (const line of [
      'node.name',
      'let tell',
      'const heard = new Promise((resolve) => { tell = resolve })',
      "const got = (m) => { console.log('got', m); tell('heard') }",
      "const pid = spawn(async (self) => { for await (const m of self) got(m) }, { name: 'sink' })",
      "await node.start({ handleCall: (request) => tuple(atom('ok'), request) }, { name: 'server' }), 'started'",
      'async function ask(what) {',
      "  return call('server', what)",
      '}',
      "await ask(parse('{a, 1.0}'))",
      "send('sink', [1, 2])",
      'await heard',
      'await ping(node.name)',
    ]) {
      repl.writeLine(line)
    }
    const { code, output } = await outcome(repl)
    expect(output.filter((line) => !line.startsWith('got'))).toEqual([
      "'r@127.0.0.1'",
      "'started'",
      '{ok,{a,1.0}}',
      'true',
      "'heard'",
      "'pong'",
    ])
    expect(output).toContain('got [ 1, 2 ]')
    expect(code).toBe(0)
  })

  it('exits with 1 when a line threw, after the rest was evaluated', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using repl = launch(home, ['start', '--name', 'r@127.0.0.1', '--repl', ...secret], { epmdPort })
    repl.writeLine("await Promise.reject(new Error('no luck'))")
    repl.writeLine('1 + 1')
    const { code, text, output } = await outcome(repl)
    expect(text).toContain('no luck')
    expect(output.at(-1)).toBe('2')
    expect(code).toBe(1)
  })
})

describeTools('tsunagi epmd', ['epmd'], () => {
  it('serves names that real epmd -names lists', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using epmd = launch(home, ['epmd', '--port', String(epmdPort)])
    await epmd.waitForOutput(/^listening at 127\.0\.0\.1/)
    await using a = launch(home, ['start', '--name', 'a@127.0.0.1', ...secret], { epmdPort })
    await a.waitForOutput(/^EPMD +the one on port/)
    await epmd.waitForOutput(/^\+ a$/)
    const listed = execFileSync('epmd', ['-port', String(epmdPort), '-names'], {
      env: bareEnvironment(undefined),
      encoding: 'utf8',
    })
    expect(listed).toMatch(new RegExp(`running on port ${epmdPort} with data:\\s+name a at port \\d+`))
    a.kill('SIGINT')
    await epmd.waitForOutput(/^- a$/)
    epmd.kill('SIGINT')
    expect((await epmd.exited).code).toBe(0)
  })

  it('ends with 0 when real epmd -kill asks it to, and with 1 when the port is taken', async () => {
    using home = new Home()
    const port = String(await freePort())
    await using epmd = launch(home, ['epmd', '--port', port])
    await epmd.waitForOutput(/^listening/)
    const second = await runCommand(['epmd', '--port', port])
    expect(second.code).toBe(1)
    expect(second.text).toContain(`cannot listen on port ${port}`)
    execFileSync('epmd', ['-port', port, '-kill'], { env: bareEnvironment(undefined), stdio: 'ignore' })
    expect((await epmd.exited).code).toBe(0)
  })
})

describeOtp('tsunagi start', (release) => {
  it('serves the EPMD a real node registers with, and is connected to it', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    await using start = launch(home, ['start', '--name', 'a@127.0.0.1', ...secret], { epmdPort })
    await start.waitForOutput(/^EPMD +served/)
    await using erl = await startErl({ release, name: 'e@127.0.0.1', epmdPort })
    expect(await erl.eval("net_adm:ping('a@127.0.0.1')")).toBe('pong')
    await start.waitForOutput(/^\+ e@127\.0\.0\.1 \(visible\)$/)
    const names = await runCommand(['names'], { epmdPort })
    expect(names.output.map((line) => line.split(' ')[0])).toEqual(['a', 'e'])
  })
})
