import type { Command, Delete, EngineContext, Put } from '../../engine.ts'
import type { RefusalCode, Request } from '../../replication/messages.ts'
import type { Operation, Write } from '../../replication/operation.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'

/** Where requests go that were asked about. */
export interface AdmissionHost {
  admitted(peer: string, request: Request): void
  refused(peer: string, request: number, code: RefusalCode, message: string): void
}

/** Asks the store about writes of guarded keys, before the loader orders them. */
export class Admission {
  readonly #context: Pick<EngineContext, 'admit' | 'guarded' | 'host'>
  readonly #reader: ValueReader
  readonly #limit: number
  readonly #host: AdmissionHost
  /** How many requests of each peer are being asked about. */
  readonly #asking = new Map<string, number>()

  /** `limit`: how many requests of one peer may be asked about at once. */
  constructor(
    context: Pick<EngineContext, 'admit' | 'guarded' | 'host'>,
    reader: ValueReader,
    limit: number,
    host: AdmissionHost,
  ) {
    this.#context = context
    this.#reader = reader
    this.#limit = limit
    this.#host = host
  }

  isGuarded(key: string): boolean {
    const { guarded } = this.#context
    return guarded !== undefined && key.startsWith(guarded)
  }

  /** Whether a request has to be asked about. */
  concerns({ operation }: Request): boolean {
    return operation.kind === 'write' && operation.writes.some(({ key }) => this.isGuarded(key))
  }

  /** Holds a request of a peer back until it is admitted, or refused. */
  ask(peer: string, request: Request): void {
    const asking = this.#asking.get(peer) ?? 0
    if (asking >= this.#limit) {
      return this.#host.refused(peer, request.request, 'ERR_LIMIT', 'too many writes of this node are under way')
    }
    this.#asking.set(peer, asking + 1)
    const { writes } = request.operation as Extract<Operation, { kind: 'write' }>
    this.#admitWrites(writes, peer)
      .finally(() => {
        const left = (this.#asking.get(peer) ?? 1) - 1
        if (left === 0) this.#asking.delete(peer)
        else this.#asking.set(peer, left)
      })
      .then(
        () => this.#host.admitted(peer, request),
        (error: unknown) => {
          const why = error instanceof Error ? error.message : String(error)
          this.#host.refused(peer, request.request, 'ERR_STORE_REFUSED', why)
        },
      )
  }

  /** Asks about a command of this node. */
  async admitOwn(command: Command): Promise<void> {
    for (const write of command.kind === 'batch' ? command.writes : [command]) {
      if (this.isGuarded(write.key)) await this.#context.admit?.(write, this.#context.host.name)
    }
  }

  async #admitWrites(writes: readonly Write[], peer: string): Promise<void> {
    for (const { key, bytes } of writes) {
      if (!this.isGuarded(key)) continue
      const command: Put | Delete =
        bytes === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: this.#reader.read(bytes).value }
      await this.#context.admit?.(command, peer)
    }
  }
}
