import { fileURLToPath } from 'node:url'
import type { DashboardOptions } from '../../src/observe/http/dashboard-options.ts'
import { startNodeProcess } from '../support/child.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort, type OtpNode, startElixir, startErl } from '../support/otp.ts'
import type { Release } from '../support/releases.ts'

const member = fileURLToPath(new URL('fixtures/member.mjs', import.meta.url))

/** Milliseconds. For what hangs: the machine may be busy. */
const PATIENCE = 60_000

export interface StageOptions {
  /** Names without a host, the first of which serves the EPMD. Every one publishes, calls and stores. */
  readonly members: readonly string[]
  /** Dashboards, by name of the member; ports are kept over restarts. */
  readonly dashboards: Readonly<Record<string, Omit<DashboardOptions, 'port'>>>
  /** Names of processes, topics and keys on every member. */
  readonly texts: readonly string[]
  /** Members that are visible. Default: none. */
  readonly visible?: readonly string[]
  /** Bytes that pass between two members, five times a second. Default: none. */
  readonly loads?: readonly { readonly from: string; readonly to: string; readonly bytes: number }[]
}

/** A cluster of processes, with dashboards. */
export class Stage implements AsyncDisposable {
  readonly epmdPort: number
  readonly #options: StageOptions
  readonly #ports: Readonly<Record<string, number>>
  readonly #processes = new Map<string, OsProcess>()
  readonly #others: OtpNode[] = []

  private constructor(options: StageOptions, epmdPort: number, ports: Readonly<Record<string, number>>) {
    this.#options = options
    this.epmdPort = epmdPort
    this.#ports = ports
  }

  static async open(options: StageOptions): Promise<Stage> {
    const ports: Record<string, number> = {}
    for (const name of Object.keys(options.dashboards)) ports[name] = await freePort()
    const stage = new Stage(options, await freePort(), ports)
    try {
      for (const name of options.members) await stage.start(name)
      for (const process of stage.#processes.values()) await process.waitForOutput(/^stored/, { timeout: PATIENCE })
    } catch (error) {
      await stage[Symbol.asyncDispose]()
      throw error
    }
    return stage
  }

  /** The address of a member's dashboard. */
  url(name: string): string {
    return `http://127.0.0.1:${this.#ports[name]}/`
  }

  /** Starts a member, once more after it was killed, and waits until it is up. */
  async start(name: string): Promise<void> {
    const { dashboards, loads = [], members, texts, visible = [] } = this.#options
    const names = members.map((other) => `${other}@127.0.0.1`)
    const options = {
      name: `${name}@127.0.0.1`,
      epmdPort: this.epmdPort,
      connectTo: names,
      dashboard: dashboards[name] === undefined ? undefined : { ...dashboards[name], port: this.#ports[name] },
      texts,
      visible: visible.includes(name),
      loads: loads.filter(({ from }) => from === name).map(({ to, bytes }) => ({ to: `${to}@127.0.0.1`, bytes })),
      functionsFrom: names,
    }
    const process = startNodeProcess([member, JSON.stringify(options)])
    this.#processes.set(name, process)
    await process.waitForOutput(/^ready/, { timeout: PATIENCE })
  }

  /** No goodbye. */
  async kill(name: string): Promise<void> {
    const process = this.#processes.get(name)
    process?.kill('SIGKILL')
    await process?.exited
  }

  /** Adds a node of the BEAM, which joins. */
  async join(language: 'erlang' | 'elixir', name: string, release: Release): Promise<OtpNode> {
    const options = { name: `${name}@127.0.0.1`, epmdPort: this.epmdPort, release }
    const node = language === 'erlang' ? await startErl(options) : await startElixir(options)
    // Hidden nodes introduce nobody to each other: those of the BEAM do it themselves.
    const peers = [`${this.#options.members[0]}@127.0.0.1`, ...this.#others.map((other) => other.name)]
    this.#others.push(node)
    for (const peer of peers) {
      await node.eval(language === 'erlang' ? `net_kernel:connect_node('${peer}')` : `Node.connect(:"${peer}")`)
    }
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const other of this.#others.splice(0)) await other[Symbol.asyncDispose]()
    for (const process of this.#processes.values()) await process[Symbol.asyncDispose]()
  }
}
