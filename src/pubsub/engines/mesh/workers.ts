import { TsunagiError } from '../../../base/errors.ts'
import type { PgScope } from '../../../node/pg/pg-scope.ts'
import type { ServiceHandler, ServiceProcess } from '../../../process/service-process.ts'
import { atom, type Pid } from '../../../term/index.ts'
import type { EngineContext } from '../../engine.ts'
import { type GroupNames, MAX_POOL } from './groups.ts'

const SHUTDOWN = atom('shutdown')

/**
 * The processes of this node that other nodes send broadcasts to: one in each group, registered under its name, which is
 * where direct broadcasts go. Those who only publish have a single one without a name, to send from.
 */
export class Workers {
  readonly #context: EngineContext
  readonly #scope: PgScope
  readonly #names: GroupNames
  readonly #handler: ServiceHandler
  readonly #processes: ServiceProcess[] = []
  #size = 0

  /** @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; nothing is left of it then */
  constructor(
    context: EngineContext,
    where: { readonly scope: PgScope; readonly names: GroupNames; readonly poolSize: number },
    handler: ServiceHandler,
  ) {
    this.#context = context
    this.#scope = where.scope
    this.#names = where.names
    this.#handler = handler
    if (context.options.publishOnly) {
      this.#processes.push(context.host.serviceHost.serve(undefined, {}, () => {}))
      return
    }
    try {
      this.#serve(0)
      this.#listen(where.poolSize)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** In whose name this node sends. */
  get pid(): Pid {
    return (this.#processes[0] as ServiceProcess).pid
  }

  /** A peer has a pool of this size: what it broadcasts to its last member must be heard here, too. */
  follow(size: number): void {
    if (this.#size === 0 || size <= this.#size || size > MAX_POOL) return
    try {
      this.#listen(size)
    } catch (error) {
      // Some process of the user's has the name of a group.
      if (!(error instanceof TsunagiError)) throw error
      const { logger, name } = this.#context
      logger.warn({ err: error, pubsub: name }, `pub/sub ${name}: cannot listen on a pool of ${size}: ${error.message}`)
    }
  }

  /** Nobody sends here any more; what is sent from here still goes out. */
  leave(): void {
    if (this.#size === 0) return
    this.#size = 0
    for (const { name, pid } of this.#processes) if (!this.#scope.closed) this.#scope.leave(atom(name as string), pid)
  }

  close(): void {
    for (const worker of this.#processes.splice(0)) worker.end(SHUTDOWN)
  }

  #listen(size: number): void {
    while (this.#size < size) this.#serve(++this.#size)
  }

  #serve(member: number): void {
    const group = member === 0 ? this.#names.first : this.#names.numbered(member)
    const { host, terms } = this.#context
    const worker = host.serviceHost.serve(group.name, terms, this.#handler)
    this.#processes.push(worker)
    this.#scope.join(group, worker.pid)
  }
}
