import type { Cast } from './cast.ts'
import type { MemberProcess } from './member-process.ts'

const APP1 = 'app1@127.0.0.1'
const APP2 = 'app2@127.0.0.1'
const APP3 = 'app3@127.0.0.1'
const APP4 = 'app4@127.0.0.1'
const ALL = [APP1, APP2, APP3, APP4]

/** The demo of Clustorage: three nodes share values and functions, and `app1` is the loader; then what it could not do. */
export class StoreStory {
  readonly #cast: Cast

  constructor(cast: Cast) {
    this.#cast = cast
  }

  async tell(): Promise<void> {
    const cast = this.#cast
    await cast.begin('start', 'Three programs share a store', ['app1 is the loader: it puts all writes in one order.'])
    const app1 = await this.#start(APP1, APP2)
    const app2 = await this.#start(APP2, APP1)
    const app3 = await this.#start(APP3, APP1)
    await cast.allSee([app1, app2, app3])

    await cast.begin('get', "store.get('hello', () => atom('world'))", ['Computed once; every other node has it then.'])
    await this.#get(app2, 'computed world')
    await this.#get(app1, 'found world')
    await this.#get(app3, 'found world')

    await cast.begin('call', "store.call('sum', [1, 4], () => (a, b) => a + b)", [
      'Its source goes to every node, which compiles it and runs it itself.',
    ])
    await this.#sum(app3, '[1,4]', 'computed 5')
    await this.#sum(app1, '[31,82]', 'found 113')

    await cast.begin('late', 'A fourth program comes later', ['It gets all there is before it is ready.'])
    const app4 = await this.#start(APP4, APP2)
    await this.#get(app4, 'found world')
    await this.#sum(app4, '[2,3]', 'found 5')

    await this.#withoutLoader([app2, app3, app4], app1)
  }

  async #withoutLoader(others: readonly MemberProcess[], app1: MemberProcess): Promise<void> {
    const cast = this.#cast
    const [app2, app3] = others as [MemberProcess, MemberProcess]
    await cast.begin('kill', 'app1 is killed with SIGKILL', ['Nobody may take its place: it was named as the loader.'])
    await cast.kill(app1)
    await Promise.all(others.map((it) => it.lost(APP1)))
    await this.#get(app2, 'found world')
    const refused = await app3.put('more', '1').then(
      () => 'written',
      (error: Error) => error.message,
    )
    if (refused === 'written') throw new Error('a write was taken although the loader is gone')
    cast.stage.say(APP3, `put('more', 1) -> ${refused.replace(/^.*?: /, '')}`)

    await cast.begin('heal', 'app1 is started again', ['It has nothing, and gets all there is from the others.'])
    const again = await this.#start(APP1, APP2)
    cast.stage.say(APP1, `peek('hello') -> ${await again.awaited('hello')}`)
    await app3.put('more', '1')
    cast.stage.say(APP3, "put('more', 1) -> ok")
    await Promise.all(
      [again, ...others].map(async (it) => cast.stage.say(it.name, `peek('more') -> ${await it.awaited('more')}`)),
    )
  }

  async #start(name: string, connectTo: string): Promise<MemberProcess> {
    const member = await this.#cast.start(name, connectTo)
    await member.share(ALL, APP1)
    return member
  }

  async #get(member: MemberProcess, expected: string): Promise<void> {
    this.#check(member, await member.get('hello', 'world'), expected, "get('hello')")
  }

  async #sum(member: MemberProcess, args: string, expected: string): Promise<void> {
    this.#check(member, await member.apply('sum', args), expected, `call('sum', ${args})`)
  }

  #check(member: MemberProcess, answer: string, expected: string, what: string): void {
    if (answer !== expected) throw new Error(`${what} on ${member.name}: ${answer} instead of ${expected}`)
    const [how, value] = answer.split(' ')
    this.#cast.stage.say(member.name, `${what} -> ${value}${how === 'computed' ? ', made here' : ''}`)
  }
}
