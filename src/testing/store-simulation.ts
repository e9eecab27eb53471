import type { Action, Meta, ReplicaOptions, Saved } from '../store/replication/action.ts'
import { ChangeQueue } from '../store/replication/change-queue.ts'
import type { LeaseVerdict, Message } from '../store/replication/messages.ts'
import { OpenReplica } from '../store/replication/open-replica.ts'
import type { LogEntry, Operation, Outcome } from '../store/replication/operation.ts'
import type { Replica } from '../store/replication/replica.ts'
import type { StoredEntry } from '../store/replication/stored-entry.ts'
import type { TableChange, TableConflict, TableState } from '../store/replication/table.ts'
import type { TableImage } from '../store/replication/table-image.ts'
import { VoterReplica } from '../store/replication/voter-replica.ts'

/** Numbers in [0, 1) that are the same for the same seed. Mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** An integer from 0 to `below - 1`. */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

/** Ways to break a simulated cluster, to see that the checks notice. */
export interface Mutation {
  /** Changes a message on its way; undefined: it gets lost. */
  readonly tamper?: (message: Message, from: string, to: string) => Message | undefined
  /** What a restarted node finds, in place of what is there. */
  readonly find?: (saved: Saved | undefined, name: string) => Saved | undefined
  /** What reaches the disk of a save. */
  readonly save?: (save: Save) => Save
}

/** What is written to a disk. */
export interface Save {
  readonly id: number
  readonly meta: Meta | undefined
  readonly state: TableImage | undefined
  readonly entries: readonly LogEntry[]
}

/** Settings of a {@link StoreSimulation}. Times are milliseconds of simulated time. */
export interface SimulationOptions {
  readonly seed: number
  readonly names: readonly string[]
  readonly members: readonly string[] | undefined
  readonly loader: readonly string[] | undefined
  readonly durable: boolean
  readonly mutation?: Mutation | undefined
  /** Entries a log keeps, so that snapshots are needed now and then. */
  readonly logEntries: number
}

/** Hears what happens. */
export interface SimulationObserver {
  applied(process: SimulatedProcess, entry: LogEntry): void
  change(process: SimulatedProcess, change: TableChange): void
  conflict(process: SimulatedProcess, conflict: TableConflict): void
  settled(process: SimulatedProcess, request: number, outcome: Outcome): void
  refused(process: SimulatedProcess, request: number, code: string): void
  lease(process: SimulatedProcess, request: number, verdict: LeaseVerdict): void
  leaseLost(process: SimulatedProcess, request: number): void
  /** A message is about to be handled. */
  delivered(process: SimulatedProcess, from: string, message: Message): void
  sent(process: SimulatedProcess, to: string, message: Message): void
  down(process: SimulatedProcess, peer: string): void
}

/** What a node's disk holds. */
interface Disk {
  meta: Meta | undefined
  state: TableState | undefined
  entries: LogEntry[]
}

/** One life of a node's store. */
export class SimulatedProcess {
  readonly name: string
  /** The incarnation's name, as in requests. */
  readonly client: string
  readonly replica: Replica
  /** What it tells of changes, in its time. */
  readonly changes: ChangeQueue
  readonly rate: number
  readonly offset: number
  alive = true
  paused = false
  diskFailed = false
  request = 0
  /** Events that came while it was paused. */
  readonly held: (() => void)[] = []
  flushing = false
  saves: Save[] = []
  saving = false

  constructor(
    name: string,
    client: string,
    replica: Replica,
    rate: number,
    offset: number,
    observer: SimulationObserver,
  ) {
    this.changes = new ChangeQueue({
      change: (change) => observer.change(this, change),
      conflict: (conflict) => observer.conflict(this, conflict),
    })
    this.name = name
    this.client = client
    this.replica = replica
    this.rate = rate
    this.offset = offset
  }
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** A connection between two nodes. Each side learns of its beginning and its end in its own time. */
interface Link {
  readonly ends: readonly [string, string]
  up: boolean
  readonly seenUp: Set<string>
  /** What arrived before the receiver knew of the link. */
  readonly early: Map<string, (() => void)[]>
  /** When the last message each way arrives: they stay in order. */
  readonly arrival: Map<string, number>
}

const TICK = 250

/**
 * A cluster of replicas in simulated time: their clocks, disks and connections, and everything that can happen to them.
 * The same seed gives the same course of events.
 */
export class StoreSimulation {
  readonly random: Random
  readonly options: SimulationOptions
  readonly processes = new Map<string, SimulatedProcess>()
  now = 0
  readonly #observer: SimulationObserver
  readonly #disks = new Map<string, Disk>()
  readonly #links = new Map<string, Link>()
  /** Pairs that cannot reach each other. */
  readonly #blocked = new Set<string>()
  #events: Event[] = []
  #order = 0
  #lives = 0

