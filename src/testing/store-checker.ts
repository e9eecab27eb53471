import type { LeaseVerdict, Message } from '../store/replication/messages.ts'
import type { LogEntry, Operation, Outcome, Write } from '../store/replication/operation.ts'
import type { TableChange, TableConflict } from '../store/replication/table.ts'
import { VoterReplica } from '../store/replication/voter-replica.ts'
import type { Version } from '../store/version.ts'
import { Random } from './random.ts'
import type { Mutation, SimulatedProcess, SimulationObserver } from './simulated-process.ts'
import { StoreSimulation } from './store-simulation.ts'

/** What a schedule is made of. */
export interface ScheduleOptions {
  readonly seed: number
  /** Fixed voters, or none. */
  readonly voters: boolean
  /** With disks. */
  readonly durable: boolean
  /** Breaks the protocol, to see that it is noticed. */
  readonly mutation?: Mutation | undefined
}

/** What was seen; for people, and to see that schedules are worth something. */
export interface ScheduleReport {
  readonly acknowledged: number
  readonly refused: number
  readonly faults: Readonly<Record<string, number>>
  readonly epochs: number
  readonly conflicts: number
  readonly leases: number
}

/** What a schedule has shown to be wrong. The message has all that is needed to see it again. */
export class ScheduleError extends Error {
  readonly seed: number

  constructor(seed: number, message: string) {
    super(`seed ${seed}: ${message}`)
    this.seed = seed
  }

  static {
    ScheduleError.prototype.name = 'ScheduleError'
  }
}

interface Pending {
  readonly process: SimulatedProcess
  readonly operation: Operation
  /** The highest place acknowledged to anybody before this was asked for. */
  readonly floor: number
}

interface Grant {
  readonly holder: string
  readonly lease: number
  readonly until: number
  readonly epoch: string
  over: boolean
}

const KEYS = ['a', 'b', 'c', 'd'] as const
const LEASED = ['x', 'y'] as const
const FORMED = 30_000
const TROUBLE = 60_000
const PEACE = 60_000
/** How long before the end each node writes once more. */
const LAST_WRITES = 10_000

/**
 * Runs one random schedule: clients write and compute while nodes are killed, paused, parted from each other, restarted with
 * or without their disks, with clocks of their own. Then all heals, and what is there is compared with what was said.
 *
 * Proven of stores with fixed voters, as long as less than half of them have lost their state: nothing acknowledged is
 * lost; every replica carries out the same operations at the same places; an operation comes after all that were
 * acknowledged before it was asked for; each is carried out once, with the outcome that was told; what a node shows
 * of a key never goes back. Of open stores: all are equal after healing; each value is there, was overwritten, or is in a
 * conflict event. Of both: a loader has one live lease per key, and when all has healed everybody can write.
 *
 * @throws ScheduleError
 */
export function checkSchedule(options: ScheduleOptions): ScheduleReport {
  return new Schedule(options).run()
}

class Schedule implements SimulationObserver {
  readonly #options: ScheduleOptions
  readonly #random: Random
  readonly #simulation: StoreSimulation
  readonly #names: readonly string[]
  readonly #members: readonly string[] | undefined
  readonly #history = new Map<number, LogEntry>()
  readonly #pending = new Map<string, Pending>()
  readonly #settled = new Map<string, Outcome>()
  readonly #shown = new Map<string, Version>()
  /** Voters without their state. */
  readonly #lost = new Set<string>()
  readonly #grants = new Map<string, Grant>()
  readonly #faults: Record<string, number> = {}
  /** Open stores: what was put by clients, what became of it. */
  readonly #overwritten = new Set<string>()
  readonly #conflicted = new Set<string>()
  readonly #held = new Map<SimulatedProcess, Map<string, string>>()
  readonly #leased: { readonly process: SimulatedProcess; readonly lease: number; readonly key: string }[] = []
  readonly #leaseKeys = new Map<string, string>()
  /** The same as each loader knows it: who asks may be another incarnation by the time of the answer. */
  readonly #requested = new Map<string, string>()
  readonly #epochs = new Set<string>()
  /** The next voter dies as soon as its vote has arrived. */
  #voterDies = false
  /** Writes asked for when all had healed. */
  readonly #last: string[] = []
  #acknowledged = 0
  #refusals = 0
  #grantsSeen = 0
  #highestAcknowledged = 0
  #values = 0

