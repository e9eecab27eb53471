import { OptionError, TsunagiError } from '../../base/errors.ts'
import { checkNodeName } from '../../base/node-name.ts'
import { fn as checkFunction, knownOnly } from '../../base/options.ts'
import type { Process } from '../../process/process.ts'
import type { ServerRef } from '../../process/server-ref.ts'
import { type Atom, atom, ExternalFun, Pid, type Term } from '../../term/index.ts'
import { WAIT_OPTIONS, type WaitOptions, withLimits } from '../waiting.ts'
import type { GlobalService } from './global-service.ts'
import { LockClient } from './lock-client.ts'
import { type LockId, serverRequest } from './requests.ts'
import { STANDARD_METHODS, type StandardMethod, standardMethod } from './resolve.ts'

/**
 * What decides which of two processes keeps a name, when two parts of the cluster meet and both have it:
 *
 * - `'random_exit_name'` (default): one of them keeps it, the other is killed.
 * - `'random_notify_name'`: one keeps it, the other gets the message `{global_name_conflict, Name}`.
 * - `'notify_all_name'`: nobody keeps it, both get `{global_name_conflict, Name, OtherPid}`.
 * - `[Module, Function]` or an `ExternalFun` of arity 3: a function of a BEAM module that is loaded on every BEAM node,
 *   or one exposed with three parameters on every node of this package. It gets the name and both pids and returns one of
 *   them, or `none`.
 */
export type Resolve = StandardMethod | readonly [module: string, name: string] | ExternalFun

/** Options of `registerName` and `reRegisterName`. */
export interface RegisterNameOptions {
  readonly resolve?: Resolve
  /** Gives up waiting for the cluster's lock; it rejects with the signal's reason, and nothing was registered. */
  readonly signal?: AbortSignal | undefined
}

/** Options of locks. */
export interface LockOptions {
  /** The nodes to lock. Default: this one and all connected visible ones. */
  readonly nodes?: readonly string[]
  /** How often to try again when another requester has the lock. Default: for ever. */
  readonly retries?: number
  /** Gives up; it rejects with the signal's reason, and nothing is locked. */
  readonly signal?: AbortSignal | undefined
  /**
   * The process that holds the lock: with its end the lock is free. Default: this node, so that the lock lasts until it is
   * deleted or the node goes.
   */
  readonly process?: Process
}

/** Options of `trans`. */
export interface TransOptions extends Omit<LockOptions, 'process'> {
  /** Requesters that are equal share the lock. Default: one that no other transaction has. */
  readonly requester?: Term
}

/**
 * Global names and locks: `global` of OTP, for nodes started with `visible: true`. On a hidden node every method throws
 * `ERR_NOT_VISIBLE`, or rejects with it; ask a BEAM node there: `node.rpc('b@host', 'global', 'whereis_name', [name])`.
 *
 * A name can be any term. It belongs to one process of the cluster, and goes when that ends or its node is gone.
 */
export class Global {
  readonly #service: GlobalService | undefined

  constructor(service: GlobalService | undefined) {
    this.#service = service
  }

  /**
   * Gives a name to a process of any node, in the whole cluster. When it resolves all nodes know it.
   *
   * @returns `'no'` when the name is taken, or the process has a global name already.
   * @throws TsunagiError `ERR_NOT_VISIBLE`, `ERR_CLOSED`; OptionError.
   */
  async registerName(name: Term, process: Pid | ServerRef, options: RegisterNameOptions = {}): Promise<'yes' | 'no'> {
    const service = this.#running()
    const { signal } = options
    const method = methodOf(options)
    const pid = pidOf(process)
    return await service.registrar.run(async (client, nodes) => {
      if (service.whereis(name) !== undefined || !service.mayName(name, pid)) return 'no'
      await client.ask(nodes, serverRequest.register(name, pid, method))
      return 'yes'
    }, signal)
  }

  /** Gives a name to a process, whoever has it now. Otherwise as {@link Global.registerName}. */
  async reRegisterName(name: Term, process: Pid | ServerRef, options: RegisterNameOptions = {}): Promise<'yes'> {
    const service = this.#running()
    const method = methodOf(options)
    const pid = pidOf(process)
    return await service.registrar.run(async (client, nodes) => {
      await client.ask(nodes, serverRequest.register(name, pid, method))
      return 'yes' as const
    }, options.signal)
  }

  /** Takes a name away, in the whole cluster. Nothing happens when nobody has it. */
  async unregisterName(name: Term, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const service = this.#running()
    knownOnly(options, ['signal'])
    if (service.whereis(name) === undefined) return
    await service.registrar.run(async (client, nodes) => {
      await client.ask(nodes, serverRequest.unregister(name))
    }, options.signal)
  }

  /** The process that has a name. What is not known here yet, right after a connect, comes with {@link Global.sync}. */
  whereisName(name: Term): Pid | undefined {
    return this.#running().whereis(name)
  }

  /** All names. */
  registeredNames(): Term[] {
    return this.#running()
      .state.names.entries()
      .map(({ name }) => name)
  }

  /**
   * Sends a message to the process that has a name, and answers its pid.
   *
   * @throws TsunagiError `ERR_NOPROC` when nobody has the name, `ERR_LINK_FULL`, `ERR_ENCODE`.
   */
  send(name: Term, message: Term): Pid {
    const service = this.#running()
    const pid = service.whereis(name)
    if (pid === undefined) throw new TsunagiError('ERR_NOPROC', `nobody is registered globally as ${String(name)}`)
    service.host.processes.send(pid, message)
    return pid
  }

