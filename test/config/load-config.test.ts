import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { variables } from '../../src/config/environment.ts'
import { ConfigError, loadConfig } from '../../src/config/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { freePort } from '../support/otp.ts'
import { Folder } from './folder.ts'

const none = { env: {} }
const typescript = (process.features as { typescript?: unknown }).typescript !== undefined

/** What loadConfig says is wrong. */
async function refused(work: Promise<unknown>): Promise<ConfigError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toMatchObject({ code: 'ERR_CONFIG' })
  return error as ConfigError
}

describe('loadConfig', () => {
  it('gives no options where there is no file and no variable', async () => {
    using folder = new Folder()
    expect(await loadConfig({ cwd: folder.path, ...none })).toEqual({ options: {}, file: undefined, ignored: [] })
  })

  it('reads the default export of a module, or what a function makes of it', async () => {
    using folder = new Folder({
      'a.mjs': "export default { name: 'a@127.0.0.1', connectTo: ['b@127.0.0.1'] }",
      'b.mjs': "export default async () => ({ sname: 'b' })",
      'c.cjs': "module.exports = { sname: 'c' }",
    })
    const load = async (file: string) => (await loadConfig({ cwd: folder.path, file, ...none })).options
    expect(await load('a.mjs')).toEqual({ name: 'a@127.0.0.1', connectTo: ['b@127.0.0.1'] })
    expect(await load('b.mjs')).toEqual({ sname: 'b' })
    expect(await load('c.cjs')).toEqual({ sname: 'c' })
  })

  it('looks for the usual names in the working directory, and TSUNAGI_CONFIG names another file', async () => {
    using folder = new Folder({ 'tsunagi.config.json': '{ "sname": "j" }', 'other.json': '{ "sname": "o" }' })
    const cwd = folder.path
    const usual = await loadConfig({ cwd, ...none })
    expect(usual).toEqual({ options: { sname: 'j' }, file: join(cwd, 'tsunagi.config.json'), ignored: [] })
    folder.write('tsunagi.config.mjs', "export default { sname: 'm' }")
    expect((await loadConfig({ cwd, ...none })).options).toEqual({ sname: 'm' })
    expect((await loadConfig({ cwd, env: { TSUNAGI_CONFIG: 'other.json' } })).options).toEqual({ sname: 'o' })
    const given = { cwd, file: 'tsunagi.config.json', env: { TSUNAGI_CONFIG: 'other.json' } }
    expect((await loadConfig(given)).options).toEqual({ sname: 'j' })
  })

  it('makes the strategies that JSON names', async () => {
    using folder = new Folder()
    const cwd = folder.path
    const topologies = {
      local: { strategy: 'localEpmd' },
      seeds: { strategy: { staticNodes: ['b@127.0.0.1'] }, interval: 30_000 },
    }
    const file = folder.write('tsunagi.config.json', JSON.stringify({ name: 'a@127.0.0.1', topologies }))
    const { options } = await loadConfig({ cwd, ...none })
    expect(options.topologies).toMatchObject({
      local: { strategy: { name: 'localEpmd' } },
      seeds: { strategy: { name: 'staticNodes' }, interval: 30_000 },
    })
    await using node = await startNode({ ...options, cookie: 'c', epmd: { port: await freePort() } })
    expect(node.topology('seeds').nodes).toBeTypeOf('function')
    folder.write('tsunagi.config.json', JSON.stringify({ topologies: { t: { strategy: 'gosip' } } }))
    const wrong = await refused(loadConfig({ cwd, ...none }))
    expect(wrong).toMatchObject({ source: file, option: 'topologies.t.strategy', value: 'gosip' })
    expect(wrong.message).toContain(`${file}: topologies.t.strategy: there is no strategy "gosip" (known are`)
    folder.write('tsunagi.config.json', JSON.stringify({ topologies: { t: { strategy: { staticNodes: ['b'] } } } }))
    const place = 'topologies.t.strategy.staticNodes'
    const bad = await refused(loadConfig({ cwd, ...none }))
    expect(bad).toMatchObject({ option: place })
    expect(bad.message).toContain(`${file}: ${place}: nodes[0]: expected a node name`)
    folder.write(
      'tsunagi.config.json',
      JSON.stringify({ topologies: { t: { strategy: { name: 'dns', query: 'x' } } } }),
    )
    expect((await refused(loadConfig({ cwd, ...none }))).message).toContain(
      'its name with its options, { "dns": { … } }',
    )
  })

  it('takes strategies of classes, whatever fields they have', async () => {
    using folder = new Folder({
      'x.mjs': `class Registry { name = 'registry'; url; discover() { return [] } }
        export default { topologies: { t: { strategy: new Registry() } } }`,
    })
    const { options } = await loadConfig({ cwd: folder.path, file: 'x.mjs', ...none })
    expect(options.topologies).toMatchObject({ t: { strategy: { name: 'registry' } } })
  })

  it('names the file, the option and the value that cannot be used, but no secret', async () => {
    using folder = new Folder()
    const load = (json: string) => loadConfig({ file: folder.write('x.json', json), ...none })
    const file = join(folder.path, 'x.json')
    const wrong = await refused(load('{ "netTickTime": "1m" }'))
    expect(wrong).toMatchObject({ source: file, option: 'netTickTime', value: '1m' })
    expect(wrong.message).toMatch(/x\.json: netTickTime: expected milliseconds .*, got "1m"$/)
    expect((await refused(load('{ "nam": "a@b.c" }'))).message).toContain('did you mean name?')
    const secret = await refused(load('{ "cookie": "hush\\n" }'))
    expect(secret).toMatchObject({ option: 'cookie', value: undefined })
    expect(secret.message).not.toContain('hush')
    for (const strategy of ['"gossip": "hush"', '"gossip": ["hush"]', '"postgres": "postgres://app:hush@db/x"']) {
      const told = await refused(load(`{ "topologies": { "t": { "strategy": { ${strategy} } } } }`))
      expect(inspect(told, { depth: 10 })).not.toContain('hush')
      expect(told.message).toMatch(/topologies\.t\.strategy\.\w+: options: expected an object such as/)
    }
    expect((await refused(load('[1]'))).message).toContain('expected an object of node options')
  })

  it.each([
    ['{\n  "cookie": hush\n}', "Unexpected token 'h' (line 2, column 13)"],
    ['{\n  "cookie": "hush",\n}', /^.*\(line 3, column 1\)$/],
    ['{ "cookie": "hush" "hush" }', /\(line 1, column 20\)$/],
    ['{ "cookie": "hush"', /\(line 1, column 19\)$/],
    ['{ "cookie": "hu\nsh" }', /\(line 1, column 16\)$/],
    ["{ 'cookie': 'hush' }", /\(line 1, column 3\)$/],
    ['', 'Unexpected end of JSON input (line 1, column 1)'],
    ['hush', /\(line 1, column 1\)$/],
  ])('says where JSON is wrong, and shows nothing of it: %j', async (json, says) => {
    using folder = new Folder({ 'x.json': json })
    const wrong = await refused(loadConfig({ cwd: folder.path, file: 'x.json', ...none }))
    expect(wrong.message.split('x.json: ')[1]).toMatch(says)
    expect(inspect(wrong, { depth: 10 })).not.toContain('hush')
  })

  it('says what is wrong with a module', async () => {
    using folder = new Folder({
      'syntax.mjs': 'export default {',
      'throws.mjs': "throw new Error('no luck')",
      'nothing.mjs': 'export const name = 1',
      'x.yaml': 'name: a',
    })
    const load = (file: string) => refused(loadConfig({ cwd: folder.path, file, ...none }))
    expect((await load('syntax.mjs')).source).toBe(join(folder.path, 'syntax.mjs'))
    expect((await load('throws.mjs')).message).toContain('throws.mjs: no luck')
    expect((await load('nothing.mjs')).message).toContain('expected a default export')
    expect((await load('x.yaml')).message).toContain('expected a file that ends with .js')
    expect((await load('gone.mjs')).message).toContain('gone.mjs: there is no such file')
  })

  it(`${typescript ? 'reads TypeScript' : 'says that this Node.js reads no TypeScript'}`, async () => {
    using folder = new Folder({ 'tsunagi.config.ts': "const name: string = 'a@127.0.0.1'\nexport default { name }" })
    const loaded = loadConfig({ cwd: folder.path, ...none })
    if (typescript) expect((await loaded).options).toEqual({ name: 'a@127.0.0.1' })
    else expect((await refused(loaded)).message).toMatch(/tsunagi\.config\.ts: this Node\.js .* reads no TypeScript/)
  })

  it('takes the environment before the file', async () => {
    using folder = new Folder({
      'tsunagi.config.json': '{ "sname": "j", "cookie": "file", "visible": false, "netTickTime": 1000 }',
    })
    const env = {
      TSUNAGI_NAME: 'e@127.0.0.1',
      TSUNAGI_SNAME: '',
      TSUNAGI_COOKIE: 'env',
      TSUNAGI_CONNECT_TO: 'a@127.0.0.1, b@127.0.0.1:9100',
      TSUNAGI_VISIBLE: 'true',
      TSUNAGI_LISTEN: '[::1]:9000',
    }
    const { options } = await loadConfig({ cwd: folder.path, env })
    expect(options).toEqual({
      name: 'e@127.0.0.1',
      cookie: 'env',
      connectTo: ['a@127.0.0.1', 'b@127.0.0.1:9100'],
      visible: true,
      listen: { host: '::1', port: 9000 },
      netTickTime: 1000,
    })
    expect((await loadConfig({ cwd: folder.path, env: { TSUNAGI_LISTEN: 'false' } })).options.listen).toBe(false)
  })

  it.each([
    ['TSUNAGI_NAME', 'nohost', '"nohost"'],
    ['TSUNAGI_VISIBLE', 'maybe', 'expected true or false, got "maybe"'],
    ['TSUNAGI_LISTEN', 'a:b', 'got "a:b"'],
    ['TSUNAGI_CONNECT_TO', 'a@h,b', '"b"'],
  ])('names the variable %s when it cannot be used', async (name, value, text) => {
    using folder = new Folder()
    const wrong = await refused(loadConfig({ cwd: folder.path, env: { [name]: value } }))
    expect(wrong).toMatchObject({ source: name })
    expect(wrong.message).toContain(text)
  })

  it('refuses a long and a short name at once, and options nobody reads', async () => {
    using folder = new Folder()
    const env = { TSUNAGI_NAME: 'a@127.0.0.1', TSUNAGI_SNAME: 'a' }
    expect(await refused(loadConfig({ cwd: folder.path, env }))).toMatchObject({ source: 'TSUNAGI_SNAME' })
    await expect(loadConfig({ fil: 'x' } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'fil' })
  })
})

describe('docs/config.md', () => {
  it('lists every variable, and no other', () => {
    const page = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8')
    const listed = Array.from(page.matchAll(/^\| `(TSUNAGI_\w+)` \|/gm), ([, name]) => name)
    expect(listed.sort()).toEqual(['TSUNAGI_CONFIG', 'TSUNAGI_SSL_DIST_OPTFILE', ...Object.keys(variables)].sort())
  })
})

describe('the host of a name', () => {
  it('must be known, and lead to this machine', async () => {
    const epmd = { port: await freePort() }
    const start = (name: string) => startNode({ name, cookie: 'c', epmd })
    await expect(start('a@no-such-host.invalid')).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining('no-such-host.invalid, has no address'),
    })
    // A network for documentation, RFC 5737.
    await expect(start('a@192.0.2.1')).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining('no address of this machine'),
    })
  })
})
