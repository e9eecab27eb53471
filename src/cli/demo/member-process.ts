import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MemberOrder, MemberReport, StoreOrder } from './messages.ts'
import { Watched } from './watch.ts'

/** Where and as what a node of the demo starts. */
export interface MemberOptions {
  readonly name: string
  readonly cookie: string
  readonly epmdPort: number
  /** The one node it is told of. */
  readonly connectTo: string
  /** Where it shows the cluster, if it does. */
  readonly dashboardPort?: number
  readonly signal: AbortSignal
}

/** One node of the demo, in a process of its own. */
export class MemberProcess {
  readonly name: string
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  readonly #watched = new Watched()
  readonly #connected = new Set<string>()
  readonly #heard = new Map<string, number>()
  readonly #answers = new Map<number, MemberReport>()
  readonly #lastReasons = new Map<string, string>()
  #started: Extract<MemberReport, { type: 'started' }> | undefined
  #end: string | undefined
  #complaints = ''
  #orders = 0

  constructor({ name, cookie, epmdPort, connectTo, dashboardPort, signal }: MemberOptions) {
    this.name = name
    this.#signal = signal
    const program = fileURLToPath(new URL(`./member${extname(import.meta.url)}`, import.meta.url))
    this.#child = fork(
      program,
      [name, String(epmdPort), connectTo, ...(dashboardPort === undefined ? [] : [String(dashboardPort)])],
      {
        env: { ...process.env, TSUNAGI_COOKIE: cookie, ERL_EPMD_ADDRESS: '' },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    )
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2000)
    })
    this.#child.on('message', (report: MemberReport) => this.#take(report))
    this.exited = new Promise((resolve) => {
      const gone = (how: string): void => {
        this.#end = how
        this.#watched.changed()
        resolve()
      }
      this.#child.once('error', (error) => gone(error.message))
      this.#child.once('exit', (code, by) => gone(by === null ? `exit code ${code}` : `signal ${by}`))
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How it ended: `signal SIGKILL`; undefined while it runs. */
  get end(): string | undefined {
    return this.#end
  }

  /** The nodes it is connected to. */
  get connected(): ReadonlySet<string> {
    return this.#connected
  }

  /** The last temperature it heard of each node. */
  get temperatures(): ReadonlyMap<string, number> {
    return this.#heard
  }

  /** Resolves with its port, whether it serves the EPMD, and where its dashboard is, when the node is up. */
  started(): Promise<Extract<MemberReport, { type: 'started' }>> {
    return this.#until(() => this.#started, `for ${this.name} to start`)
  }

  /** Resolves when it is connected to all of these. */
  async sees(names: readonly string[]): Promise<void> {
    const look = (): true | undefined => (names.every((name) => this.#connected.has(name)) ? true : undefined)
    await this.#until(look, `for ${this.name} to connect to ${names.join(' and ')}`)
  }

  /** Resolves with the reason when it has lost a node. */
  lost(name: string): Promise<string> {
    const look = (): string | undefined => (this.#connected.has(name) ? undefined : this.#lastReasons.get(name))
    return this.#until(look, `for ${this.name} to notice that ${name} is gone`)
  }

  /** Begins to publish temperatures, and resolves when it heard some of all these nodes. */
  async measures(names: readonly string[]): Promise<void> {
    await this.#order({ do: 'measure', id: ++this.#orders })
    const look = (): true | undefined => (names.every((name) => this.#heard.has(name)) ? true : undefined)
    await this.#until(look, `for ${this.name} to hear temperatures of ${names.join(' and ')}`)
  }

  /** Calls a GenServer and resolves with its reply. */
  call(node: string, name: string, term: string): Promise<string> {
    return this.#order({ do: 'call', id: ++this.#orders, node, name, term })
  }

  /** Opens the store that all share; resolves when it is there. */
  async share(nodes: readonly string[], loader?: string): Promise<void> {
    await this.#order({ do: 'share', id: ++this.#orders, nodes, ...(loader === undefined ? {} : { loader }) })
  }

  /** The value of a key, or `term` if nobody has one; with what happened: `computed` or `found`. */
  get(key: string, term: string): Promise<string> {
    return this.#order({ do: 'get', id: ++this.#orders, key, term })
  }

  /** The value of a key, as soon as this node has one. */
  awaited(key: string): Promise<string> {
    return this.#order({ do: 'await', id: ++this.#orders, key })
  }

  put(key: string, term: string): Promise<string> {
    return this.#order({ do: 'put', id: ++this.#orders, key, term })
  }

  /** Calls a function with a list of arguments; makes it if nobody has. */
  apply(fn: 'sum' | 'fahrenheit', term: string): Promise<string> {
    return this.#order({ do: 'apply', id: ++this.#orders, fn, term })
  }

  /** SIGKILL: no chance to say goodbye. Resolves when the process is gone. */
  kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    return this.exited
  }

  async #order(order: MemberOrder | StoreOrder): Promise<string> {
    this.#child.send(order)
    const what = `for ${this.name} to ${order.do}${'name' in order ? ` to ${order.name} on ${order.node}` : ''}`
    const report = await this.#until(() => this.#answers.get(order.id), what)
    if (report.type === 'failed') throw new Error(`${this.name}: ${report.error}`)
    return report.type === 'done' ? report.answer : ''
  }

  #take(report: MemberReport): void {
    switch (report.type) {
      case 'started':
        this.#started = report
        break
      case 'nodeup':
        this.#connected.add(report.node)
        break
      case 'nodedown':
        this.#connected.delete(report.node)
        this.#lastReasons.set(report.node, report.reason)
        break
      case 'heard':
        this.#heard.set(report.node, report.celsius)
        break
      default:
        this.#answers.set(report.id, report)
    }
    this.#watched.changed()
  }

  #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const alive = (): T | undefined => {
      if (this.#end === undefined) return look()
      throw new Error(`${this.name} ended unexpectedly (${this.#end})\n${this.#complaints}`.trimEnd())
    }
    return this.#watched.until(alive, what, this.#signal)
  }
}
