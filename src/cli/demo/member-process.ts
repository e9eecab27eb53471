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
  readonly #received: string[] = []
  readonly #answers = new Map<number, MemberReport>()
  readonly #lastReasons = new Map<string, string>()
  #started: Extract<MemberReport, { type: 'started' }> | undefined
  #end: string | undefined
  #complaints = ''
  #orders = 0

  constructor({ name, cookie, epmdPort, connectTo, signal }: MemberOptions) {
    this.name = name
    this.#signal = signal
    const program = fileURLToPath(new URL(`./member${extname(import.meta.url)}`, import.meta.url))
    this.#child = fork(program, [name, String(epmdPort), connectTo], {
      env: { ...process.env, TSUNAGI_COOKIE: cookie, ERL_EPMD_ADDRESS: '' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
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

  /** The nodes it is connected to. */
  get connected(): ReadonlySet<string> {
    return this.#connected
  }

  /** Resolves with its port, and whether it serves the EPMD, when the node is up. */
  started(): Promise<{ readonly port: number; readonly servesEpmd: boolean }> {
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

  /** Resolves when its inbox got a message. */
  async received(message: string): Promise<void> {
    const look = (): true | undefined => (this.#received.includes(message) ? true : undefined)
    await this.#until(look, `for ${this.name} to receive ${message}`)
  }

  /** Sends a term to a registered process. */
  async send(node: string, name: string, term: string): Promise<void> {
    await this.#order({ do: 'send', id: ++this.#orders, node, name, term })
  }

  /** Calls a GenServer and resolves with its reply. */
  call(node: string, name: string, term: string): Promise<string> {
    return this.#order({ do: 'call', id: ++this.#orders, node, name, term })
  }

  /** Opens the store that all share; resolves when it is there. */
  async share(loader: string, nodes: readonly string[]): Promise<void> {
    await this.#order({ do: 'share', id: ++this.#orders, loader, nodes })
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

  /** Calls the function `sum` with a list of arguments; makes it if nobody has. */
  sum(term: string): Promise<string> {
    return this.#order({ do: 'sum', id: ++this.#orders, term })
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
      case 'received':
        this.#received.push(report.message)
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
