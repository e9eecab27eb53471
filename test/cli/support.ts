import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { startCommand } from '../support/child.ts'
import type { Exit, OsProcess } from '../support/os-process.ts'

/** How a command ended and what it said. */
export interface Outcome {
  readonly code: number | null
  readonly signal: Exit['signal']
  /** stdout and stderr, line by line. */
  readonly output: readonly string[]
  readonly text: string
}

/** A home of its own, so that no test finds or makes anybody's cookie; gone with the scope. */
export class Home implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'tsunagi-cli-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export interface CommandOptions {
  /** Default: a port nobody serves. */
  readonly epmdPort?: number
  readonly env?: Readonly<Record<string, string>>
  /** What the command has to begin with, such as `ip netns exec NAME`. */
  readonly within?: readonly string[]
}

/** Starts the command with an EPMD port and a home of the test's. */
export function launch(
  home: Home,
  args: readonly string[],
  { epmdPort = 1, env, within = [] }: CommandOptions = {},
): OsProcess {
  return startCommand(args, { env: { HOME: home.path, ERL_EPMD_PORT: String(epmdPort), ...env }, within })
}

/** Runs the command to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  using home = new Home()
  await using command = launch(home, args, options)
  return await outcome(command)
}

/**
 * Runs the command in this process, as far as that goes: for wrong uses and for help, which need no other. One at a time,
 * since stdout, stderr and the exit code are the process's.
 */
export async function runHere(
  args: readonly string[],
): Promise<Pick<Outcome, 'code' | 'text'> & { readonly error: string }> {
  using home = new Home()
  let text = ''
  let error = ''
  vi.stubEnv('HOME', home.path)
    .stubEnv('TSUNAGI_COOKIE', 'secret')
    .stubEnv('ERL_EPMD_PORT', '1')
    .stubEnv('NO_COLOR', '1')
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk
    return true
  })
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    error += chunk
    return true
  })
  const { exitCode } = process
  process.exitCode = undefined
  try {
    await run(args)
    return { code: Number(process.exitCode ?? 0), text: text + error, error }
  } finally {
    process.exitCode = exitCode
    out.mockRestore()
    err.mockRestore()
    vi.unstubAllEnvs()
  }
}

export async function outcome(command: OsProcess): Promise<Outcome> {
  command.endInput()
  const { code, signal } = await command.exited
  return { code, signal, output: command.output, text: command.output.join('\n') }
}
