import { randomInt, randomUUID } from 'node:crypto'
import type { Timer } from '../../../base/clock.ts'
import { OptionError, TsunagiError } from '../../../base/errors.ts'
import { withLimits } from '../../../node/waiting.ts'
import type { ServiceProcess } from '../../../process/service-process.ts'
import { type Atom, atom, isTuple, type Term, tuple } from '../../../term/index.ts'
import type {
  Applied,
  Command,
  EngineContext,
  EngineStatus,
  Entry,
  LeaseOptions,
  LeaseOutcome,
  ReadyOptions,
  StoreEngine,
  SubmitOptions,
} from '../../engine.ts'
import { FrozenValues } from '../../frozen-values.ts'
import type { Action, ReplicaOptions } from '../../replication/action.ts'
import { ChangeQueue } from '../../replication/change-queue.ts'
import type { Message } from '../../replication/messages.ts'
import { OpenReplica } from '../../replication/open-replica.ts'
import type { Replica } from '../../replication/replica.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'
import { VoterReplica } from '../../replication/voter-replica.ts'
import { StoreError } from '../../store-error.ts'
import { Admission } from './admission.ts'
import { DirectoryLock } from './directory-lock.ts'
import { Disk } from './disk.ts'
import { DiskWriter } from './disk-writer.ts'
import { OwnCalls } from './own-calls.ts'
import { packMessage, unpackMessage } from './pack-message.ts'
import { PackError } from './packer.ts'

/** What is sent between stores: `{tsunagi_store, 1, Bytes}`, the bytes as `pack-message.ts` has it. */
const TAG = atom('tsunagi_store')
const PROTOCOL = 1
const SHUTDOWN = atom('shutdown')
/** Changes of a replaced table that are told in one turn. */
const CHANGES_AT_ONCE = 2000
const LOG_BOUNDS = { entries: 65_536, bytes: 64 * 1024 * 1024 }

/**
 * Drives a replica over the links of a node: its messages, its timers, its disk, and those who wait for it. What happens in
 * a turn of the event loop is sent, and saved, at its end.
 */
export class MeshEngine implements StoreEngine {
  readonly #context: EngineContext
  readonly #replica: Replica
  readonly #reader: ValueReader
  readonly #worker: ServiceProcess
  readonly #name: Atom
  readonly #unfollow: () => void
  readonly #lock: DirectoryLock | undefined
  readonly #writer: DiskWriter | undefined
  readonly #changes: ChangeQueue
  readonly #admission: Admission
  readonly #calls: OwnCalls
  readonly #ready = new Set<() => void>()
  /** Nodes that the log has told of, once for each connection. */
  readonly #estranged = new Set<string>()
  #flushing = false
  #tick: Timer | undefined
  #closed: Promise<void> | undefined

