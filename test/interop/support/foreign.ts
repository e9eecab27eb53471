import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { OsProcess } from '../../support/os-process.ts'
import { bareEnvironment } from '../../support/releases.ts'
import { describeSkipped, hasTool } from '../../support/tools.ts'

/** The node a foreign client talks to, and how it gets there. */
export interface ForeignOptions {
  /** `alive@host`. */
  readonly node: string
  readonly cookie: string
  readonly epmdPort: number
}

export interface GreetingOptions extends ForeignOptions {
  /** A registered name on that node: it is sent `{self(), hello}` and must answer the pid. Default: not sent. */
  readonly to?: string
}

/** What a client did: code 0 only when the node answered everything. */
export interface ForeignResult {
  readonly code: number | null
  /** Standard output and error. */
  readonly output: string
}

/** `describe` for one foreign client, skipped where the machine lacks what it is made of. */
export function describeForeign(client: 'jinterface' | 'libei' | 'erl_call', body: () => void): void {
  const parts = {
    jinterface: { tools: ['erl', 'java', 'javac'], files: () => [jinterfaceJar()] },
    libei: { tools: ['erl', 'cc'], files: () => [eiFile('include/ei.h'), eiFile('lib/libei.a')] },
    erl_call: { tools: ['erl_call'], files: () => [] },
  }[client]
  const tools = parts.tools.filter((tool) => !hasTool(tool))
  const missing = tools.length > 0 ? tools : parts.files().filter((file) => !existsSync(file))
  if (missing.length === 0) describe(client, body)
  else describeSkipped(client, missing, body)
}

/**
 * Runs `JinterfacePing.java` on the host OTP's jinterface. Prints `pong` or `pang`, then `received …`. It registers as
 * a node of its own with the EPMD, and accepts connections.
 */
export async function runJinterfacePing(options: GreetingOptions): Promise<ForeignResult> {
  const args = ['-cp', jinterfaceJar(), foreign('JinterfacePing.java'), clientName(), options.cookie, options.node]
  return await run('java', options.to === undefined ? args : [...args, options.to], options)
}

/**
 * Compiles and runs `ei-client.c` on the host OTP's libei. Prints `connected`, `net_kernel answered {#Ref<…>, yes}` and
 * `received …`. It neither listens nor registers.
 */
export async function runEiClient(options: GreetingOptions): Promise<ForeignResult> {
  const [alive, host] = clientName().split('@') as [string, string]
  const args = [alive, host, options.cookie, options.node]
  return await run(eiClient(), options.to === undefined ? args : [...args, options.to], options)
}

/** Starts the same program so that it stays connected until it is ended. Prints `waiting`, then `got …` for each message. */
export function startEiClient(options: ForeignOptions): OsProcess {
  const [alive, host] = clientName().split('@') as [string, string]
  return start(eiClient(), [alive, host, options.cookie, options.node, '-wait'], options)
}

/** Runs the host OTP's `erl_call`: `apply` is module, function and a list of arguments in Erlang syntax. */
export async function runErlCall(options: ForeignOptions & { readonly apply: string }): Promise<ForeignResult> {
  const args = ['-name', options.node, '-c', options.cookie, '-r', '-timeout', '10', '-a', options.apply]
  return await run('erl_call', args, options)
}

async function run(program: string, args: readonly string[], options: ForeignOptions): Promise<ForeignResult> {
  await using child = start(program, args, options)
  const { code } = await child.exited
  return { code, output: child.output.join('\n') }
}

function start(program: string, args: readonly string[], { epmdPort }: ForeignOptions): OsProcess {
  const home = mkdtempSync(join(tmpdir(), 'tsunagi-foreign-'))
  return new OsProcess(program, args, {
    env: { ...bareEnvironment(undefined), HOME: home, ERL_EPMD_PORT: String(epmdPort) },
    cleanup: () => rmSync(home, { recursive: true, force: true }),
  })
}

let clients = 0

function clientName(): string {
  return `foreign-${process.pid}-${++clients}@127.0.0.1`
}

function foreign(file: string): string {
  return fileURLToPath(new URL(`../foreign/${file}`, import.meta.url))
}

function jinterfaceJar(): string {
  return join(otpLibrary('jinterface'), 'priv', 'OtpErlang.jar')
}

function eiFile(path: string): string {
  return join(otpLibrary('erl_interface'), path)
}

const libraries = new Map<string, string>()

/** Where the host's OTP keeps one of its applications; a path that does not exist where it has none. */
function otpLibrary(application: string): string {
  let path = libraries.get(application)
  if (path === undefined) {
    const expression = `case code:lib_dir(${application}) of {error, _} -> ok; Path -> io:put_chars(Path) end, halt(0, [{flush, true}]).`
    const options = { env: bareEnvironment(undefined), encoding: 'utf8' } as const
    path = execFileSync('erl', ['-noshell', '-eval', expression], options) || `/no-${application}`
    libraries.set(application, path)
  }
  return path
}

/** The path of the compiled `ei-client.c`, kept from run to run as long as the source and libei are the same. */
function eiClient(): string {
  const source = foreign('ei-client.c')
  const key = createHash('sha256').update(readFileSync(source)).update(eiFile('')).digest('hex').slice(0, 16)
  const folder = fileURLToPath(new URL('../../../node_modules/.cache/tsunagi', import.meta.url))
  const program = join(folder, `ei-client-${key}`)
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  // Under another name until it is whole: test files run side by side.
  const part = `${program}.${process.pid}`
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-D_REENTRANT', '-Wall', '-Wextra', '-Werror', '-O1']
  const args = ['-I', eiFile('include'), '-o', part, source, '-L', eiFile('lib'), '-lei', '-lpthread']
  execFileSync('cc', [...flags, ...args], { stdio: 'pipe', encoding: 'utf8' })
  renameSync(part, program)
  return program
}
