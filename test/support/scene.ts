import { once } from 'node:events'
import { vi } from 'vitest'
import type { LocalNode, LocalNodeEvents } from '../../src/node/local-node.ts'
import type { Process, SpawnOptions } from '../../src/process/process.ts'
import { type StartOptions, startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { type Epmd, type OtpNode, type OtpOptions, startElixir, startEpmd, startErl } from './otp.ts'
import type { Release } from './releases.ts'

type ErlOptions = Omit<Extract<OtpOptions, { epmdPort: number | false }>, 'epmdPort' | 'release'> & {
  readonly epmdPort?: number | false
}

/** One of our nodes and what it logged. */
export type TestNode = TsunagiNode & { readonly log: LogBook }

let scenes = 0

/**
 * Nodes of both kinds around one real EPMD. Their cookie is `secret` unless said otherwise, their names are free in every
 * run, and all of them end with the scene, those that were started last first.
 */
export class Scene implements AsyncDisposable {
  readonly release: Release | undefined
  readonly epmd: Epmd
  readonly #owned: AsyncDisposable[] = []
  readonly #number = ++scenes
  #names = 0

  private constructor(release: Release | undefined, epmd: Epmd) {
    this.release = release
    this.epmd = epmd
    this.#owned.push(epmd)
  }

  static async open(release?: Release, { address = '127.0.0.1' } = {}): Promise<Scene> {
    return new Scene(release, await startEpmd(undefined, { address }))
  }

  get epmdPort(): number {
    return this.epmd.port
  }

  /** A name nobody has. */
  name(prefix: string, host = '127.0.0.1'): string {
    return `${prefix}${this.#number}n${++this.#names}@${host}`
  }

  /** Starts a node of ours in this process. */
  async node(options: StartOptions = {}): Promise<TestNode> {
    const log = new LogBook()
    const named = 'name' in options || 'sname' in options ? {} : { name: this.name('ts') }
    const epmd = { port: this.epmdPort, serve: false }
    const node = await startNode({ cookie: 'secret', epmd, logger: log, ...named, ...options })
    return this.own(Object.assign(node, { log }))
  }

  /** Starts `erl`. */
  async erl(options: ErlOptions = {}): Promise<OtpNode> {
    return this.own(await startErl(this.#complete('erl', options)))
  }

  /** Starts `elixir`. */
  async elixir(options: ErlOptions = {}): Promise<OtpNode> {
    return this.own(await startElixir(this.#complete('ex', options)))
  }

  /** Ends something with the scene. */
  own<T extends AsyncDisposable>(disposable: T): T {
    this.#owned.push(disposable)
    return disposable
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owned of this.#owned.splice(0).reverse()) await owned[Symbol.asyncDispose]()
  }

  #complete(prefix: string, options: ErlOptions): OtpOptions {
    const named = options.name === undefined && options.sname === undefined ? { name: this.name(prefix) } : {}
    const release = this.release === undefined ? {} : { release: this.release }
    return { epmdPort: this.epmdPort, ...release, ...named, ...options }
  }
}

/** The arguments of the next event of this kind about `peer`. Call it before what causes the event. */
export async function nextEvent<K extends 'nodeup' | 'nodedown' | 'connect-failed' | 'send-failed'>(
  node: LocalNode,
  event: K,
  peer: string,
): Promise<LocalNodeEvents[K]> {
  for (;;) {
    const args = (await once(node, event)) as LocalNodeEvents[K]
    if (args[0] === peer) return args
  }
}

/** A process of a node of ours that does nothing: the test receives and sends for it. */
export async function openProcess(node: LocalNode, options?: SpawnOptions): Promise<Process> {
  return await new Promise((resolve) => {
    node.spawn(async (self) => {
      resolve(self)
      await new Promise((end) => self.signal.addEventListener('abort', end))
    }, options)
  })
}

/** Waits until an expression has this value: for what happens in other nodes, of which no event tells us. */
export async function sees(otp: OtpNode, expression: string, value: string | RegExp): Promise<void> {
  const check = async (): Promise<void> => {
    const answer = await otp.eval(expression)
    if (typeof value === 'string' ? answer !== value : !value.test(answer)) {
      throw new Error(`${otp.name}: ${expression} is ${answer}, not ${value}`)
    }
  }
  await vi.waitFor(check, { timeout: 25_000, interval: 20 })
}