  constructor(options: ScheduleOptions) {
    this.#options = options
    this.#random = new Random(options.seed ^ 0x5bd1e995)
    const random = this.#random
    const voters = options.voters ? random.pick([3, 3, 3, 5, 5, 1, 2]) : 0
    const others = options.voters ? random.below(3) : 2 + random.below(4)
    this.#names = Array.from({ length: voters + others }, (_, i) => `n${i}`)
    this.#members = options.voters ? this.#names.slice(0, voters) : undefined
    const eligible = this.#members ?? this.#names
    const loader = random.pick([undefined, undefined, eligible.slice(0, 1), eligible.slice(0, 2)])
    this.#simulation = new StoreSimulation(
      {
        seed: options.seed,
        names: this.#names,
        members: this.#members,
        loader,
        durable: options.durable,
        mutation: options.mutation,
        logEntries: random.pick([20, 100, 1000]),
      },
      this,
    )
  }

  run(): ScheduleReport {
    const simulation = this.#simulation
    for (const name of this.#names) simulation.at(this.#random.below(2000), () => simulation.start(name))
    simulation.run(FORMED)
    this.#checkFormed()
    this.#shown.clear()
    this.#client(FORMED + TROUBLE)
    this.#trouble(FORMED + TROUBLE)
    simulation.run(FORMED + TROUBLE)
    this.#heal()
    simulation.run(FORMED + TROUBLE + PEACE - LAST_WRITES)
    for (const process of simulation.processes.values()) this.#askLast(process)
    simulation.run(FORMED + TROUBLE + PEACE)
    this.#checkAnswered()
    this.#checkEqual()
    if (this.#members === undefined) this.#checkDiscarded()
    else this.#checkHistory()
    return {
      acknowledged: this.#acknowledged,
      refused: this.#refusals,
      faults: this.#faults,
      epochs: this.#epochs.size,
      conflicts: this.#conflicted.size,
      leases: this.#grantsSeen,
    }
  }

  // What clients do.

  #client(until: number): void {
    const random = this.#random
    const simulation = this.#simulation
    const next = (): void => {
      if (simulation.now >= until) return
      const processes = [...simulation.processes.values()]
      const process = processes.length === 0 ? undefined : random.pick(processes)
      if (process !== undefined && !process.paused) this.#ask(process)
      simulation.at(random.next() * 120, next)
    }
    next()
  }

  #ask(process: SimulatedProcess): void {
    const random = this.#random
    if (random.chance(0.2)) return this.#askLease(process)
    const operation: Operation = {
      kind: 'write',
      writes: Array.from({ length: random.chance(0.1) ? 2 : 1 }, () => this.#write(process, random.pick(KEYS))),
    }
    const request = this.#simulation.submit(
      process,
      operation,
      random.pick(['local', 'majority', 'majority', 'all'] as const),
    )
    const id = `${process.client}/${request}`
    this.#pending.set(id, { process, operation, floor: this.#highestAcknowledged })
    if (random.chance(0.05)) {
      this.#simulation.at(random.below(4000), () => {
        if (!this.#pending.delete(id)) return
        this.#simulation.handle(process, () => process.replica.forget(request))
      })
    }
  }

  #write(process: SimulatedProcess, key: string): Write {
    const random = this.#random
    const bytes = random.chance(0.2) ? undefined : Buffer.from(`v${++this.#values}`)
    const there = process.replica.table.read(key)
    const absent = bytes === undefined ? undefined : ('absent' as const)
    // What will be over soon may be absent for one and not for another, were it not for the loader's word.
    const expiring = there?.expiresAt !== undefined && random.chance(0.5)
    const current = expiring ? absent : (there?.version ?? absent)
    const expected = random.chance(expiring ? 0.9 : 0.3) ? current : undefined
    const ttl = bytes !== undefined && random.chance(0.2) ? random.below(3000) : undefined
    return { key, bytes, ttl, stale: 0, expected }
  }

  #askLease(process: SimulatedProcess): void {
    const random = this.#random
    const key = random.pick(LEASED)
    if (process.replica.table.read(key) !== undefined && random.chance(0.6)) {
      const write: Write = { key, bytes: undefined, ttl: undefined, stale: 0, expected: undefined }
      this.#simulation.submit(process, { kind: 'write', writes: [write] }, 'majority')
      return
    }
    const request = ++process.request
    this.#leaseKeys.set(`${process.client}/${request}`, key)
    this.#simulation.handle(process, () =>
      process.replica.requestLease({
        kind: 'lease-request',
        request,
        key,
        hold: 500 + random.below(4000),
        newerThan: undefined,
        wait: random.chance(0.9),
      }),
    )
    if (random.chance(0.1)) {
      this.#simulation.at(random.below(3000), () => {
        this.#endLease(process, request, undefined)
      })
    }
  }

  #endLease(process: SimulatedProcess, request: number, failure: string | undefined): void {
    this.#simulation.handle(process, (now) => {
      // Before, since whoever is next gets it at once.
      this.#leaseOver(process, process.name, request)
      process.replica.endLease(request, failure, now)
    })
  }

  // What happens to them.

  #trouble(until: number): void {
    const random = this.#random
    const simulation = this.#simulation
    const next = (): void => {
      if (simulation.now >= until) return
      this.#fault()
      simulation.at(200 + random.next() ** 2 * 8000, next)
    }
    simulation.at(random.below(3000), next)
  }

  #fault(): void {
    const random = this.#random
    const simulation = this.#simulation
    const processes = [...simulation.processes.values()]
    const names = processes.map(({ name }) => name)
    const kind = random.pick([
      'kill',
      'kill',
      'kill-loader',
      'pause',
      'partition',
      'partition',
      'heal',
      'flap',
      'close',
      'disk',
      'all',
      'kill-voter',
      'old-loader',
    ] as const)
    const count = (): void => {
      this.#faults[kind] = (this.#faults[kind] ?? 0) + 1
    }
    switch (kind) {
      case 'kill':
      case 'kill-loader':
      case 'close': {
        const loader = processes.find(({ replica }) => replica.leads)
        const victim = kind === 'kill-loader' ? loader : processes.length === 0 ? undefined : random.pick(processes)
        if (victim === undefined) return
        const losesDisk = random.chance(0.4)
        if (!this.#mayLose(victim.name, losesDisk)) return
        count()
        this.#end(victim, kind === 'close', losesDisk)
        return
      }
      case 'all': {
        // Everybody at once, with the disks left as they are.
        if (!this.#options.durable || !random.chance(0.2)) return
        if (this.#members === undefined) return
        count()
        for (const process of processes) if (this.#mayLose(process.name, false)) this.#end(process, false, false)
        return
      }
      case 'kill-voter': {
        // The next one that votes; and there is an election soon, while the loader is about to wake up again.
        const loader = processes.find(({ replica }) => replica.leads)
        if (this.#members === undefined || loader === undefined || loader.paused) return
        count()
        this.#voterDies = true
        simulation.pause(loader)
        simulation.at(5000 + random.below(4000), () => {
          if (loader.alive) simulation.resume(loader)
        })
        return
      }
      case 'old-loader': {
        // The others elect another one. Before the old one notices, one of them comes back without its state, and meets nobody else.
        const loader = processes.find(({ replica }) => replica.leads)
        const voters = processes.filter(({ name }) => this.#members?.includes(name) && name !== loader?.name)
        if (loader === undefined || voters.length < 2) return
        const victim = random.pick(voters)
        count()
        for (const name of names) if (name !== loader.name) simulation.links.block(loader.name, name)
        simulation.at(800 + random.below(2500), () => {
          if (!victim.alive || !this.#mayLose(victim.name, true)) return
          for (const name of names)
            if (name !== loader.name && name !== victim.name) simulation.links.block(victim.name, name)
          this.#end(victim, false, true, 20 + random.below(300))
          simulation.links.unblock(loader.name, victim.name)
        })
        simulation.at(6000 + random.below(6000), () => simulation.links.unblockAll())
        return
      }
      case 'pause': {
        if (processes.length === 0) return
        const process = random.pick(processes)
        if (process.paused) return
        count()
        simulation.pause(process)
        simulation.at(500 + random.next() ** 2 * 12_000, () => {
          if (process.alive) simulation.resume(process)
        })
        return
      }
      case 'partition': {
        count()
        const side = new Set(names.filter(() => random.chance(0.5)))
        const oneWay = random.chance(0.3) ? random.pick(this.#names) : undefined
        for (const a of this.#names) {
          for (const b of this.#names) {
            if (a < b && (oneWay === undefined ? side.has(a) !== side.has(b) : a === oneWay))
              simulation.links.block(a, b)
          }
        }
        simulation.at(1000 + random.next() * 12_000, () => simulation.links.unblockAll())
        return
      }
      case 'heal':
        count()
        return simulation.links.unblockAll()
      case 'flap': {
        if (names.length < 2) return
        count()
        return simulation.links.flap(random.pick(names), random.pick(names))
      }
      case 'disk': {
        const victim = processes.length === 0 ? undefined : random.pick(processes)
        if (victim === undefined || !this.#options.durable || victim.diskFailed || victim.paused) return
        count()
        simulation.failDisk(victim)
        simulation.at(2000 + random.below(8000), () => {
          if (victim.alive) this.#end(victim, false, false)
        })
      }
    }
  }

  /** Whether it would leave a majority of the voters with their state. */
  #mayLose(name: string, losesDisk: boolean): boolean {
    if (this.#members === undefined || !this.#members.includes(name)) return true
    if (this.#options.durable && !losesDisk) return true
    for (const lost of this.#lost) {
      const replica = this.#simulation.processes.get(lost)?.replica
      if (replica instanceof VoterReplica && replica.restored) this.#lost.delete(lost)
    }
    const after = new Set(this.#lost).add(name)
    return after.size <= Math.floor((this.#members.length - 1) / 2)
  }

  /** As soon as its vote has arrived; it is back at once. */
  #killVoter(name: string): void {
    this.#voterDies = false
    const losesDisk = this.#random.chance(0.5)
    const voter = this.#simulation.processes.get(name)
    if (voter === undefined || voter.paused || !this.#mayLose(name, losesDisk)) return
    this.#simulation.at(0, () => {
      if (voter.alive) this.#end(voter, false, losesDisk, 20 + this.#random.below(300))
    })
  }

  #end(process: SimulatedProcess, inPeace: boolean, losesDisk: boolean, away = this.#absence()): void {
    const simulation = this.#simulation
    const { name } = process
    if (inPeace) simulation.close(process)
    else simulation.kill(process)
    this.#held.delete(process)
    if (!this.#options.durable || losesDisk) {
      simulation.loseDisk(name)
      if (this.#members?.includes(name)) this.#lost.add(name)
    }
    simulation.at(away, () => {
      if (!simulation.processes.has(name)) simulation.start(name)
    })
  }

  #absence(): number {
    return 300 + this.#random.next() ** 2 * 15_000
  }

  #heal(): void {
    const simulation = this.#simulation
    simulation.links.unblockAll()
    for (const process of [...simulation.processes.values()]) {
      if (process.paused) simulation.resume(process)
      if (process.diskFailed) {
        simulation.kill(process)
        this.#held.delete(process)
      }
    }
    simulation.at(500, () => {
      for (const name of this.#names) if (!simulation.processes.has(name)) simulation.start(name)
    })
  }

  // What is seen.

  applied(process: SimulatedProcess, entry: LogEntry): void {
    this.#epochs.add(`${entry.version.epoch} ${entry.version.loader}`)
    if (this.#members === undefined) return
    const { sequence } = entry.version
    const known = this.#history.get(sequence)
    if (known === undefined) this.#history.set(sequence, entry)
    else if (!sameEntry(known, entry)) {
      this.#fail(`${process.client} applies ${describe(entry)}, where others have applied ${describe(known)}`)
    }
  }

  change(process: SimulatedProcess, change: TableChange): void {
    const { key, version, previous, entry, cause } = change
    const place = `${process.client} ${key}`
    // In open stores what one side of a partition deleted may come back from the other, as old as it is there.
    const shown = this.#members === undefined ? undefined : this.#shown.get(place)
    if (shown !== undefined && version.compare(shown) < 0) {
      this.#fail(`${process.client} shows ${key} at ${version} after ${shown} (${cause})`)
    }
    this.#shown.set(place, version)
    if (this.#members !== undefined) return
    // What is written anew when a partition heals is above all that it replaces; but what one side deleted may give way to what
    // the other had all the time.
    const isBack = previous !== undefined && entry !== undefined && version.compare(previous.version) < 0
    if (isBack && !this.#overwritten.has(textOf(previous.bytes))) {
      this.#fail(`${process.client} replaces ${key} at ${previous.version} by ${version} (${cause})`)
    }
    if (previous !== undefined && cause !== 'merge' && cause !== 'resync') this.#overwritten.add(textOf(previous.bytes))
    if (entry === undefined) return
    const held = this.#held.get(process) ?? new Map<string, string>()
    this.#held.set(process, held)
    held.set(textOf(entry.bytes), key)
  }

  conflict(_process: SimulatedProcess, { discarded }: TableConflict): void {
    if (discarded !== undefined) this.#conflicted.add(textOf(discarded.bytes))
  }

  settled(process: SimulatedProcess, request: number, outcome: Outcome): void {
    this.#acknowledged++
    const id = `${process.client}/${request}`
    this.#settled.set(id, outcome)
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#members === undefined) return
    const { sequence } = outcome.version
    if (pending !== undefined && sequence <= pending.floor) {
      this.#fail(`${id} is at ${sequence}, but ${pending.floor} was acknowledged before it was asked for`)
    }
    this.#highestAcknowledged = Math.max(this.#highestAcknowledged, sequence)
  }

  refused(process: SimulatedProcess, request: number, _code: string): void {
    this.#refusals++
    this.#pending.delete(`${process.client}/${request}`)
  }

  lease(process: SimulatedProcess, request: number, verdict: LeaseVerdict): void {
    const key = this.#leaseKeys.get(`${process.client}/${request}`)
    if (verdict.kind !== 'granted' || key === undefined) return
    if (process.replica.leads) this.#granted(process, process.name, key, request)
    const random = this.#random
    this.#leased.push({ process, lease: request, key })
    const { expected } = verdict
    const lease = request
    const fate = random.next()
    if (fate > 0.9) return
    this.#simulation.at(random.below(3000), () => {
      if (!process.alive) return
      if (fate < 0.7) {
        const bytes = Buffer.from(`v${++this.#values}`)
        const write: Write = { key, bytes, ttl: undefined, stale: 0, expected }
        const id = this.#simulation.submit(process, { kind: 'write', writes: [write] }, 'majority', lease)
        this.#pending.set(`${process.client}/${id}`, {
          process,
          operation: { kind: 'write', writes: [write] },
          floor: this.#highestAcknowledged,
        })
        this.#leaseOver(process, process.name, lease)
        return
      }
      this.#endLease(process, lease, fate < 0.8 ? 'failed' : undefined)
    })
  }

  leaseLost(): void {}

  sent(process: SimulatedProcess, to: string, message: Message): void {
    if (message.kind === 'lease-lost') this.#leaseOver(process, to, message.request)
    if (message.kind === 'leave') this.down(process, to)
    if (message.kind !== 'lease-answer' || message.answer.kind !== 'granted') return
    const key = this.#requested.get(`${process.client} ${to}/${message.request}`)
    if (key !== undefined) this.#granted(process, to, key, message.request)
  }

  delivered(process: SimulatedProcess, from: string, message: Message): void {
    if (message.kind === 'vote' && message.granted && !message.trial && this.#voterDies) this.#killVoter(from)
    if (message.kind === 'lease-request')
      this.#requested.set(`${process.client} ${from}/${message.request}`, message.key)
    if (message.kind === 'lease-end') this.#leaseOver(process, from, message.request)
    if (message.kind === 'bye' || message.kind === 'join' || message.kind === 'leave') this.down(process, from)
    if (message.kind !== 'submit') return
    for (const { lease } of message.requests) if (lease !== undefined) this.#leaseOver(process, from, lease)
  }

  down(process: SimulatedProcess, peer: string): void {
    for (const [place, grant] of this.#grants) {
      if (place.startsWith(`${process.client} `) && grant.holder === peer) grant.over = true
    }
  }

  #granted(loader: SimulatedProcess, holder: string, key: string, lease: number): void {
    this.#grantsSeen++
    const place = `${loader.client} ${key}`
    const { epoch, loader: name } = loader.replica.currentEpoch
    const now = this.#simulation.clock(loader)
    const before = this.#grants.get(place)
    const current = `${epoch} ${name}`
    if (before !== undefined && !before.over && before.epoch === current && now < before.until) {
      this.#fail(`${loader.client} grants ${key} to ${holder}, while ${before.holder} has it`)
    }
    // The shortest that anybody asks for: a longer one may still be live, and is not counted.
    this.#grants.set(place, { holder, lease, until: now + 500, epoch: current, over: false })
  }

  #leaseOver(loader: SimulatedProcess, holder: string, lease: number): void {
    for (const [place, grant] of this.#grants) {
      if (place.startsWith(`${loader.client} `) && grant.holder === holder && grant.lease === lease) grant.over = true
    }
  }

  // What must be so.

  /** Everybody can write again. */
  #askLast(process: SimulatedProcess): void {
    const writes = [this.#write(process, 'last')].map((write) => ({ ...write, expected: undefined }))
    const operation: Operation = { kind: 'write', writes }
    const id = `${process.client}/${this.#simulation.submit(process, operation, 'all')}`
    this.#pending.set(id, { process, operation, floor: this.#highestAcknowledged })
    this.#last.push(id)
  }

  #checkAnswered(): void {
    for (const id of this.#last) {
      if (!this.#settled.has(id)) this.#fail(`${id} was asked for after healing, and has no answer`)
    }
  }

  #checkFormed(): void {
    if (this.#members === undefined) return
    for (const name of this.#members) {
      const { replica } = this.#simulation.processes.get(name) as SimulatedProcess
      if (!(replica as VoterReplica).restored) this.#fail(`${name} has not begun after ${FORMED} ms`)
    }
  }

  #checkEqual(): void {
    const [first, ...others] = [...this.#simulation.processes.values()]
    if (first === undefined) return
    for (const process of [first, ...others]) {
      if (process.replica.loader === undefined) this.#fail(`${process.client} knows no loader after healing`)
    }
    const expected = contents(first)
    for (const other of others) {
      const found = contents(other)
      if (found !== expected) this.#fail(`${first.client} and ${other.client} differ:\n${expected}\n${found}`)
    }
  }

  #checkDiscarded(): void {
    const there = new Set<string>()
    for (const process of this.#simulation.processes.values()) {
      for (const [, entry] of process.replica.table.entries()) there.add(textOf(entry.bytes))
    }
    for (const [process, held] of this.#held) {
      if (!process.alive) continue
      for (const [value, key] of held) {
        if (there.has(value) || this.#overwritten.has(value) || this.#conflicted.has(value)) continue
        this.#fail(`${value} of ${key} was on ${process.client}, is not there, and nobody was told`)
      }
    }
  }

  /** Carries the history out once more, the simple way, and compares. */
  #checkHistory(): void {
    const table = new Map<string, { version: Version; expiresAt: number | undefined }>()
    const done = new Map<string, Outcome>()
    const floors = new Map<string, number>()
    const last = Math.max(0, ...this.#history.keys())
    for (let sequence = 1; sequence <= last; sequence++) {
      const entry = this.#history.get(sequence)
      if (entry === undefined) return this.#fail(`nobody has applied ${sequence} of ${last}`)
      const { operation, client, request, version } = entry
      if (operation.kind === 'expire') {
        for (const { key, version: at } of operation.expired) if (at.equals(table.get(key)?.version)) table.delete(key)
      }
      if (operation.kind !== 'write') continue
      const floor = Math.max(floors.get(client) ?? 0, entry.floor)
      floors.set(client, floor)
      const id = `${client}/${request}`
      if (request < floor || done.has(id)) continue
      const refused = operation.writes.find(({ key, expected }) => {
        const current = table.get(key)
        if (expected === 'absent') return current !== undefined && !((current.expiresAt ?? Infinity) <= entry.at)
        return expected !== undefined && !expected.equals(current?.version)
      })
      const changed: boolean[] = []
      for (const { key, bytes, ttl, stale } of refused === undefined ? operation.writes : []) {
        changed.push(bytes !== undefined || table.has(key))
        if (bytes === undefined) table.delete(key)
        else table.set(key, { version, expiresAt: ttl === undefined ? undefined : entry.at + ttl + stale })
      }
      done.set(id, { version, changed, refused: refused && { key: refused.key, current: undefined } })
    }
    for (const [id, outcome] of this.#settled) {
      const found = done.get(id)
      if (found === undefined) return this.#fail(`${id} was acknowledged at ${outcome.version}, and is lost`)
      const isSame =
        found.version.equals(outcome.version) &&
        String(found.changed) === String(outcome.changed) &&
        found.refused?.key === outcome.refused?.key
      if (!isSame) this.#fail(`${id} was told another outcome than it had`)
    }
    for (const process of this.#simulation.processes.values()) {
      const position = process.replica.table.position.sequence
      if (position < this.#highestAcknowledged) this.#fail(`${process.client} has only got to ${position}`)
      const entries = new Map(process.replica.table.entries())
      if (position === last && entries.size !== table.size)
        this.#fail(`${process.client} has other keys than it should`)
      for (const [key, { version }] of position === last ? table : []) {
        if (!version.equals(entries.get(key)?.version))
          this.#fail(`${process.client} has another ${key} than it should`)
      }
    }
  }

  #fail(message: string): never {
    throw new ScheduleError(this.#options.seed, `${message} (at ${Math.round(this.#simulation.now)} ms)`)
  }
}

function contents({ replica }: SimulatedProcess): string {
  const entries = Array.from(
    replica.table.entries(),
    ([key, { version, bytes }]) => `${key}=${textOf(bytes)} ${version}`,
  )
  return [`${replica.table.position}`, ...entries.sort()].join('\n')
}

function sameEntry(a: LogEntry, b: LogEntry): boolean {
  return a.version.equals(b.version) && a.client === b.client && a.request === b.request
}

function describe({ version, client, request, operation }: LogEntry): string {
  return `${version} ${client}/${request} ${operation.kind}`
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
