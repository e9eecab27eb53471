import { pause } from '../pause.ts'
import { MemberProcess } from './member-process.ts'
import type { Stage } from './stage.ts'

/** What a demo needs to begin. */
export interface CastOptions {
  readonly cookie: string
  readonly epmdPort: number
  readonly signal: AbortSignal
}

/** A process of a demo. */
interface Actor {
  readonly exited: Promise<void>
  kill(): Promise<void>
}

/** The processes of a demo, and where it is told. None of them outlives it. */
export class Cast {
  readonly stage: Stage
  readonly options: CastOptions
  readonly #running = new Set<Actor>()

  constructor(stage: Stage, options: CastOptions) {
    this.stage = stage
    this.options = options
  }

  /** The next step, with a moment for the reader. */
  async begin(step: string, title: string, lines: readonly string[] = []): Promise<void> {
    if (this.stage.slow) await pause(1200, this.options.signal)
    this.stage.step(step, title, lines)
    if (this.stage.slow) await pause(600, this.options.signal)
  }

  /** Starts a node that is told of one other; with a port, it shows the cluster there. */
  async start(name: string, connectTo: string, dashboardPort?: number): Promise<MemberProcess> {
    const shows = dashboardPort === undefined ? {} : { dashboardPort }
    const member = new MemberProcess({ name, connectTo, ...shows, ...this.options })
    this.add(member)
    const { port, servesEpmd } = await member.started()
    this.stage.say(
      name,
      `process ${member.pid}, port ${port}${servesEpmd ? `; serves the EPMD on port ${this.options.epmdPort}` : ''}`,
    )
    return member
  }

  /** Each is connected to all others, and to the guests. */
  async allSee(members: readonly MemberProcess[], guests: readonly string[] = []): Promise<void> {
    await Promise.all(
      members.map(async (member) => {
        const others = [...members.map(({ name }) => name).filter((name) => name !== member.name), ...guests]
        await member.sees(others)
        this.stage.say(member.name, `connected to ${others.join(', ')}`)
      }),
    )
  }

  /** SIGKILL. */
  async kill(actor: Actor): Promise<void> {
    this.forget(actor)
    await actor.kill()
  }

  /** One more that has to end with the demo. */
  add(actor: Actor): void {
    this.#running.add(actor)
  }

  /** One that ends by itself. */
  forget(actor: Actor): void {
    this.#running.delete(actor)
  }

  /** Ends every process that still runs; resolves when they are gone. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.#running, (it) => it.kill()))
  }
}
