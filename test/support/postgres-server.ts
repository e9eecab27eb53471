import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificates } from './certificates.ts'
import { OsProcess } from './os-process.ts'
import { freePort } from './otp.ts'
import { hasTool } from './tools.ts'

/** Where Debian keeps the programs of the newest PostgreSQL; undefined where there is none. */
const programs = newest('/usr/lib/postgresql')

/** What the tests need of the machine and it lacks. */
export const missingForPostgres: readonly string[] = [
  ...(programs === undefined ? ['PostgreSQL'] : []),
  ...(hasTool('openssl') ? [] : ['openssl']),
]

const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' }

/** A PostgreSQL server with an empty database of its own, which can be stopped, killed and started again. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number
  readonly #directory: string
  #process: OsProcess | undefined

  private constructor(port: number, directory: string) {
    this.port = port
    this.#directory = directory
  }

  static async start(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'tsunagi-postgres-'))
    const { uid, gid } = owner()
    if (uid !== undefined) chownSync(directory, uid, gid as number)
    const [file, args] = asOwner('initdb', ['-D', directory, '-U', 'tsunagi', '-A', 'trust', '-E', 'UTF8', '--no-sync'])
    execFileSync(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'], cwd: directory })
    const server = new PostgresServer(await freePort(), directory)
    await server.resume()
    return server
  }

  get url(): string {
    return `postgres://tsunagi@127.0.0.1:${this.port}/postgres`
  }

  /** Takes TLS from its next start on. */
  secure({ cert, key }: Certificates): void {
    const { uid, gid } = owner()
    for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
      const file = join(this.#directory, name)
      writeFileSync(file, text, { mode: 0o600 })
      if (uid !== undefined) chownSync(file, uid, gid as number)
    }
    writeFileSync(join(this.#directory, 'postgresql.auto.conf'), "ssl = 'on'\n")
  }

  /** Runs it, where it does not run already. */
  async resume(): Promise<void> {
    if (this.#process !== undefined) return this.#process.kill('SIGCONT')
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', max_connections: '50' }
    const [file, args] = asOwner('postgres', [
      ...['-D', this.#directory, '-p', `${this.port}`],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ])
    this.#process = new OsProcess(file, args, { env, cwd: this.#directory })
    await this.#process.waitForOutput(/ready to accept connections/, { timeout: 60_000 })
  }

  /** Ends it and all its connections. */
  async stop(): Promise<void> {
    const server = this.#process
    this.#process = undefined
    server?.kill('SIGCONT')
    server?.kill('SIGINT')
    await server?.exited
  }

  /** From now on connections are accepted, and nobody answers on them. Those that are open go on. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** It refuses to run as root. */
function asOwner(program: string, args: readonly string[]): [string, string[]] {
  const path = join(programs ?? '', program)
  const { uid, gid } = owner()
  if (uid === undefined) return [path, [...args]]
  // The kernel forgets whose death it was to follow when the user changes.
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--pdeathsig', 'KILL', '--']
  return ['/usr/bin/setpriv', [...drop, path, ...args]]
}

/** Undefined where this process is not root's. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function newest(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined
  const [version] = readdirSync(directory).sort((a, b) => Number(b) - Number(a))
  const path = join(directory, version ?? '', 'bin')
  return existsSync(join(path, 'initdb')) ? path : undefined
}
