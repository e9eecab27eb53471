import type { Action, Meta, ReplicaOptions, Saved } from '../store/replication/action.ts'
import type { Message } from '../store/replication/messages.ts'
import { OpenReplica } from '../store/replication/open-replica.ts'
import type { LogEntry, Operation } from '../store/replication/operation.ts'
import type { StoredEntry } from '../store/replication/stored-entry.ts'
import type { TableState } from '../store/replication/table.ts'
import type { TableImage } from '../store/replication/table-image.ts'
import { VoterReplica } from '../store/replication/voter-replica.ts'
import { Random } from './random.ts'
import { type LinksHost, SimulatedLinks } from './simulated-links.ts'
import { type Save, SimulatedProcess, type SimulationObserver, type SimulationOptions } from './simulated-process.ts'
import { Timeline } from './timeline.ts'

/** What a node's disk holds. */
interface Disk {
  meta: Meta | undefined
  state: TableState | undefined
  entries: LogEntry[]
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
  readonly links: SimulatedLinks
  readonly #observer: SimulationObserver
  readonly #timeline = new Timeline()
  readonly #disks = new Map<string, Disk>()
  #lives = 0

  constructor(options: SimulationOptions, observer: SimulationObserver) {
    this.options = options
    this.random = new Random(options.seed)
    this.#observer = observer
    const { random } = this
    const names = (): string[] => [...this.processes.keys()]
    this.links = new SimulatedLinks({ random, timeline: this.#timeline, names, atEnd: (name) => this.#atEnd(name) })
  }

  /** The time by a node's own clock. */
  clock(process: SimulatedProcess): number {
    return process.offset + this.now * process.rate
  }

  get now(): number {
    return this.#timeline.now
  }

  /** Has something happen after so many milliseconds. */
  at(delay: number, run: () => void): void {
    this.#timeline.at(delay, run)
  }

  /** Lets time pass. */
  run(until: number): void {
    this.#timeline.run(until)
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
    for (const other of this.processes.keys()) if (other !== name) this.links.connect(name, other)
    return process
  }

  /** It is gone at once. What was not saved is lost, or a part of it. */
  kill(process: SimulatedProcess): void {
    process.alive = false
    this.processes.delete(process.name)
    const written = process.saving ? this.random.below(Math.min(process.saves.length, 3) + 1) : 0
    for (const save of process.saves.slice(0, written)) this.#write(process.name, save)
    this.links.disconnect(process.name)
  }

  /** It leaves in peace. */
  close(process: SimulatedProcess): void {
    if (process.paused) return this.kill(process)
    process.replica.flush(this.clock(process))
    process.replica.close(this.clock(process))
    this.#act(process)
    this.links.disconnectLater(process.name, 50)
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
    if (message === undefined) return
    this.links.send(process.name, to, () => {
      const receiver = this.processes.get(to)
      if (receiver === undefined) return
      this.handle(receiver, (now) => {
        this.#observer.delivered(receiver, process.name, message)
        receiver.replica.receive(process.name, message, now)
      })
    })
  }

  #atEnd(name: string): ReturnType<LinksHost['atEnd']> {
    const process = this.processes.get(name)
    if (process === undefined) return undefined
    return (run) =>
      this.handle(process, (now) =>
        run({
          up: (peer) => process.replica.peerUp(peer, now),
          down: (peer) => {
            this.#observer.down(process, peer)
            process.replica.peerDown(peer, now)
          },
        }),
      )
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
}

const emptyMeta: Meta = { promised: { epoch: 0, loader: '' }, incarnation: 1, incarnations: [], restored: false }

function readAll(image: TableImage): TableState {
  const entries = new Map<string, StoredEntry>()
  while (!image.done) for (const entry of image.next(3, 1000)) entries.set(entry.key, entry)
  image.close()
  const { position, reaches, sessions } = image
  return { position, entries, reaches, sessions }
}
