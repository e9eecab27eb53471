import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { candidates } from '../../src/cli/complete.ts'
import { FILES } from '../../src/cli/completion-protocol.ts'
import { createProgram } from '../../src/cli/program.ts'
import { Cluster } from '../node/cluster.ts'
import { runHere } from './support.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.create()
  await cluster.start('haru')
  await cluster.start('natsu')
})
afterAll(() => cluster[Symbol.asyncDispose]())

const values = async (line: string): Promise<readonly string[]> => {
  const found = await candidates(createProgram(), line.split(' '))
  return found.map(({ value }) => value)
}

describe('what can come next', () => {
  it.each([
    ['p', ['ping', 'pub']],
    ['store ', ['get', 'put', 'delete', 'keys', 'watch', 'call']],
    ['start --log-level ', ['debug', 'info', 'warn', 'error', 'silent']],
    ['start --log-level w', ['warn']],
    ['start --d', ['--dashboard', '--dashboard-token', '--deadline']],
    ['ping --json --', ['--cookie', '--epmd-port', '--timeout', '--help']],
    ['demo --once s', ['store']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['top --sort ', ['node', 'state', 'rtt', 'in', 'out', 'queue', 'reconnects']],
    ['start --config ', [FILES]],
    ['start --cookie ', []],
    ['names more and', []],
  ])('%j', async (line, expected) => {
    const found = await values(line)
    expect(found.filter((value) => expected.length === 0 || expected.includes(value) || value === FILES)).toEqual(
      expected,
    )
  })

  it('nodes that the EPMD knows', async () => {
    const line = `ping --epmd-port ${cluster.epmdPort} h`
    expect(await values(line)).toContain('haru@127.0.0.1')
    expect(await values(line)).not.toContain('natsu@127.0.0.1')
    expect(await values(`call --epmd-port ${cluster.epmdPort} natsu@`)).toContain('natsu@127.0.0.1')
    expect(await values(`start --epmd-port ${cluster.epmdPort} --connect haru@127.0.0.1 na`)).toContain(
      'natsu@127.0.0.1',
    )
  })

  it('no node where no EPMD is', async () => {
    expect(await values('ping --epmd-port 1 ')).toEqual([])
  })
})

describe('the script for bash', () => {
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tsunagi-bash-'))
    writeFileSync(join(folder, 'script.bash'), (await runHere(['completion', 'bash'])).text)
    writeFileSync(join(folder, 'tsunagi.config.mjs'), '')
    const main = new URL('../../dist/cli/main.js', import.meta.url).pathname
    writeFileSync(join(folder, 'tsunagi'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** What bash would put in place of the word, or its part after the last @ or :, that is being typed. */
  function complete(line: string): readonly string[] {
    const program = `
      source ./script.bash
      complete -p tsunagi >&2
      COMP_LINE=$1 COMP_POINT=\${#1}
      _tsunagi ./tsunagi
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const { status, stderr, stdout } = spawnSync('bash', ['--norc', '-c', program, 'bash', line], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ERL_EPMD_PORT: String(cluster.epmdPort), COMP_WORDBREAKS: ' \t\n"\'><=;|&(:@' },
    })
    expect([status, stderr]).toEqual([0, 'complete -F _tsunagi tsunagi\n'])
    return stdout.trimEnd().split('\n')
  }

  it('completes commands, options, choices, nodes and files', () => {
    expect(complete('tsunagi do')).toEqual(['doctor'])
    expect(complete('tsunagi names --t')).toEqual(['--timeout'])
    expect(complete('tsunagi ping na')).toContain('natsu@127.0.0.1')
    // Bash takes an @ for the end of a word.
    expect(complete('tsunagi ping natsu@12')).toEqual(['127.0.0.1'])
    expect(complete('tsunagi start --config tsunagi.c')).toEqual(['tsunagi.config.mjs'])
  })
})

describe('tsunagi completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s: a script, or the same in a line of JSON', async (shell) => {
    const { code, text } = await runHere(['completion', shell])
    expect(code).toBe(0)
    expect(text).toContain('tsunagi')
    const json = await runHere(['completion', shell, '--json'])
    expect(JSON.parse(json.text)).toEqual({ shell, script: text })
  })
})
