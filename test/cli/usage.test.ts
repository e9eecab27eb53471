import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProgram, version } from '../../src/cli/program.ts'
import { freePort } from '../support/otp.ts'
import { Home, launch, outcome, runCommand, runHere } from './support.ts'

const program = createProgram()
const commands = program.commands.map((command) => command.name())
/** Those that do something, by the words they are called with. */
const doers = program.commands.flatMap((command) =>
  command.commands.length === 0
    ? [command.name()]
    : command.commands.map((inner) => `${command.name()} ${inner.name()}`),
)

describe('every command', () => {
  it('is one of those the design names', () => {
    expect(commands).toEqual([
      'start',
      'epmd',
      'names',
      'ping',
      'nodes',
      'call',
      'rpc',
      'send',
      'pub',
      'sub',
      'store',
      'doctor',
      'top',
      'demo',
      'completion',
    ])
  })

  it.each(doers)('%s explains itself with an example, and knows --json', async (name) => {
    const { code, text } = await runHere([...name.split(' '), '--help'])
    expect(code).toBe(0)
    expect(text).toMatch(new RegExp(`^Usage: tsunagi ${name} `))
    expect(text).toMatch(/Example:\n {2}.*tsunagi /)
    expect(text).toContain('--json')
  })
})

describe('tsunagi', () => {
  it('prints its version', async () => {
    expect((await runCommand(['--version'])).output).toEqual([version()])
  })

  it.each([
    ['a missing argument', ['ping'], "missing required argument 'node'"],
    ['an unknown command', ['pnig', 'a@127.0.0.1'], "unknown command 'pnig'; did you mean ping?"],
    ['an unknown option', ['names', '--prot', '1'], "unknown option '--prot'; did you mean --port?"],
    ['a port that is none', ['names', '--port', 'epmd'], 'whole number from 1 to 65535'],
    ['a node name that is none', ['ping', 'nonsense'], 'expected a node name such as "b@127.0.0.1"'],
    ['a bad term', ['call', 'a@127.0.0.1', 'x', '{a'], 'a bracket is not closed'],
    ['no module', ['rpc', 'a@127.0.0.1', 'sum'], 'm:f: expected module and function, such as lists:sum'],
    ['arguments that are no list', ['rpc', 'a@127.0.0.1', 'lists:sum', '{1, 2}'], 'expected a list of arguments'],
    ['a bad term to send', ['send', 'a@127.0.0.1', 'x', '[1 2]'], 'is there a comma missing'],
    ['two kinds of names', ['start', '--name', 'a@127.0.0.1', '--sname', 'a'], 'cannot be used with'],
    ['a long name without a long host', ['start', '--name', 'a@b', '--cookie', 'c'], 'a host with a dot or a colon'],
    ['a bad place to listen', ['start', '--listen', 'a:b:99'], 'host:port'],
  ])('exits with 2 and says so for %s', async (_title, args, message) => {
    const { code, text } = await runCommand(args)
    expect(text).toContain(message)
    expect(text).not.toMatch(/^ +at /m)
    expect(code).toBe(2)
  })

  it('reports errors as JSON with --json, and where they happened with DEBUG', async () => {
    const port = await freePort()
    const json = await runCommand(['names', '--port', String(port), '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.text)).toMatchObject({
      error: { code: 'ERR_EPMD_UNREACHABLE', message: expect.stringContaining(String(port)) },
    })
    const debug = await runCommand(['names', '--port', String(port)], { env: { DEBUG: '1' } })
    expect(debug.text).toMatch(/^ +at /m)
  })

  it('exits with 1 and a next step when no EPMD is there', async () => {
    const epmdPort = await freePort()
    const names = await runCommand(['names'], { epmdPort })
    expect(names.code).toBe(1)
    expect(names.text).toContain(`no EPMD at 127.0.0.1:${epmdPort}`)
    expect(names.text).toContain('tsunagi epmd')
    const ping = await runCommand(['ping', 'a@127.0.0.1'], { epmdPort })
    expect(ping.code).toBe(1)
    expect(ping.text).toContain(`pang: a@127.0.0.1: no EPMD at 127.0.0.1:${epmdPort} (ECONNREFUSED); is a node`)
    expect(ping.text).toContain('Find out why with: tsunagi doctor a@127.0.0.1')
  })
})

describe('the cookie file', () => {
  it('is created like that of erl when there is none, and kept when there is', async () => {
    using home = new Home()
    const path = join(home.path, '.erlang.cookie')
    const run = async () => {
      await using command = launch(home, ['ping', 'a@127.0.0.1'])
      return await outcome(command)
    }
    expect((await run()).code).toBe(1)
    const cookie = readFileSync(path, 'latin1')
    expect(cookie).toMatch(/^[A-Z]{20}$/)
    expect(statSync(path).mode & 0o777).toBe(0o400)
    await run()
    expect(readFileSync(path, 'latin1')).toBe(cookie)
  })

  it('is not created where a cookie was given', async () => {
    using home = new Home()
    await using given = launch(home, ['ping', 'a@127.0.0.1', '--cookie', 'secret'])
    await outcome(given)
    await using environment = launch(home, ['ping', 'a@127.0.0.1'], { env: { TSUNAGI_COOKIE: 'secret' } })
    await outcome(environment)
    expect(() => statSync(join(home.path, '.erlang.cookie'))).toThrow('ENOENT')
  })
})
