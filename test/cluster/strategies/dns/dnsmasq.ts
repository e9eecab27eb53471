import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OsProcess } from '../../../support/os-process.ts'
import { freePort } from '../../../support/otp.ts'
import { bareEnvironment } from '../../../support/releases.ts'

/** What a {@link Dnsmasq} knows, in the domain `test`. */
export interface Zone {
  /** Addresses, of both kinds, by name. It makes reverse lookups of them by itself. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  /** `[service, target, port]`. */
  readonly services?: readonly (readonly [string, string, number])[]
}

/** A real DNS server, on loopback and at a port of its own. */
export class Dnsmasq implements AsyncDisposable {
  readonly port: number
  zone: Zone
  readonly #folder = mkdtempSync(join(tmpdir(), 'tsunagi-dnsmasq-'))
  readonly #hosts = join(this.#folder, 'hosts')
  readonly #more: readonly string[]
  #process: OsProcess | undefined

  private constructor(port: number, zone: Zone, more: readonly string[]) {
    this.port = port
    this.zone = zone
    this.#more = more
  }

  static async open(zone: Zone, more: readonly string[] = []): Promise<Dnsmasq> {
    const server = new Dnsmasq(await freePort(), zone, more)
    try {
      await server.start()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  /** As the option `servers` has it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Serves, where it was killed before. */
  async start(): Promise<void> {
    this.#write()
    const services = (this.zone.services ?? []).map((service) => `--srv-host=${service.join(',')}`)
    const args = [
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--log-facility=-',
      '--user=root',
      '--no-resolv',
      '--no-hosts',
      `--port=${this.port}`,
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--local=/test/',
      `--addn-hosts=${this.#hosts}`,
      ...services,
      ...this.#more,
    ]
    this.#process = new OsProcess('dnsmasq', args, { env: bareEnvironment(undefined) })
    await this.#process.waitForOutput(/dnsmasq\[\d+\]: read .*hosts - /)
  }

  /** Changes addresses while it runs; services need a start anew. */
  async change(hosts: Zone['hosts']): Promise<void> {
    this.zone = { ...this.zone, hosts }
    this.#write()
    const process = this.#process as OsProcess
    const from = process.output.length
    process.kill('SIGHUP')
    await process.waitForOutput(/read .*hosts - /, { from })
  }

  /** Stops answering, without being gone. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]()
    this.#process = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(): void {
    const lines = Object.entries(this.zone.hosts).flatMap(([name, all]) => all.map((address) => `${address} ${name}\n`))
    writeFileSync(this.#hosts, lines.join(''))
  }
}
