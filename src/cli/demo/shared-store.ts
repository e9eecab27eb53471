import type { Store } from '../../store/store.ts'
import { parse, print, type Term } from '../../term/index.ts'
import type { TsunagiNode } from '../../tsunagi.ts'
import type { StoreOrder } from './messages.ts'

/** Longer than the demo waits. */
const wait = { timeout: 60_000 }

/** Their sources go to the other nodes. */
const FUNCTIONS = {
  sum: (a: number, b: number): number => a + b,
  fahrenheit: (celsius: number): number => (celsius * 9) / 5 + 32,
}

/** What a node of the demo does with the store that all of them share. */
export class SharedStore {
  readonly #node: TsunagiNode

  constructor(node: TsunagiNode) {
    this.#node = node
  }

  async obey(order: StoreOrder): Promise<string> {
    switch (order.do) {
      case 'share': {
        const { loader, nodes } = order
        await this.#node
          .store({ ...(loader === undefined ? {} : { loader }), functions: { from: nodes } })
          .ready({ nodes: this.#node.nodes().length, ...wait })
        return 'ok'
      }
      case 'get':
        return this.#tried((made) => this.#store.get(order.key, () => made(parse(order.term)), wait))
      case 'apply': {
        const args = parse(order.term) as unknown as never
        return this.#tried((made) => this.#store.call(order.fn, args, () => made(FUNCTIONS[order.fn]), wait))
      }
      case 'put':
        // Less than the demo waits: it may be about to fail.
        await this.#store.put(order.key, parse(order.term), { timeout: 20_000 })
        return 'ok'
      case 'await':
        for await (const event of this.#store.watch(order.key)) if (event.type === 'put') return print(event.value)
        throw new Error('the store was closed')
    }
  }

  get #store(): Store {
    return this.#node.store()
  }

  async #tried(work: (made: <T>(what: T) => T) => Promise<Term>): Promise<string> {
    let how = 'found'
    const value = await work((what) => {
      how = 'computed'
      return what
    })
    return `${how} ${print(value)}`
  }
}
