import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atom, tuple } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { MemoryCluster } from '../store/memory-engine.ts'
import { Home, launch, runCommand } from './support.ts'

let cluster: Cluster
let node: TsunagiNode

beforeAll(async () => {
  cluster = await Cluster.create()
  node = await cluster.start('app')
  const store = node.store({ engine: new MemoryCluster().factory(), functions: { from: [] } })
  await store.define('sum', (a: number, b: number) => a + b)
})

afterAll(() => cluster[Symbol.asyncDispose]())

function store(command: string, ...args: string[]) {
  return runCommand(['store', command, node.name, ...args, '--cookie', 'c'], { epmdPort: cluster.epmdPort })
}

describe('tsunagi store', () => {
  it('writes, reads, lists and takes away', async () => {
    const put = await store('put', 'cli.hello', '{temperature, 21.5}', '--ttl', '60000')
    expect(put).toMatchObject({ code: 0, text: expect.stringMatching(/^\d+\.\d+@memory$/) })
    expect(node.store().entry('cli.hello')?.value).toEqual(tuple(atom('temperature'), 21.5))
    expect(await store('get', 'cli.hello')).toMatchObject({ code: 0, text: '{temperature,21.5}' })
    const json = await store('get', 'cli.hello', '--json')
    expect(JSON.parse(json.text)).toEqual({
      node: node.name,
      key: 'cli.hello',
      value: '{temperature,21.5}',
      version: put.text,
    })
    expect(await store('keys', 'cli.')).toMatchObject({ code: 0, output: ['cli.hello'] })
    expect(await store('delete', 'cli.hello')).toMatchObject({ code: 0, text: 'deleted cli.hello' })
    expect(await store('get', 'cli.hello')).toMatchObject({ code: 1, text: expect.stringContaining('has no value') })
    expect(await store('delete', 'cli.hello')).toMatchObject({ code: 1, text: expect.stringContaining('has no value') })
  })

  it('compares before it writes', async () => {
    expect(await store('put', 'cli.cas', '1', '--expected', 'absent')).toMatchObject({ code: 0 })
    const again = await store('put', 'cli.cas', '2', '--expected', 'absent')
    expect(again).toMatchObject({ code: 1, text: expect.stringContaining('has another version') })
    const nonsense = await store('put', 'cli.cas', '2', '--expected', 'latest')
    expect(nonsense).toMatchObject({ code: 2, text: expect.stringContaining('a version as it was answered') })
  })

  it('runs a function', async () => {
    expect(await store('call', 'sum', '[1, 4]')).toMatchObject({ code: 0, text: '5' })
    const args = await store('call', 'sum', '{1, 4}')
    expect(args).toMatchObject({ code: 2, text: expect.stringContaining('a list of arguments') })
    await node.store().define('throws', () => {
      throw new RangeError('it broke')
    })
    const thrown = await store('call', 'throws', '--json')
    expect(thrown).toMatchObject({ code: 1 })
    expect(JSON.parse(thrown.text)).toEqual({ error: { code: 'ERR_RPC_EXCEPTION', message: 'RangeError: it broke' } })
    expect(await store('call', 'other')).toMatchObject({
      code: 1,
      text: expect.stringContaining('there is no function'),
    })
  })

  it('watches until it is interrupted', async () => {
    await node.store().put('w.1', 'one')
    using home = new Home()
    const args = ['store', 'watch', node.name, '--prefix', 'w.', '--json', '--cookie', 'c']
    await using command = launch(home, args, { epmdPort: cluster.epmdPort })
    expect(JSON.parse(await command.waitForOutput(/"put".*"w\.1"/))).toMatchObject({
      type: 'put',
      key: 'w.1',
      value: '<<"one">>',
    })
    await node.store().put('other', 1)
    await node.store().put('w.2', 'two')
    expect(JSON.parse(await command.waitForOutput(/"w\.2"/))).toMatchObject({ type: 'put', key: 'w.2' })
    await node.store().delete('w.1')
    expect(JSON.parse(await command.waitForOutput(/"delete"/))).toMatchObject({ type: 'delete', key: 'w.1' })
    command.kill('SIGINT')
    expect((await command.exited).code).toBe(0)
    expect(command.output.some((line) => line.includes('other'))).toBe(false)
  })

  it('watches once', async () => {
    await node.store().put('o.1', 'one')
    const seen = await store('watch', 'o.1', '--once')
    expect(seen).toMatchObject({ code: 0, output: ['o.1 = <<"one">>'] })
  })

  it('says what is wrong with a wrong use', async () => {
    expect(await runCommand(['store', 'get'])).toMatchObject({
      code: 2,
      text: expect.stringContaining("argument 'node'"),
    })
    const none = await store('get', 'x', '--store', 'other')
    expect(none).toMatchObject({ code: 1, text: expect.stringContaining('no such process') })
    expect(await runCommand(['store', 'put', 'a@b', 'k', '{'])).toMatchObject({ code: 2 })
    const noKey = { code: 2, text: expect.stringContaining('a non-empty string') }
    expect(await store('get', '')).toMatchObject(noKey)
    expect(await store('put', '', '1')).toMatchObject(noKey)
    const both = await store('watch', 'key', '--prefix', 'k')
    expect(both).toMatchObject({ code: 2, text: expect.stringContaining('a key and --prefix') })
  })
})
