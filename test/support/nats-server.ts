import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OsProcess } from './os-process.ts'
import { freePort } from './otp.ts'

/** A NATS server on loopback, which can be frozen, stopped, killed and started again at the same port. */
export class NatsServer implements AsyncDisposable {
  readonly port: number
  readonly #directory: string
  #process: OsProcess | undefined

  private constructor(port: number, directory: string) {
    this.port = port
    this.#directory = directory
  }

  /** @param settings lines of its configuration file, such as `max_payload: 1000` */
  static async start(settings = ''): Promise<NatsServer> {
    const server = await NatsServer.prepare()
    await server.resume(settings)
    return server
  }

  /** One that has a port, and does not run yet. */
  static async prepare(): Promise<NatsServer> {
    return new NatsServer(await freePort(), mkdtempSync(join(tmpdir(), 'tsunagi-nats-')))
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Runs it, where it does not run already: frozen ones go on. New settings count from its next start. */
  async resume(settings = ''): Promise<void> {
    if (this.#process !== undefined) return this.#process.kill('SIGCONT')
    const file = join(this.#directory, 'nats.conf')
    writeFileSync(file, `listen: "${this.address}"\n${settings}\n`)
    this.#process = new OsProcess('nats-server', ['-c', file], {
      env: { PATH: process.env.PATH ?? '' },
      cwd: this.#directory,
    })
    await this.#process.waitForOutput(/Server is ready/, { timeout: 60_000 })
  }

  /** From now on connections are accepted, and nobody answers on them. Those that are open go on. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  /** Tells its clients that it will go, and ends their connections. Needs `lame_duck_duration`. */
  async goLame(): Promise<void> {
    const server = this.#process
    this.#process = undefined
    server?.kill('SIGUSR2')
    await server?.exited
  }

  /** Ends it and all its connections. */
  async stop(): Promise<void> {
    const server = this.#process
    this.#process = undefined
    server?.kill('SIGKILL')
    await server?.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
