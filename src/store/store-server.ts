import { setMaxListeners } from 'node:events'
import { TsunagiError } from '../base/errors.ts'
import type { LocalNode } from '../node/local-node.ts'
import type { From } from '../process/from.ts'
import { noReply } from '../process/gen-server.ts'
import type { Process } from '../process/process.ts'
import type { ServiceProcess } from '../process/service-process.ts'
import { atom, isTuple, Pid, type Term, tuple } from '../term/index.ts'
import type { Store } from './store.ts'
import type { ResolvedStoreOptions } from './store-options.ts'
import { failed, StoreRequests } from './store-requests.ts'
import type { WatchEvent } from './store-watch.ts'

/** What the server of a store needs of the node. */
export type ServerHost = Pick<LocalNode, 'drained' | 'expose' | 'exit' | 'serviceHost' | 'spawn'>

/** Watches that others may have at once. */
const MAX_WATCHES = 10_000

const OK = atom('ok')
const WATCH = atom('watch')
const UNWATCH = atom('unwatch')
const BAD_REQUEST = tuple(atom('error'), tuple(atom('ERR_INVALID_OPTION'), 'no request of a store: see docs/store.md'))

/**
 * A store for those who do not speak its own protocol: a GenServer under the store's name, and a module of the same name
 * for `:erpc`. See {@link StoreRequests} for what can be asked. In addition:
 *
 * | request | answer |
 * |---|---|
 * | `{watch, Key}`, `{watch, {prefix, Prefix}}`, `watch` | `{ok, Watch}`, a pid. It sends the caller `{tsunagi_store, Watch, {put, Key, Value, Version}}` for what is there, then `{tsunagi_store, Watch, synced}`, and then changes, `{put, …}` and `{delete, Key, Version}` |
 * | `{unwatch, Watch}` | `ok` |
 *
 * A watch ends with the caller, and with the store: monitor it.
 */
export class StoreServer {
  readonly #store: Store
  readonly #host: ServerHost
  readonly #requests: StoreRequests
  readonly #service: ServiceProcess
  readonly #exposure: AsyncDisposable
  /** The keys of their pids. */
  readonly #watches = new Set<string>()
  readonly #closing = new AbortController()

  /** @throws TsunagiError `ERR_NAME_TAKEN` */
  constructor(store: Store, { access, name, terms }: ResolvedStoreOptions, host: ServerHost) {
    this.#store = store
    this.#host = host
    // Each watch listens to it.
    setMaxListeners(0, this.#closing.signal)
    this.#requests = new StoreRequests(store, access === 'read')
    this.#service = host.serviceHost.serve(name, terms, () => {})
    this.#service.callHandler = (request, from) => this.#answer(request, from)
    const ask = (fn: string, ...args: readonly Term[]): unknown =>
      this.#requests.answer(args.length === 0 ? atom(fn) : tuple(atom(fn), ...args)) ?? BAD_REQUEST
    const exposed = (fn: string, ...arity: number[]) => ({ arity, call: (...args: Term[]) => ask(fn, ...args) })
    try {
      this.#exposure = host.expose(
        name,
        {
          get: exposed('get', 1),
          entry: exposed('entry', 1),
          has: exposed('has', 1),
          keys: exposed('keys', 0, 1),
          put: exposed('put', 2, 3),
          delete: exposed('delete', 1),
          call: exposed('call', 2),
        },
        { terms },
      )
    } catch (error) {
      this.#service.end(atom('normal'))
      throw error
    }
  }

  close(): void {
    this.#closing.abort()
    void this.#exposure[Symbol.asyncDispose]()
    this.#service.end(atom('shutdown'))
  }

  #answer(request: Term, from: From): Term | typeof noReply {
    if (request === WATCH) return this.#watch({}, from)
    if (isTuple(request) && request.length === 2) {
      const [name, argument] = request
      if (name === WATCH) return this.#watchOf(argument, from)
      if (name === UNWATCH) return this.#unwatch(argument)
    }
    const answer = this.#requests.answer(request) ?? BAD_REQUEST
    if (!(answer instanceof Promise)) return answer
    void answer.then((answer) => this.#reply(from, answer))
    return noReply
  }

  /** A value of ours that the caller's node cannot be sent is its failure, not ours. */
  #reply(from: From, answer: Term): void {
    try {
      from.reply(answer)
    } catch (error) {
      from.reply(failed(error))
    }
  }

  #watchOf(argument: Term, from: From): Term {
    const isPrefix = isTuple(argument) && argument.length === 2 && argument[0] === atom('prefix')
    try {
      if (!isPrefix) return this.#watch({ key: argument }, from)
      const prefix = (argument as readonly Term[])[1]
      return typeof prefix === 'string' ? this.#watch({ prefix }, from) : BAD_REQUEST
    } catch (error) {
      return failed(error)
    }
  }

  #watch(scope: { readonly key?: Term; readonly prefix?: string }, from: From): Term {
    if (this.#watches.size >= MAX_WATCHES)
      return failed(new TsunagiError('ERR_LIMIT', `there are ${MAX_WATCHES} watches already`))
    const { signal } = this.#closing
    const events =
      scope.key === undefined
        ? this.#store.watch({ prefix: scope.prefix ?? '', signal })
        : this.#store.watch(scope.key as string, { signal })
    const watcher = this.#host.spawn(async (self) => {
      self.monitor(from.pid)
      // Its one message is that the caller is gone.
      const end = (): void => void events.return()
      void self.receive().then(end, end)
      try {
        for await (const event of events) await this.#send(self, from.pid, eventTerm(event))
      } finally {
        events.close()
        this.#watches.delete(self.pid.key)
      }
    })
    this.#watches.add(watcher.key)
    return tuple(OK, watcher)
  }

  #unwatch(watcher: Term): Term {
    if (watcher instanceof Pid && this.#watches.has(watcher.key)) this.#host.exit(watcher, atom('shutdown'))
    return OK
  }

  async #send(self: Process, to: Pid, event: Term): Promise<void> {
    if (self.send(to, tuple(atom('tsunagi_store'), self.pid, event))) return
    await this.#host.drained(to.node, { signal: self.signal, timeout: Number.POSITIVE_INFINITY })
  }
}

function eventTerm(event: WatchEvent): Term {
  if (event.type === 'synced') return atom('synced')
  const { key, version } = event
  if (event.type === 'delete') return tuple(atom('delete'), key, version.toString())
  return tuple(atom('put'), key, event.value, version.toString())
}