  /**
   * Resolves when this node has the same names as all visible nodes it is connected to, or as `nodes`. Those that cannot be
   * reached do not count.
   *
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 5000).
   */
  async sync(options: WaitOptions & { readonly nodes?: readonly string[] } = {}): Promise<void> {
    const service = this.#running()
    knownOnly(options, ['nodes', ...WAIT_OPTIONS])
    const { nodes, ...limits } = options
    const names = nodes === undefined ? service.peers() : nodesOf(nodes)
    const { server, state } = service
    let cancel = (): void => {}
    let forget = (): void => {}
    const synced = new Promise<void>((resolve, reject) => {
      forget = state.onClose(() => reject(new TsunagiError('ERR_CLOSED', 'the node is closed')))
      cancel = server.sync(names, resolve)
    })
    try {
      await withLimits(synced, state.clock, limits, 'the names were not in sync')
    } finally {
      cancel()
      forget()
    }
  }

  /**
   * Sets a lock on a resource. Resolves to false when another requester has it and the retries are used up. Requesters that
   * are equal share it: each process that set it must delete it.
   *
   * The resource `global` guards the names; leave it alone.
   */
  async setLock(resource: Term, requester: Term, options: LockOptions = {}): Promise<boolean> {
    const { client, nodes } = this.#locker(options)
    return await client.set({ resource, requester }, nodes, options)
  }

  /** Deletes a lock that {@link Global.setLock} has set, with the same `nodes` and `process`. */
  async delLock(resource: Term, requester: Term, options: Pick<LockOptions, 'nodes' | 'process'> = {}): Promise<void> {
    const { client, nodes } = this.#locker(options)
    await client.delete({ resource, requester }, nodes)
  }

  /**
   * Runs a function while a resource is locked, and resolves to what it returns; to `'aborted'` when the retries are used
   * up. The lock is held by a process of its own, which the function gets: with its end the lock is free, whatever the
   * function still does, and this rejects with `ExitError`.
   */
  async trans<T>(
    resource: Term,
    run: (holder: Process) => T | PromiseLike<T>,
    options: TransOptions = {},
  ): Promise<T | 'aborted'> {
    const service = this.#running()
    checkFunction(run, 'run')
    knownOnly(options, ['requester', 'nodes', 'retries', 'signal'])
    const { requester, ...lock } = options
    return await new Promise((resolve, reject) => {
      service.host.processes.spawn(async (holder) => {
        holder.signal.addEventListener('abort', () => reject(holder.signal.reason))
        try {
          const { client, nodes } = this.#locker({ ...lock, process: holder })
          const id: LockId = { resource, requester: requester === undefined ? holder.pid : requester }
          if (!(await client.set(id, nodes, lock))) return resolve('aborted')
          try {
            resolve(await run(holder))
          } finally {
            await client.delete(id, nodes)
          }
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /**
   * Cuts the connections to all nodes of the cluster, in such a way that they stay connected among each other. Whom this
   * node is told to stay connected to it dials again. Answers the names.
   */
  disconnect(): string[] {
    const service = this.#running()
    const nodes = service.peers()
    service.server.partitions.disconnectAll(nodes)
    return nodes.map(({ name }) => name)
  }

  #locker(options: LockOptions): { client: LockClient; nodes: Atom[] } {
    const service = this.#running()
    knownOnly(options, ['nodes', 'retries', 'signal', 'process'])
    const { nodes, process, retries } = options
    if (retries !== undefined && !(retries >= 0)) throw new OptionError('retries', retries, 'a number of attempts')
    const asker = process ?? service.host.processes
    const targets = nodes === undefined ? [service.host.self, ...service.peers()] : nodesOf(nodes)
    return { client: new LockClient(service.state.lockHost, asker), nodes: targets }
  }

  #running(): GlobalService {
    if (this.#service?.state.closed === true) throw new TsunagiError('ERR_CLOSED', 'the node is closed')
    if (this.#service !== undefined) return this.#service
    const reason =
      'global names and locks are for visible nodes: start this one with `visible: true`, or ask a BEAM node'
    throw new TsunagiError('ERR_NOT_VISIBLE', `${reason} by rpc`)
  }
}

function methodOf(options: RegisterNameOptions): ExternalFun {
  knownOnly(options, ['resolve', 'signal'])
  const { resolve = 'random_exit_name' } = options
  if (resolve instanceof ExternalFun && resolve.arity === 3) return resolve
  if (typeof resolve === 'string' && STANDARD_METHODS.includes(resolve)) return standardMethod(resolve)
  if (Array.isArray(resolve) && resolve.length === 2 && resolve.every((name) => typeof name === 'string')) {
    const [module, name] = resolve as unknown as readonly [string, string]
    return new ExternalFun(atom(module), atom(name), 3)
  }
  const expected = `one of ${STANDARD_METHODS.join(', ')}, or [module, function], or an ExternalFun of arity 3`
  throw new OptionError('resolve', resolve, expected)
}

function pidOf(process: Pid | ServerRef): Pid {
  const pid = process instanceof Pid ? process : process?.pid
  if (!(pid instanceof Pid)) throw new OptionError('process', process, 'a pid')
  return pid
}

function nodesOf(nodes: readonly string[]): Atom[] {
  if (!Array.isArray(nodes)) throw new OptionError('nodes', nodes, 'a list of node names')
  return nodes.map((name: unknown, i) => atom(checkNodeName(name, `nodes[${i}]`).full))
}
