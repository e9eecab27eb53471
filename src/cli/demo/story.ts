import { BeamNode } from './beam.ts'
import type { Cast } from './cast.ts'
import type { MemberProcess } from './member-process.ts'

const HARU = 'haru@127.0.0.1'
const NATSU = 'natsu@127.0.0.1'
const AKI = 'aki@127.0.0.1'
const FUYU = 'fuyu@127.0.0.1'
const ALL = [HARU, NATSU, AKI]

/** Whom each node of the demo is told of: one other. */
const TOLD: Readonly<Record<string, string>> = { [HARU]: NATSU, [NATSU]: HARU, [AKI]: NATSU }

/** The demo, step by step. Each step waits for the events it tells of, and throws when they do not come. */
export class Story {
  readonly #cast: Cast
  readonly #dashboardPort: number
  readonly #dashboard: (url: string) => Promise<void>

  /**
   * @param dashboardPort a free port
   * @param dashboard is told where the cluster is to be seen, and the story goes on when it is done
   */
  constructor(cast: Cast, dashboardPort: number, dashboard: (url: string) => Promise<void>) {
    this.#cast = cast
    this.#dashboardPort = dashboardPort
    this.#dashboard = dashboard
  }

  /** Resolves with the nodes, when all is well and they are left alone. */
  async tell(): Promise<readonly MemberProcess[]> {
    const cast = this.#cast
    await cast.begin('start', 'Three programs start, each a node of its own', [
      'haru is told of natsu, natsu of haru, aki of natsu. Nobody is told of everybody.',
    ])
    // The first one serves the EPMD.
    const haru = await this.start(HARU)
    const [natsu, aki] = await Promise.all([this.start(NATSU), this.start(AKI)])
    const members = [haru, natsu, aki]
    await cast.allSee(members)
    const { dashboard } = await natsu.started()
    if (dashboard !== undefined) await this.#dashboard(dashboard)

    await cast.begin('publish', 'Each publishes a temperature, and hears those of all', [
      "node.pubsub('Demo.PubSub').broadcast('temperatures', tuple(atom('temperature'), 21.5))",
    ])
    await Promise.all(members.map((it) => it.measures(ALL)))
    for (const member of members) cast.stage.say(member.name, temperatures(member))

    await cast.begin('call', 'They call a GenServer on natsu, which counts')
    await this.#count(haru, 2, '2')
    await this.#count(aki, 3, '5')
    await this.#store(haru, natsu, aki)

    const again = await this.#heal(haru, natsu, aki)
    await this.#beam([again, natsu, aki])
    return [again, natsu, aki]
  }

  /** Starts one of them, by its name. */
  start(name: string): Promise<MemberProcess> {
    return this.#cast.start(name, TOLD[name] as string, name === NATSU ? this.#dashboardPort : undefined)
  }

  async #store(haru: MemberProcess, natsu: MemberProcess, aki: MemberProcess): Promise<void> {
    const { begin, stage } = { begin: this.#cast.begin.bind(this.#cast), stage: this.#cast.stage }
    await begin('store', 'They share values: what nobody has is computed, once', [
      "store.get('forecast', () => 'sunny')",
    ])
    await Promise.all([haru, natsu, aki].map((it) => it.share(ALL)))
    for (const member of [haru, natsu, aki]) {
      const [how, value] = split(await member.get('forecast', '<<"sunny">>'))
      stage.say(member.name, `get('forecast') -> ${value}${how === 'computed' ? ', computed here' : ''}`)
    }
    await begin('function', 'And functions: the source goes to every node, which runs it itself', [
      "store.call('fahrenheit', [20], () => (celsius) => (celsius * 9) / 5 + 32)",
    ])
    for (const [member, celsius] of [
      [aki, 20],
      [haru, 25],
    ] as const) {
      const [how, value] = split(await member.apply('fahrenheit', `[${celsius}]`))
      stage.say(
        member.name,
        `call('fahrenheit', [${celsius}]) -> ${value}${how === 'computed' ? ', defined here' : ''}`,
      )
    }
  }

  async #heal(haru: MemberProcess, natsu: MemberProcess, aki: MemberProcess): Promise<MemberProcess> {
    const { stage } = this.#cast
    await this.#cast.begin('kill', `haru is killed: kill -9 ${haru.pid}`, [
      'No goodbye, and the EPMD goes with it: another node takes that over.',
    ])
    await this.#cast.kill(haru)
    await Promise.all([natsu, aki].map(async (it) => stage.say(it.name, `nodedown ${HARU} (${await it.lost(HARU)})`)))
    stage.say(natsu.name, `still connected to ${[...natsu.connected].join(', ')}`)

    await this.#cast.begin('heal', 'haru is started again', ['The others have been trying to reach it ever since.'])
    const again = await this.start(HARU)
    await this.#cast.allSee([again, natsu, aki])
    await this.join(again)
    stage.say(HARU, `get('forecast') -> ${plain(await again.awaited('forecast'))}, from the others`)
    await this.#count(again, 4, '9')
    return again
  }

  /** Takes part in all that goes on. */
  async join(member: MemberProcess): Promise<void> {
    await Promise.all([member.share(ALL), member.measures(ALL)])
  }

  async #beam(members: readonly MemberProcess[]): Promise<void> {
    const { cookie, epmdPort, signal } = this.#cast.options
    await this.#cast.begin('beam', 'And with Elixir or Erlang: a node of theirs joins')
    const options = { name: FUYU, cookie, epmdPort, counter: NATSU, signal }
    const fuyu = await BeamNode.start(options, (node) => this.#cast.add(node))
    if (fuyu === undefined) {
      this.#cast.stage.say(FUYU, 'is not here: neither `elixir` nor `erl` is installed')
      return
    }
    this.#cast.stage.say(FUYU, `${fuyu.language}, with nothing added: ${fuyu.call} -> ${await fuyu.printed('called')}`)
    const [natsu] = members.filter(({ name }) => name === NATSU)
    await natsu?.sees([FUYU])
    this.#cast.stage.say(NATSU, `connected to ${FUYU}`)
  }

  async #count(caller: MemberProcess, amount: number, expected: string): Promise<void> {
    const reply = await caller.call(NATSU, 'counter', `{add, ${amount}}`)
    if (reply !== expected) throw new Error(`the counter on natsu answered ${reply} instead of ${expected}`)
    this.#cast.stage.say(caller.name, `call({ name: 'counter', node: '${NATSU}' }, {add, ${amount}}) -> ${reply}`)
  }
}

/** `haru 21.4 °C, natsu 19.8 °C`: what a node heard last. */
export function temperatures({ temperatures: heard }: MemberProcess): string {
  const each = [...heard].sort(([a], [b]) => ALL.indexOf(a) - ALL.indexOf(b))
  return each.map(([node, celsius]) => `${node.split('@')[0]} ${celsius.toFixed(1)} °C`).join(', ')
}

/** What the store did, and the value. */
function split(answer: string): readonly [how: string, value: string] {
  const at = answer.indexOf(' ')
  return [answer.slice(0, at), plain(answer.slice(at + 1))]
}

/** Text as people write it: `sunny` for `<<"sunny">>`. */
function plain(term: string): string {
  return term.replace(/^<<"(.*)">>$/, "'$1'")
}
