import { OptionError, TsunagiError } from '../base/errors.ts'
import type { StoreHost } from './engine.ts'
import { Store } from './store.ts'
import type { ResolvedStoreOptions } from './store-options.ts'
import { resolveStoreOptions, type StoreOptions, sameStoreOptions, storeName } from './store-options.ts'
import type { ServerHost } from './store-server.ts'

/** The stores of a node that are open, by their names. */
export class Stores {
  readonly #host: StoreHost & ServerHost
  readonly #open = new Map<string, { readonly store: Store; readonly options: ResolvedStoreOptions }>()
  #closed = false

  constructor(host: StoreHost & ServerHost) {
    this.#host = host
    // A loader hands over while there are links.
    host.serviceHost.closeFirst(() => this.close())
  }

  /** @throws OptionError; TsunagiError `ERR_CLOSED`, `ERR_NAME_TAKEN`, `ERR_UNSUPPORTED`; see `node.store` */
  get(given: StoreOptions | undefined): Store {
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the node ${this.#host.name} is closed`)
    const name = storeName(given ?? {})
    const there = this.#open.get(name)
    const asksNothing = given === undefined || Object.keys(given).every((option) => option === 'name')
    if (there !== undefined && asksNothing) return there.store
    const options = resolveStoreOptions(given ?? {}, this.#host.serviceHost.terms)
    if (there === undefined) return this.#add(options)
    if (sameStoreOptions(options, there.options)) return there.store
    throw new OptionError('options', given, `the same options as before for the store ${name}`)
  }

  /** Those that are open. */
  list(): Store[] {
    return Array.from(this.#open.values(), ({ store }) => store)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#open.values(), ({ store }) => store.close()))
  }

  #add(options: ResolvedStoreOptions): Store {
    const store = new Store(options, this.#host, () => this.#open.delete(options.name))
    this.#open.set(options.name, { store, options })
    return store
  }
}
