import { randomInt, randomUUID } from 'node:crypto'
import type { Timer } from '../../../base/clock.ts'
import { OptionError, TsunagiError } from '../../../base/errors.ts'
import { withLimits } from '../../../node/waiting.ts'
import type { ServiceProcess } from '../../../process/service-process.ts'
import { type Atom, atom, isTuple, type Term, tuple } from '../../../term/index.ts'
import { encodeValue } from '../../encode-value.ts'
import type {
  Applied,
  Command,
  Delete,
  EngineContext,
  EngineStatus,
  Entry,
  LeaseOptions,
  LeaseOutcome,
  Put,
  ReadyOptions,
  StoreEngine,
  SubmitOptions,
} from '../../engine.ts'
import { FrozenValues } from '../../frozen-values.ts'
import type { Action, ReplicaOptions } from '../../replication/action.ts'
import { ChangeQueue } from '../../replication/change-queue.ts'
import type { LeaseVerdict, Message } from '../../replication/messages.ts'
import { OpenReplica } from '../../replication/open-replica.ts'
import type { Operation, Outcome, Write } from '../../replication/operation.ts'
import type { Replica } from '../../replication/replica.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'
import { VoterReplica } from '../../replication/voter-replica.ts'
import { StoreError, type StoreErrorCode } from '../../store-error.ts'
import { Disk, type DiskSave } from './disk.ts'
import { HeldLease } from './held-lease.ts'
import { packMessage, unpackMessage } from './pack-message.ts'
import { PackError } from './packer.ts'

/** What is sent between stores: `{tsunagi_store, 1, Bytes}`, the bytes as `pack-message.ts` has it. */
const TAG = atom('tsunagi_store')
const PROTOCOL = 1
const SHUTDOWN = atom('shutdown')
const HOLD = 30_000
/** Bytes of the values that are written in one step. */
const MOST_BYTES = 64 * 1024 * 1024
/** Requests of this node under way at once. */
const MOST_REQUESTS = 1_000_000
/** Changes of a replaced table that are told in one turn. */
const CHANGES_AT_ONCE = 2000
const LOG_BOUNDS = { entries: 65_536, bytes: 64 * 1024 * 1024 }

/** Somebody who waits for an answer. A class, since every write makes one: smaller than closures. */
class Waiting<T> {
  readonly key: string | undefined
  readonly timeout: number
  /** By the clock; whoever waits long is told by the tick. */
  readonly until: number
  /** What a lease was asked for with. */
  hold = 0
  timer: Timer | undefined
  signal: AbortSignal | undefined
  onAbort: (() => void) | undefined
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void

