import { ErlangNode } from './erlang.ts'
import { MemberProcess } from './member-process.ts'
import type { Stage } from './stage.ts'
import { pause } from './watch.ts'

const HARU = 'haru@127.0.0.1'
const NATSU = 'natsu@127.0.0.1'
const AKI = 'aki@127.0.0.1'
const FUYU = 'fuyu@127.0.0.1'

/** What the demo needs to begin. */
export interface StoryOptions {
  readonly cookie: string
  readonly epmdPort: number
  readonly signal: AbortSignal
}

/** The demo, step by step. Each step waits for the events it tells of, and throws when they do not come. */
export class Story {
  readonly #stage: Stage
  readonly #options: StoryOptions
  readonly #running = new Set<{ readonly exited: Promise<void>; kill(): Promise<void> }>()

  constructor(stage: Stage, options: StoryOptions) {
    this.#stage = stage
    this.#options = options
  }

  async tell(): Promise<void> {
    await this.#begin('start', 'Three programs start, each a node of its own', [
      'haru is told of natsu, natsu of haru, aki of natsu. Nobody is told of everybody.',
    ])
    const haru = await this.#startAndTell(HARU, NATSU)
    const natsu = await this.#startAndTell(NATSU, HARU)
    const aki = await this.#startAndTell(AKI, NATSU)

    await this.#begin('mesh', 'They become a mesh', ['natsu tells aki and haru of each other.'])
    await this.#allSee([haru, natsu, aki])

    await this.#begin('send', 'A message to a registered process on another node')
    await haru.send(AKI, 'inbox', '{hello, <<"from haru">>}')
    await aki.received('{hello,<<"from haru">>}')
    this.#stage.say(aki.name, 'inbox received {hello,<<"from haru">>}')

    await this.#begin('call', 'A call to a GenServer, which counts')
    await this.#count(haru, 2, '2')
    await this.#count(aki, 3, '5')

    const again = await this.#heal(haru, natsu, aki)
    await this.#erlang([again, natsu, aki])
  }

  /** Ends every process that still runs; resolves when they are gone. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.#running, (it) => it.kill()))
  }

  async #heal(haru: MemberProcess, natsu: MemberProcess, aki: MemberProcess): Promise<MemberProcess> {
    await this.#begin('kill', 'haru is killed with SIGKILL', [
      'No goodbye, and the EPMD goes with it: another node takes that over.',
    ])
    this.#running.delete(haru)
    await haru.kill()
    await Promise.all(
      [natsu, aki].map(async (it) => this.#stage.say(it.name, `nodedown ${HARU} (${await it.lost(HARU)})`)),
    )
    this.#stage.say(natsu.name, `still connected to ${[...natsu.connected].join(', ')}`)

    await this.#begin('heal', 'haru is started again', ['The others have been trying to reach it ever since.'])
    const again = await this.#startAndTell(HARU, NATSU)
    await this.#allSee([again, natsu, aki])
    await this.#count(again, 4, '9')
    return again
  }

  async #erlang(members: readonly MemberProcess[]): Promise<void> {
    const { cookie, epmdPort, signal } = this.#options
    const fuyu = await ErlangNode.start({ name: FUYU, cookie, epmdPort, counter: NATSU, signal })
    if (fuyu === undefined) {
      this.#stage.note('With Erlang installed (`erl`), a real Erlang node would join here.')
      return
    }
    this.#running.add(fuyu)
    await this.#begin('erlang', 'A real Erlang node joins', [`erl -name ${FUYU}, with nothing added to it`])
    this.#stage.say(FUYU, `gen_server:call({counter, '${NATSU}'}, {add, 10}) -> ${await fuyu.printed('called')}`)
    await this.#allSee(members, [FUYU])
    await members[0]?.send(FUYU, 'demo', '{hello, <<"from haru">>}')
    this.#stage.say(FUYU, `received: ${await fuyu.printed('received')}`)
    await fuyu.exited
    this.#running.delete(fuyu)
    await Promise.all(members.map((it) => it.lost(FUYU)))
    this.#stage.say(FUYU, 'has ended, and all three noticed')
  }

  async #begin(step: string, title: string, lines: readonly string[] = []): Promise<void> {
    if (this.#stage.slow) await pause(1200, this.#options.signal)
    this.#stage.step(step, title, lines)
    if (this.#stage.slow) await pause(600, this.#options.signal)
  }

  async #startAndTell(name: string, connectTo: string): Promise<MemberProcess> {
    const member = new MemberProcess({ name, connectTo, ...this.#options })
    this.#running.add(member)
    const { port, servesEpmd } = await member.started()
    this.#stage.say(
      name,
      `process ${member.pid}, port ${port}${servesEpmd ? `; serves the EPMD on port ${this.#options.epmdPort}` : ''}`,
    )
    return member
  }

  /** Each is connected to all others, and to the guests. */
  async #allSee(members: readonly MemberProcess[], guests: readonly string[] = []): Promise<void> {
    await Promise.all(
      members.map(async (member) => {
        const others = [...members.map(({ name }) => name).filter((name) => name !== member.name), ...guests]
        await member.sees(others)
        this.#stage.say(member.name, `connected to ${others.join(', ')}`)
      }),
    )
  }

  async #count(caller: MemberProcess, amount: number, expected: string): Promise<void> {
    const reply = await caller.call(NATSU, 'counter', `{add, ${amount}}`)
    if (reply !== expected) throw new Error(`the counter on natsu answered ${reply} instead of ${expected}`)
    this.#stage.say(caller.name, `call({ name: 'counter', node: '${NATSU}' }, {add, ${amount}}) -> ${reply}`)
  }
}