  /** @throws OptionError; TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; StoreError `ERR_STORE_LOCKED`; an error of the file system */
  constructor(context: EngineContext) {
    const { host, observer, options } = context
    checkOptions(context)
    this.#context = context
    this.#reader = new FrozenValues(context.terms)
    this.#name = atom(`${context.name}.mesh`)
    this.#changes = new ChangeQueue({
      change: ({ key, entry, previous, version, cause }, source) =>
        observer.change?.({ key, entry, previous, version, cause, source }),
      conflict: (conflict) => observer.conflict?.(conflict),
    })
    this.#admission = new Admission(context, this.#reader, host.serviceHost.limits.storeRequests, {
      admitted: (peer, request) =>
        this.#handle((now) => this.#replica.receive(peer, { kind: 'submit', requests: [request] }, now)),
      refused: (...refusal) => this.#handle(() => this.#replica.refuseRequest(...refusal)),
    })
    this.#worker = host.serviceHost.serve(this.#name.name, { binaries: 'bytes' }, (message, peer) => {
      if (peer !== undefined) this.#receive(message, peer.name)
    })
    try {
      const { directory, sync } = options
      this.#lock = directory === undefined ? undefined : DirectoryLock.take(directory)
      const opened = directory === undefined ? undefined : Disk.open(directory, sync, this.#reader)
      this.#writer = opened && this.#writerOf(opened.disk)
      this.#replica = this.#open(opened?.saved)
      if (opened?.damage !== undefined) {
        const why = 'what is on the disk is damaged; it was set aside, and nothing of it is used'
        context.logger.error({ err: opened.damage, directory }, `store ${context.name}: ${why}`)
      }
    } catch (error) {
      this.#lock?.release()
      this.#worker.end(SHUTDOWN)
      throw error
    }
    this.#calls = new OwnCalls(context, this.#replica, (event) => this.#handle(event))
    this.#unfollow = host.serviceHost.follow({
      up: (peer) => this.#handle((now) => this.#replica.peerUp(peer.name, now)),
      down: (peer) => {
        this.#estranged.delete(peer.name)
        this.#handle((now) => this.#replica.peerDown(peer.name, now))
      },
    })
    this.#scheduleTick(0)
  }

  get size(): number {
    return this.#replica.table.size
  }

  read(key: string): Entry | undefined {
    return this.#replica.table.read(key)
  }

  entries(): Iterable<readonly [string, Entry]> {
    return this.#replica.table.entries()
  }

  async ready({ nodes = 0, ...limits }: ReadyOptions = {}): Promise<void> {
    let check = (): void => {}
    const enough = new Promise<void>((resolve) => {
      check = () => {
        if (this.#closed !== undefined || (this.#isReady && this.#replica.nodes.length >= nodes)) resolve()
      }
      this.#ready.add(check)
      check()
    })
    try {
      const what = `the store ${this.#context.name} was not ready (${this.#replica.role})`
      await withLimits(enough, this.#context.clock, limits, what)
    } finally {
      this.#ready.delete(check)
    }
    this.#checkOpen()
  }

  /** Readers have been told of all that it is ready with. */
  get #isReady(): boolean {
    return this.#replica.ready && this.#changes.isEmpty
  }

  async submit(command: Command, options: SubmitOptions = {}): Promise<Applied> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    const writes = this.#calls.writes(command)
    // Whoever orders it asks; if that is another node, it does so itself.
    if (this.#replica.leads) await this.#admission.admitOwn(command)
    this.#checkOpen()
    return this.#calls.submit(writes, options, undefined)
  }

  async lease(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome> {
    this.#checkOpen()
    return this.#calls.lease(key, options)
  }

  status(): EngineStatus {
    const { role, loader, currentEpoch, table, nodes } = this.#replica
    const isClosed = this.#closed !== undefined
    return {
      role: isClosed ? 'closed' : role,
      loader: isClosed ? undefined : loader,
      epoch: currentEpoch.epoch,
      sequence: table.position.sequence,
      nodes: isClosed ? [] : [this.#context.host.name, ...nodes],
      size: table.size,
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#unfollow()
    this.#tick?.cancel()
    const now = this.#context.clock.now()
    this.#replica.flush(now)
    this.#replica.close(now)
    this.#act()
    this.#calls.close(this.#closedError())
    for (const check of this.#ready) check()
    this.#worker.end(SHUTDOWN)
    try {
      await this.#writer?.close()
    } finally {
      this.#lock?.release()
    }
  }

  #open(saved: ReturnType<typeof Disk.open>['saved']): Replica {
    const { clock, host, options, trusts, wallClock } = this.#context
    const { storeRequests, storeRequestBytes, storeLeases } = host.serviceHost.limits
    const wall = Math.floor(wallClock())
    const replicaOptions: ReplicaOptions = {
      self: host.name,
      client: `${host.name}#${randomUUID()}`,
      loader: options.loader,
      heartbeat: options.heartbeat,
      lease: options.lease,
      wallOffset: wallClock() - clock.now(),
      durable: options.directory !== undefined && options.members?.includes(host.name) !== false,
      bounds: LOG_BOUNDS,
      limits: { requests: storeRequests, requestBytes: storeRequestBytes, leases: storeLeases },
      reader: this.#reader,
      heeds: (key, peer) => !this.#admission.isGuarded(key) || trusts?.(peer) !== false,
      // Never the same twice, whatever the clock says.
      incarnation: Math.max(1, wall) * 1024 + randomInt(1024),
    }
    const replica =
      options.members === undefined
        ? new OpenReplica({ ...replicaOptions, born: Math.max(0, wall) }, saved)
        : new VoterReplica({ ...replicaOptions, members: options.members }, saved)
    // Those of what was on the disk: nobody listens yet.
    replica.actions = []
    return replica
  }

  #writerOf(disk: Disk): DiskWriter {
    const { logger, name, observer, options } = this.#context
    return new DiskWriter(disk, {
      image: () => this.#replica.image,
      saved: (id) => this.#handle((now) => this.#replica.saved(id, now)),
      failed: (cause) => {
        const why = cause instanceof Error ? cause.message : String(cause)
        logger.error({ err: cause, directory: options.directory }, `store ${name}: the disk failed: ${why}`)
        this.#handle((now) => this.#replica.diskFailed(now))
        observer.failed?.(new StoreError('ERR_STORE_DISK', `${options.directory}: ${why}`, { cause }))
      },
    })
  }

  // What happens.

  #handle(event: (now: number) => void): void {
    if (this.#closed !== undefined) return
    event(this.#context.clock.now())
    this.#act()
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      if (this.#closed !== undefined) return
      this.#changes.tell(CHANGES_AT_ONCE)
      this.#replica.flush(this.#context.clock.now())
      this.#act()
      if (this.#replica.busy || !this.#changes.isEmpty) this.#flushSoon()
      if (this.#ready.size > 0) for (const check of [...this.#ready]) check()
    })
  }

  #scheduleTick(delay: number): void {
    const { clock, options } = this.#context
    this.#tick = clock.after(delay, () => {
      this.#handle((now) => {
        this.#replica.tick(now)
        this.#calls.giveUpLate(now)
      })
      if (this.#closed === undefined) this.#scheduleTick(options.heartbeat / 4)
    })
  }

  #receive(message: Term, peer: string): void {
    if (this.#closed !== undefined) return
    if (!isTuple(message) || message.length !== 3 || message[0] !== TAG || message[1] !== PROTOCOL) return
    const bytes = message[2]
    if (!(bytes instanceof Uint8Array)) return
    let unpacked: Message
    try {
      unpacked = unpackMessage(bytes, this.#reader)
    } catch (error) {
      if (!(error instanceof PackError)) throw error
      return this.#estrange(peer, `what it sends is no message: ${error.message}`)
    }
    this.#handle((now) => {
      if (unpacked.kind !== 'submit') return this.#replica.receive(peer, unpacked, now)
      // Those that are asked about come when they are admitted.
      const requests = unpacked.requests.filter((request) => !this.#admission.concerns(request))
      if (requests.length > 0) this.#replica.receive(peer, { kind: 'submit', requests }, now)
      if (requests.length === unpacked.requests.length || !this.#replica.leads) return
      for (const request of unpacked.requests) if (this.#admission.concerns(request)) this.#admission.ask(peer, request)
    })
  }

  #act(): void {
    const replica = this.#replica
    while (replica.actions.length > 0) {
      const { actions } = replica
      replica.actions = []
      for (const action of actions) this.#do(action)
    }
    this.#writer?.start()
  }

  #do(action: Action): void {
    switch (action.kind) {
      case 'send':
        return this.#send(action.to, action.message)
      case 'save':
        return this.#writer?.add(action)
      case 'settled':
        return this.#calls.settled(action.request, action.outcome)
      case 'refused':
        return this.#calls.refused(action.request, action.code, action.message)
      case 'lease':
        return this.#calls.leased(action.request, action.verdict)
      case 'lease-lost':
        return this.#calls.leaseLost(action.request)
      case 'change':
      case 'replaced':
      case 'conflict':
        return this.#changes.add(action)
      case 'loader':
        return this.#context.observer.loader?.(action.name)
      case 'estranged':
        this.#estrange(action.peer, action.why)
    }
  }

  #send(to: string, message: Message): void {
    const link = this.#context.host.serviceHost.linkTo(atom(to))
    if (link === undefined) return
    try {
      link.send.sendToName(this.#worker.pid, this.#name, tuple(TAG, PROTOCOL, packMessage(message)))
    } catch (error) {
      if (!(error instanceof TsunagiError)) throw error
      // Something is missing now, so that nothing that follows makes sense: both begin anew.
      const { logger, name } = this.#context
      logger.warn({ err: error, node: to }, `store ${name}: cannot reach ${to}: ${error.message}`)
      this.#handle((now) => this.#replica.peerDown(to, now))
      this.#context.clock.after(this.#context.options.heartbeat, () => {
        if (this.#context.host.serviceHost.isConnected(atom(to))) this.#handle((now) => this.#replica.peerUp(to, now))
      })
    }
  }

  #estrange(peer: string, why: string): void {
    const { logger, name } = this.#context
    if (!this.#estranged.has(peer)) {
      this.#estranged.add(peer)
      logger.warn({ node: peer }, `store ${name}: ${peer} takes no part: ${why}`)
    }
    this.#handle((now) => this.#replica.peerDown(peer, now))
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closedError()
  }

  #closedError(): TsunagiError {
    return new TsunagiError('ERR_CLOSED', `the store ${this.#context.name} is closed`)
  }
}

function checkOptions({ options }: EngineContext): void {
  const { loader, members, heartbeat, lease } = options
  if (lease < 3 * heartbeat) throw new OptionError('lease', lease, 'at least three heartbeats')
  if (members === undefined || loader === undefined) return
  for (const name of loader) {
    if (!members.includes(name)) throw new OptionError('loader', name, 'one of the members')
  }
}
