import type { Cast } from './cast.ts'
import { ErlangNode } from './erlang.ts'
import type { MemberProcess } from './member-process.ts'

const HARU = 'haru@127.0.0.1'
const NATSU = 'natsu@127.0.0.1'
const AKI = 'aki@127.0.0.1'
const FUYU = 'fuyu@127.0.0.1'

/** The demo, step by step. Each step waits for the events it tells of, and throws when they do not come. */
export class Story {
  readonly #cast: Cast

  constructor(cast: Cast) {
    this.#cast = cast
  }

  async tell(): Promise<void> {
    await this.#cast.begin('start', 'Three programs start, each a node of its own', [
      'haru is told of natsu, natsu of haru, aki of natsu. Nobody is told of everybody.',
    ])
    const haru = await this.#cast.start(HARU, NATSU)
    const natsu = await this.#cast.start(NATSU, HARU)
    const aki = await this.#cast.start(AKI, NATSU)

    await this.#cast.begin('mesh', 'They become a mesh', ['natsu tells aki and haru of each other.'])
    await this.#cast.allSee([haru, natsu, aki])

    await this.#cast.begin('send', 'A message to a registered process on another node')
    await haru.send(AKI, 'inbox', '{hello, <<"from haru">>}')
    await aki.received('{hello,<<"from haru">>}')
    this.#cast.stage.say(aki.name, 'inbox received {hello,<<"from haru">>}')

    await this.#cast.begin('call', 'A call to a GenServer, which counts')
    await this.#count(haru, 2, '2')
    await this.#count(aki, 3, '5')

    const again = await this.#heal(haru, natsu, aki)
    await this.#erlang([again, natsu, aki])
  }

  async #heal(haru: MemberProcess, natsu: MemberProcess, aki: MemberProcess): Promise<MemberProcess> {
    await this.#cast.begin('kill', 'haru is killed with SIGKILL', [
      'No goodbye, and the EPMD goes with it: another node takes that over.',
    ])
    await this.#cast.kill(haru)
    await Promise.all(
      [natsu, aki].map(async (it) => this.#cast.stage.say(it.name, `nodedown ${HARU} (${await it.lost(HARU)})`)),
    )
    this.#cast.stage.say(natsu.name, `still connected to ${[...natsu.connected].join(', ')}`)

    await this.#cast.begin('heal', 'haru is started again', ['The others have been trying to reach it ever since.'])
    const again = await this.#cast.start(HARU, NATSU)
    await this.#cast.allSee([again, natsu, aki])
    await this.#count(again, 4, '9')
    return again
  }

  async #erlang(members: readonly MemberProcess[]): Promise<void> {
    const { cookie, epmdPort, signal } = this.#cast.options
    const fuyu = await ErlangNode.start({ name: FUYU, cookie, epmdPort, counter: NATSU, signal })
    if (fuyu === undefined) {
      this.#cast.stage.note('With Erlang installed (`erl`), a real Erlang node would join here.')
      return
    }
    this.#cast.add(fuyu)
    await this.#cast.begin('erlang', 'A real Erlang node joins', [`erl -name ${FUYU}, with nothing added to it`])
    this.#cast.stage.say(FUYU, `gen_server:call({counter, '${NATSU}'}, {add, 10}) -> ${await fuyu.printed('called')}`)
    await this.#cast.allSee(members, [FUYU])
    await members[0]?.send(FUYU, 'demo', '{hello, <<"from haru">>}')
    this.#cast.stage.say(FUYU, `received: ${await fuyu.printed('received')}`)
    await fuyu.exited
    this.#cast.forget(fuyu)
    await Promise.all(members.map((it) => it.lost(FUYU)))
    this.#cast.stage.say(FUYU, 'has ended, and all three noticed')
  }

  async #count(caller: MemberProcess, amount: number, expected: string): Promise<void> {
    const reply = await caller.call(NATSU, 'counter', `{add, ${amount}}`)
    if (reply !== expected) throw new Error(`the counter on natsu answered ${reply} instead of ${expected}`)
    this.#cast.stage.say(caller.name, `call({ name: 'counter', node: '${NATSU}' }, {add, ${amount}}) -> ${reply}`)
  }
}