  constructor(
    key: string | undefined,
    timeout: number,
    until: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.key = key
    this.timeout = timeout
    this.until = until
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(value: T): void {
    this.#done()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#done()
    this.#reject(error)
  }

  #done(): void {
    this.timer?.cancel()
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort)
  }
}

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
  readonly #disk: Disk | undefined
  readonly #changes: ChangeQueue
  readonly #requests = new Map<number, Waiting<Applied>>()
  readonly #leaseRequests = new Map<number, Waiting<LeaseOutcome>>()
  readonly #leases = new Map<number, HeldLease>()
  readonly #ready = new Set<() => void>()
  /** Nodes that the log has told of, once for each connection. */
  readonly #estranged = new Set<string>()
  #saves: (DiskSave & { readonly id: number })[] = []
  #saving: Promise<void> | undefined
  #request = 0
  #flushing = false
  #tick: Timer | undefined
  #failure: StoreError | undefined
  #closed: Promise<void> | undefined

  /** @throws OptionError; TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; an error of the file system */
  constructor(context: EngineContext) {
    const { host, options, clock } = context
    checkOptions(context)
    this.#context = context
    this.#reader = new FrozenValues(context.terms)
    this.#name = atom(`${context.name}.mesh`)
    const opened =
      options.directory === undefined ? undefined : Disk.open(options.directory, options.sync, this.#reader)
    this.#disk = opened?.disk
    this.#changes = new ChangeQueue({
      change: (change, source) => context.observer.change?.({ ...change, source }),
      conflict: (conflict) => context.observer.conflict?.(conflict),
    })
    const { storeRequests, storeRequestBytes, storeLeases } = host.serviceHost.limits
    const wallOffset = context.wallClock() - clock.now()
    const replicaOptions: ReplicaOptions = {
      self: host.name,
      client: `${host.name}#${randomUUID()}`,
      loader: options.loader,
      heartbeat: options.heartbeat,
      lease: options.lease,
      wallOffset,
      durable: opened !== undefined && options.members?.includes(host.name) !== false,
      bounds: LOG_BOUNDS,
      limits: { requests: storeRequests, requestBytes: storeRequestBytes, leases: storeLeases },
      reader: this.#reader,
      heeds: (key, peer) => !this.#isGuarded(key) || context.trusts?.(peer) !== false,
      // Never the same twice, whatever the clock says.
      incarnation: Math.max(1, Math.floor(context.wallClock())) * 1024 + randomInt(1024),
    }
    this.#replica =
      options.members === undefined
        ? new OpenReplica({ ...replicaOptions, born: Math.max(0, Math.floor(context.wallClock())) }, opened?.saved)
        : new VoterReplica({ ...replicaOptions, members: options.members }, opened?.saved)
    // Those of what was on the disk: nobody listens yet.
    this.#replica.actions = []
    if (opened?.damage !== undefined) {
      const why = 'what is on the disk is damaged; it was set aside, and nothing of it is used'
      context.logger.error({ err: opened.damage, directory: options.directory }, `store ${context.name}: ${why}`)
    }
    this.#worker = host.serviceHost.serve(this.#name.name, { binaries: 'bytes' }, (message, peer) => {
      if (peer !== undefined) this.#receive(message, peer.name)
    })
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
    const writes = this.#writes(command)
    // Whoever orders it asks; if that is another node, it does so itself.
    if (this.#replica.leads) await this.#admit(command)
    return this.#submit({ kind: 'write', writes }, writes[0]?.key, options, undefined)
  }

  lease(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome> {
    const { hold = HOLD, newerThan, wait = true, timeout = 5000, signal } = options
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      signal?.throwIfAborted()
      const request = ++this.#request
      const waiting = this.#waiting<LeaseOutcome>(key, timeout, signal, resolve, reject, () => {
        this.#leaseRequests.delete(request)
        this.#handle((now) => this.#replica.endLease(request, undefined, now))
      })
      waiting.hold = hold
      this.#leaseRequests.set(request, waiting)
      const held = Math.min(2 ** 40, Math.max(1, Math.round(hold)))
      this.#handle(() =>
        this.#replica.requestLease({ kind: 'lease-request', request, key, hold: held, newerThan, wait }),
      )
    })
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
    const error = this.#closedError()
    for (const waiting of [...this.#requests.values(), ...this.#leaseRequests.values()]) waiting.reject(error)
    this.#requests.clear()
    this.#leaseRequests.clear()
    for (const lease of this.#leases.values()) lease.lose(error)
    this.#leases.clear()
    for (const check of this.#ready) check()
    this.#worker.end(SHUTDOWN)
    await this.#saving
    await this.#disk?.close()
  }

  // Requests of this node.

  #writes(command: Command): Write[] {
    const commands = command.kind === 'batch' ? command.writes : [command]
    const writes = commands.map((one) => this.#write(one))
    checkSize(writes)
    return writes
  }

  #write(command: Put | Delete): Write {
    const { key, expected } = command
    if (command.kind === 'delete') return { key, bytes: undefined, ttl: undefined, stale: 0, expected }
    const bytes = encodeValue(command.value, this.#context.terms)
    const ttl = command.ttl === undefined || command.ttl > 2 ** 43 ? undefined : Math.round(command.ttl)
    const stale = Math.min(2 ** 43, Math.round(command.stale ?? 0))
    return { key, bytes, ttl, stale, expected }
  }

  #submit(
    operation: Operation,
    key: string | undefined,
    { durability = this.#context.options.durability, timeout = 5000, signal }: SubmitOptions,
    lease: number | undefined,
  ): Promise<Applied> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      signal?.throwIfAborted()
      if (this.#requests.size >= MOST_REQUESTS) throw new TsunagiError('ERR_LIMIT', 'too many writes are under way')
      const request = ++this.#request
      const giveUp = (): void => {
        this.#requests.delete(request)
        this.#handle(() => this.#replica.forget(request))
      }
      this.#requests.set(request, this.#waiting<Applied>(key, timeout, signal, resolve, reject, giveUp))
      this.#handle(() => this.#replica.submit(request, operation, { durability, lease }))
    })
  }

  /** Long waits are looked after by the tick: most requests need no timer of their own. */
  #waiting<T>(
    key: string | undefined,
    timeout: number,
    signal: AbortSignal | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    giveUp: () => void,
  ): Waiting<T> {
    if (!(timeout >= 0)) throw new OptionError('timeout', timeout, 'milliseconds')
    const { clock, options } = this.#context
    const waiting = new Waiting<T>(key, timeout, clock.now() + timeout, resolve, reject)
    if (timeout < options.heartbeat * 2) {
      const late = (): void => {
        giveUp()
        waiting.reject(this.#late(timeout))
      }
      waiting.timer = clock.after(timeout, late, { keepAlive: true })
    }
    if (signal === undefined) return waiting
    waiting.signal = signal
    waiting.onAbort = () => {
      giveUp()
      waiting.reject(signal.reason)
    }
    signal.addEventListener('abort', waiting.onAbort, { once: true })
    return waiting
  }

  #giveUpLate(now: number): void {
    for (const [request, waiting] of this.#requests) {
      if (now < waiting.until) continue
      this.#requests.delete(request)
      this.#replica.forget(request)
      waiting.reject(this.#late(waiting.timeout))
    }
    for (const [request, waiting] of this.#leaseRequests) {
      if (now < waiting.until) continue
      this.#leaseRequests.delete(request)
      this.#replica.endLease(request, undefined, now)
      waiting.reject(this.#late(waiting.timeout))
    }
  }

  #late(timeout: number): Error {
    const { members } = this.#context.options
    if (this.#replica.loader !== undefined) {
      return new TsunagiError('ERR_TIMEOUT', `the store ${this.#context.name} did not answer within ${timeout} ms`)
    }
    const code = members === undefined ? 'ERR_NO_LOADER' : 'ERR_NO_QUORUM'
    return new StoreError(code, `nobody ordered writes within ${timeout} ms`)
  }

  #settled(request: number, outcome: Outcome): void {
    const waiting = this.#requests.get(request)
    if (waiting === undefined) return
    this.#requests.delete(request)
    const { version, changed, refused } = outcome
    if (refused === undefined) return waiting.resolve({ version, changed })
    const { key, current } = refused
    const there = current === undefined ? 'it has no value' : `it has version ${current}`
    waiting.reject(new StoreError('ERR_VERSION', `${key}: not the version expected; ${there}`, { key, current }))
  }

  #refused(request: number, code: StoreErrorCode | 'ERR_LIMIT', message: string): void {
    const waiting = this.#requests.get(request) ?? this.#leaseRequests.get(request)
    this.#requests.delete(request)
    this.#leaseRequests.delete(request)
    const node = this.#replica.loader
    const { key } = waiting ?? {}
    waiting?.reject(
      code === 'ERR_LIMIT' ? new TsunagiError(code, message) : new StoreError(code, message, { node, key }),
    )
  }

  #leased(request: number, verdict: LeaseVerdict): void {
    const waiting = this.#leaseRequests.get(request)
    this.#leaseRequests.delete(request)
    if (waiting === undefined) {
      if (verdict.kind === 'granted') this.#handle((now) => this.#replica.endLease(request, undefined, now))
      return
    }
    const key = waiting.key as string
    switch (verdict.kind) {
      case 'granted': {
        const lease = request
        const { expected } = verdict
        const held = new HeldLease(key, {
          read: () => this.read(key),
          write: (value, options) => {
            const write = this.#write({ kind: 'put', key, value, ...options, expected })
            checkSize([write])
            return this.#submit({ kind: 'write', writes: [write] }, key, options, lease)
          },
          end: (failure) => {
            this.#leases.delete(lease)
            this.#handle((now) => this.#replica.endLease(lease, failure, now))
          },
          done: () => {
            this.#leases.delete(lease)
          },
        })
        this.#leases.set(lease, held)
        return waiting.resolve({ kind: 'lease', lease: held })
      }
      case 'held':
        return waiting.resolve({ kind: 'held' })
      case 'value': {
        const entry = this.read(key)
        // Gone again already: whoever wants it asks again.
        if (entry !== undefined) return waiting.resolve({ kind: 'entry', entry })
        const again = ++this.#request
        this.#leaseRequests.set(again, waiting)
        const hold = Math.round(waiting.hold)
        this.#handle(() =>
          this.#replica.requestLease({
            kind: 'lease-request',
            request: again,
            key,
            hold,
            newerThan: undefined,
            wait: true,
          }),
        )
        return
      }
      case 'failed': {
        const { message, node } = verdict
        return waiting.reject(new StoreError('ERR_COMPUTE', message, { key, node }))
      }
    }
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
        this.#giveUpLate(now)
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
      if (unpacked.kind !== 'submit' || this.#context.guarded === undefined) {
        return this.#replica.receive(peer, unpacked, now)
      }
      this.#receiveGuarded(peer, unpacked, now)
    })
  }

  /** Requests that have to be admitted are held back until they are. */
  #receiveGuarded(peer: string, { requests }: Extract<Message, { kind: 'submit' }>, now: number): void {
    const isGuarded = ({ operation }: (typeof requests)[number]): boolean =>
      operation.kind === 'write' && operation.writes.some(({ key }) => this.#isGuarded(key))
    const free = requests.filter((request) => !isGuarded(request))
    if (free.length > 0) this.#replica.receive(peer, { kind: 'submit', requests: free }, now)
    if (!this.#replica.leads) return
    for (const request of requests.filter(isGuarded)) {
      const { writes } = request.operation as Extract<Operation, { kind: 'write' }>
      this.#admitWrites(writes, peer).then(
        () => this.#handle((later) => this.#replica.receive(peer, { kind: 'submit', requests: [request] }, later)),
        (error: unknown) => {
          const why = error instanceof Error ? error.message : String(error)
          this.#handle(() => this.#replica.refuseRequest(peer, request.request, 'ERR_STORE_REFUSED', why))
        },
      )
    }
  }

  #isGuarded(key: string): boolean {
    const { guarded } = this.#context
    return guarded !== undefined && key.startsWith(guarded)
  }

  async #admit(command: Command): Promise<void> {
    for (const write of command.kind === 'batch' ? command.writes : [command]) {
      if (this.#isGuarded(write.key)) await this.#context.admit?.(write, this.#context.host.name)
    }
  }

  async #admitWrites(writes: readonly Write[], peer: string): Promise<void> {
    for (const { key, bytes } of writes) {
      if (!this.#isGuarded(key)) continue
      const command: Put | Delete =
        bytes === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: this.#reader.read(bytes).value }
      await this.#context.admit?.(command, peer)
    }
  }

  #act(): void {
    const replica = this.#replica
    while (replica.actions.length > 0) {
      const { actions } = replica
      replica.actions = []
      for (const action of actions) this.#do(action)
    }
    if (this.#saves.length > 0 && this.#saving === undefined) this.#saving = this.#save()
  }

  #do(action: Action): void {
    const { observer } = this.#context
    switch (action.kind) {
      case 'send':
        return this.#send(action.to, action.message)
      case 'save':
        this.#saves.push(action)
        return
      case 'settled':
        return this.#settled(action.request, action.outcome)
      case 'refused':
        return this.#refused(action.request, action.code, action.message)
      case 'lease':
        return this.#leased(action.request, action.verdict)
      case 'lease-lost':
        this.#leases.get(action.request)?.lose(new StoreError('ERR_COMPUTE_TIMEOUT', 'the lease was lost'))
        this.#leases.delete(action.request)
        return
      case 'change':
      case 'replaced':
      case 'conflict':
        return this.#changes.add(action)
      case 'loader':
        return observer.loader?.(action.name)
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

  /** Writes what there is, and again until there is nothing. */
  async #save(): Promise<void> {
    const disk = this.#disk as Disk
    try {
      while (this.#saves.length > 0) {
        const saves = this.#saves
        this.#saves = []
        await disk.write(saves)
        const { id } = saves.at(-1) as (typeof saves)[number]
        this.#handle((now) => this.#replica.saved(id, now))
        if (disk.wantsCompaction && this.#saves.length === 0 && this.#closed === undefined) {
          await disk.compact(this.#replica.image, (error) => {
            if (error !== undefined) this.#diskFailed(error)
          })
        }
      }
    } catch (error) {
      this.#diskFailed(error)
    } finally {
      this.#saving = undefined
      if (this.#saves.length > 0 && this.#failure === undefined) this.#saving = this.#save()
    }
  }

  #diskFailed(cause: unknown): void {
    if (this.#failure !== undefined) return
    const { logger, name, observer, options } = this.#context
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#failure = new StoreError('ERR_STORE_DISK', `${options.directory}: ${why}`, { cause })
    for (const { state } of this.#saves) state?.close()
    this.#saves = []
    logger.error({ err: cause, directory: options.directory }, `store ${name}: the disk failed: ${why}`)
    this.#handle((now) => this.#replica.diskFailed(now))
    observer.failed?.(this.#failure)
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closedError()
  }

  #closedError(): TsunagiError {
    return new TsunagiError('ERR_CLOSED', `the store ${this.#context.name} is closed`)
  }
}

/** Nothing is ordered that the links could not carry. */
function checkSize(writes: readonly Write[]): void {
  let size = 0
  for (const { bytes } of writes) size += bytes?.length ?? 0
  if (size <= MOST_BYTES) return
  throw new TsunagiError('ERR_LIMIT', `a write of ${size} bytes: at most ${MOST_BYTES}; write it in parts`)
}

function checkOptions({ options }: EngineContext): void {
  const { loader, members, heartbeat, lease } = options
  if (lease < 3 * heartbeat) throw new OptionError('lease', lease, 'at least three heartbeats')
  if (members === undefined || loader === undefined) return
  for (const name of loader) {
    if (!members.includes(name)) throw new OptionError('loader', name, 'one of the members')
  }
}
