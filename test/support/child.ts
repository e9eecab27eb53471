import { OsProcess } from './os-process.ts'

export interface NodeOptions {
  /** Added to the test's own environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What the command has to begin with, such as `ip netns exec NAME`. */
  readonly within?: readonly string[]
}

/**
 * Starts another Node.js process of the same version as the test's; `args` is what follows `node`, such as
 * `['dist/cli/main.js', 'names']`. The environment is the test's without what would make the child differ from one
 * that a user starts: the EPMD port, the cookie and Vitest's own.
 */
export function startNodeProcess(args: readonly string[], options: NodeOptions = {}): OsProcess {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(ERL_|TSUNAGI_|VITEST|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$)/.test(name)) env[name] = value
  }
  const cwd = options.cwd === undefined ? {} : { cwd: options.cwd }
  const [file, ...rest] = [...(options.within ?? []), process.execPath, ...args] as [string, ...string[]]
  return new OsProcess(file, rest, { env: { ...env, NO_COLOR: '1', ...options.env }, ...cwd })
}

/** Starts the built `tsunagi` command. */
export function startCommand(args: readonly string[], options: NodeOptions = {}): OsProcess {
  return startNodeProcess([new URL('../../dist/cli/main.js', import.meta.url).pathname, ...args], options)
}