  constructor(options: SimulationOptions, observer: SimulationObserver) {
    this.options = options
    this.random = new Random(options.seed)
    this.#observer = observer
  }

  /** The time by a node's own clock. */
  clock(process: SimulatedProcess): number {
    return process.offset + this.now * process.rate
  }

  at(delay: number, run: () => void): void {
    const event = { at: this.now + Math.max(0, delay), order: this.#order++, run }
    const events = this.#events
    let index = events.length
    events.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = events[parent] as Event
      if (!before(event, above)) break
      events[index] = above
      index = parent
    }
    events[index] = event
  }

  /** Lets time pass. */
  run(until: number): void {
    for (let next = this.#events[0]; next !== undefined && next.at <= until; next = this.#events[0]) {
      this.#pop()
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  // What can be done to it.

  start(name: string): SimulatedProcess {
    const { members, loader, durable, logEntries, mutation } = this.options
    const client = `${name}#${++this.#lives}`
    const rate = 0.96 + this.random.next() * 0.08
    const offset = this.random.below(100_000)
    const wallOffset = 1_700_000_000_000 - offset + this.random.below(10_000)
    const disk = this.#disks.get(name)
    const found: Saved | undefined =
      disk?.meta === undefined && disk?.state === undefined && (disk?.entries.length ?? 0) === 0
        ? undefined
        : {
            meta: disk?.meta ?? emptyMeta,
            state: disk?.state && { ...disk.state, entries: new Map(disk.state.entries) },
            entries: [...(disk?.entries ?? [])],
          }
    const saved = mutation?.find === undefined ? found : mutation.find(found, name)
    const options: ReplicaOptions = {
      self: name,
      client,
      loader,
      heartbeat: 1000,
      lease: 5000,
      wallOffset,
      durable: durable && (members === undefined || members.includes(name)),
      bounds: { entries: logEntries, bytes: 1 << 30 },
      limits: { requests: 1000, requestBytes: 1 << 30, leases: 1000 },
      reader: { read: (bytes) => ({ value: Buffer.from(bytes).toString(), shared: true }) },
      heeds: () => true,
      incarnation: Math.floor(wallOffset + offset + this.now * rate),
    }
    const replica =
      members === undefined
        ? new OpenReplica({ ...options, born: this.random.below(1000) }, saved)
        : new VoterReplica({ ...options, members }, saved)
    replica.actions = []
    const process = new SimulatedProcess(name, client, replica, rate, offset, this.#observer)
    const apply = replica.table.apply.bind(replica.table)
    replica.table.apply = (entry) => {
      this.#observer.applied(process, entry)
      return apply(entry)
    }
    this.processes.set(name, process)
    if (!this.#disks.has(name)) this.#disks.set(name, { meta: undefined, state: undefined, entries: [] })
    this.at(this.random.below(TICK), () => this.#tick(process))
    for (const other of this.processes.keys()) if (other !== name) this.#connect(name, other)
    return process
  }

  /** It is gone at once. What was not saved is lost, or a part of it. */
  kill(process: SimulatedProcess): void {
    process.alive = false
    this.processes.delete(process.name)
    const written = process.saving ? this.random.below(Math.min(process.saves.length, 3) + 1) : 0
    for (const save of process.saves.slice(0, written)) this.#write(process.name, save)
    this.#disconnectAll(process.name)
  }

  /** It leaves in peace. */
  close(process: SimulatedProcess): void {
    if (process.paused) return this.kill(process)
    process.replica.flush(this.clock(process))
    process.replica.close(this.clock(process))
    this.#act(process)
    const links = [...this.#links.values()].filter(({ ends }) => ends.includes(process.name))
    this.at(50, () => {
      for (const link of links) this.#cut(link)
    })
    process.alive = false
    this.processes.delete(process.name)
  }

  loseDisk(name: string): void {
    this.#disks.delete(name)
  }

  failDisk(process: SimulatedProcess): void {
    process.diskFailed = true
    process.saves = []
    this.handle(process, (now) => process.replica.diskFailed(now))
  }

  pause(process: SimulatedProcess): void {
    process.paused = true
  }

  resume(process: SimulatedProcess): void {
    process.paused = false
    for (const run of process.held.splice(0)) run()
  }

  /** Two nodes lose their connection, and do not get it back while blocked. */
  block(a: string, b: string): void {
    this.#blocked.add(pair(a, b))
    const link = this.#links.get(pair(a, b))
    if (link !== undefined) this.#cut(link)
  }

  unblock(a: string, b: string): void {
    this.#blocked.delete(pair(a, b))
    this.#connect(a, b)
  }

  unblockAll(): void {
    this.#blocked.clear()
    this.connectAll()
  }

  connectAll(): void {
    const names = [...this.processes.keys()]
    for (const [i, a] of names.entries()) for (const b of names.slice(i + 1)) this.#connect(a, b)
  }

  /** A connection breaks, and comes back. */
  flap(a: string, b: string): void {
    const link = this.#links.get(pair(a, b))
    if (link === undefined) return
    this.#cut(link)
    this.at(100 + this.random.below(3000), () => this.#connect(a, b))
  }

  submit(
    process: SimulatedProcess,
    operation: Operation,
    durability: 'local' | 'majority' | 'all',
    lease?: number,
  ): number {
    const request = ++process.request
    this.handle(process, () => process.replica.submit(request, operation, { durability, lease }))
    return request
  }

  /** Has something happen in a process, now or when it goes on. */
  handle(process: SimulatedProcess, run: (now: number) => void): void {
    if (!process.alive) return
    if (process.paused) {
      process.held.push(() => this.handle(process, run))
      return
    }
    run(this.clock(process))
    this.#act(process)
    if (process.flushing) return
    process.flushing = true
    this.at(this.random.next() * 2, () => this.#flush(process))
  }

  // How it goes on.

  #flush(process: SimulatedProcess): void {
    if (process.paused) {
      process.held.push(() => this.#flush(process))
      return
    }
    process.flushing = false
    if (!process.alive) return
    process.changes.tell(1 + this.random.below(20))
    process.replica.flush(this.clock(process))
    this.#act(process)
    if (process.replica.busy || !process.changes.isEmpty) this.handle(process, () => {})
  }

  #tick(process: SimulatedProcess): void {
    if (!process.alive) return
    this.handle(process, (now) => process.replica.tick(now))
    this.at(TICK / process.rate, () => this.#tick(process))
  }

  #act(process: SimulatedProcess): void {
    const actions = process.replica.actions
    process.replica.actions = []
    for (const action of actions) this.#do(process, action)
  }

  #do(process: SimulatedProcess, action: Action): void {
    switch (action.kind) {
      case 'send':
        return this.#send(process, action.to, action.message)
      case 'save':
        process.saves.push({ ...action, entries: [...action.entries] })
        return this.#save(process)
      case 'settled':
        return this.#observer.settled(process, action.request, action.outcome)
      case 'refused':
        return this.#observer.refused(process, action.request, action.code)
      case 'lease':
        return this.#observer.lease(process, action.request, action.verdict)
      case 'lease-lost':
        return this.#observer.leaseLost(process, action.request)
      case 'change':
      case 'replaced':
      case 'conflict':
        return process.changes.add(action)
      case 'loader':
        return
      case 'estranged':
        throw new Error(`${process.name} is estranged from ${action.peer}: ${action.why}`)
    }
  }

  #send(process: SimulatedProcess, to: string, given: Message): void {
    this.#observer.sent(process, to, given)
    const { tamper } = this.options.mutation ?? {}
    const message = tamper === undefined ? given : tamper(given, process.name, to)
    const link = this.#links.get(pair(process.name, to))
    if (message === undefined || link?.up !== true || !link.seenUp.has(process.name)) return
    const arrival = Math.max(this.now + 0.1 + this.random.next() ** 4 * 400, link.arrival.get(to) ?? 0)
    link.arrival.set(to, arrival)
    const deliver = (): void => {
      const receiver = this.processes.get(to)
      if (!link.up || receiver === undefined) return
      if (!link.seenUp.has(to)) {
        link.early.get(to)?.push(deliver)
        return
      }
      this.handle(receiver, (now) => {
        this.#observer.delivered(receiver, process.name, message)
        receiver.replica.receive(process.name, message, now)
      })
    }
    this.at(arrival - this.now, deliver)
  }

  #connect(a: string, b: string): void {
    const key = pair(a, b)
    const old = this.#links.get(key)
    if (this.#blocked.has(key) || old?.up || !this.processes.has(a) || !this.processes.has(b)) return
    if (old !== undefined) {
      this.at(200, () => this.#connect(a, b))
      return
    }
    const link: Link = {
      ends: [a, b],
      up: true,
      seenUp: new Set(),
      early: new Map([
        [a, []],
        [b, []],
      ]),
      arrival: new Map(),
    }
    this.#links.set(key, link)
    for (const [name, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const process = this.processes.get(name) as SimulatedProcess
      this.at(1 + this.random.below(50), () => {
        if (!link.up || !process.alive) return
        this.handle(process, (now) => {
          link.seenUp.add(name)
          process.replica.peerUp(peer, now)
          for (const run of link.early.get(name)?.splice(0) ?? []) run()
        })
      })
    }
  }

  /** Both sides notice, each in its time; what is under way is lost. */
  #cut(link: Link): void {
    if (!link.up) return
    link.up = false
    const [a, b] = link.ends
    const key = pair(a, b)
    let left = 2
    const done = (): void => {
      left--
      if (left === 0 && this.#links.get(key) === link) this.#links.delete(key)
    }
    for (const [name, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const process = this.processes.get(name)
      this.at(this.random.below(100), () => {
        done()
        if (process === undefined || !process.alive) return
        this.handle(process, (now) => {
          if (!link.seenUp.has(name)) return
          this.#observer.down(process, peer)
          process.replica.peerDown(peer, now)
        })
      })
    }
    // Dialled anew, as a node's connectors do.
    this.at(500 + this.random.below(1500), () => this.#connect(a, b))
  }

  #disconnectAll(name: string): void {
    for (const link of [...this.#links.values()]) if (link.ends.includes(name)) this.#cut(link)
  }

  #save(process: SimulatedProcess): void {
    if (process.saving || process.saves.length === 0 || process.diskFailed) return
    process.saving = true
    // All that waits is written together.
    const saves = process.saves.slice()
    this.at(1 + this.random.next() ** 3 * 60, () => {
      process.saving = false
      if (!process.alive || process.diskFailed) return
      for (const save of saves) this.#write(process.name, save)
      process.saves = process.saves.slice(saves.length)
      const { id } = saves.at(-1) as Save
      this.handle(process, (now) => process.replica.saved(id, now))
      this.#save(process)
    })
  }

  #write(name: string, given: Save): void {
    const save = this.options.mutation?.save?.(given) ?? given
    const disk = this.#disks.get(name)
    if (disk === undefined) return
    if (save.meta !== undefined) disk.meta = save.meta
    if (save.state !== undefined) {
      disk.state = readAll(save.state)
      disk.entries = []
    }
    const first = save.entries[0]?.version.sequence
    if (first === undefined) return
    disk.entries = disk.entries.filter(({ version }) => version.sequence < first)
    disk.entries.push(...save.entries)
  }

  #pop(): void {
    const events = this.#events
    const moved = events.pop() as Event
    if (events.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && before(events[child + 1] as Event, events[child] as Event)) child++
      if (before(moved, events[child] as Event)) break
      events[at] = events[child] as Event
      at = child
    }
    events[at] = moved
  }
}

const emptyMeta: Meta = { promised: { epoch: 0, loader: '' }, incarnation: 1, incarnations: [], restored: false }

function readAll(image: TableImage): TableState {
  const entries = new Map<string, StoredEntry>()
  while (!image.done) for (const entry of image.next(3, 1000)) entries.set(entry.key, entry)
  image.close()
  const { position, reaches, sessions } = image
  return { position, entries, reaches, sessions }
}

function before(a: Event, b: Event): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
