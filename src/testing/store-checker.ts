import type { LeaseVerdict, Message } from '../store/replication/messages.ts'
import type { LogEntry, Operation, Outcome, Write } from '../store/replication/operation.ts'
import type { TableChange, TableConflict } from '../store/replication/table.ts'
import type { VoterReplica } from '../store/replication/voter-replica.ts'
import type { Version } from '../store/version.ts'
import { LeaseWatch, SHORTEST_HOLD } from './lease-watch.ts'
import { Random } from './random.ts'
import { ScheduleFaults } from './schedule-faults.ts'
import type { Mutation, SimulatedProcess, SimulationObserver } from './simulated-process.ts'
import { StoreHistory } from './store-history.ts'
import { StoreSimulation } from './store-simulation.ts'
import { ValueFates } from './value-fates.ts'

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
  readonly #history: StoreHistory
  readonly #pending = new Map<string, Pending>()
  readonly #settled = new Map<string, Outcome>()
  readonly #shown = new Map<string, Version>()
  readonly #leases: LeaseWatch
  readonly #faults: ScheduleFaults
  readonly #fates: ValueFates
  readonly #leaseKeys = new Map<string, string>()
  readonly #epochs = new Set<string>()
  /** Writes asked for when all had healed. */
  readonly #last: string[] = []
  #acknowledged = 0
  #refusals = 0
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
    const { durable } = options
    const [simulation, names, members] = [this.#simulation, this.#names, this.#members]
    this.#faults = new ScheduleFaults({ simulation, random, names, members, durable })
    const fail = (message: string): never => this.#fail(message)
    this.#leases = new LeaseWatch((process) => simulation.clock(process), fail)
    this.#history = new StoreHistory(fail)
    this.#fates = new ValueFates(fail)
  }

  run(): ScheduleReport {
    const simulation = this.#simulation
    for (const name of this.#names) simulation.at(this.#random.below(2000), () => simulation.start(name))
    simulation.run(FORMED)
    this.#checkFormed()
    this.#shown.clear()
    this.#client(FORMED + TROUBLE)
    this.#faults.begin(FORMED + TROUBLE)
    simulation.run(FORMED + TROUBLE)
    this.#faults.heal()
    simulation.run(FORMED + TROUBLE + PEACE - LAST_WRITES)
    for (const process of simulation.processes.values()) this.#askLast(process)
    simulation.run(FORMED + TROUBLE + PEACE)
    this.#checkAnswered()
    this.#checkEqual()
    if (this.#members === undefined) this.#fates.check(simulation.processes.values())
    else this.#history.check(this.#settled, simulation.processes.values(), this.#highestAcknowledged)
    return {
      acknowledged: this.#acknowledged,
      refused: this.#refusals,
      faults: this.#faults.counts,
      epochs: this.#epochs.size,
      conflicts: this.#fates.conflicts,
      leases: this.#leases.granted,
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
        hold: SHORTEST_HOLD + random.below(4000),
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
      this.#leases.over(process, process.name, request)
      process.replica.endLease(request, failure, now)
    })
  }

  // What is seen.

  applied(process: SimulatedProcess, entry: LogEntry): void {
    this.#epochs.add(`${entry.version.epoch} ${entry.version.loader}`)
    if (this.#members === undefined) return
    this.#history.applied(process, entry)
  }

  change(process: SimulatedProcess, change: TableChange): void {
    const { key, version, cause } = change
    const place = `${process.client} ${key}`
    // In open stores what one side of a partition deleted may come back from the other, as old as it is there.
    const shown = this.#members === undefined ? undefined : this.#shown.get(place)
    if (shown !== undefined && version.compare(shown) < 0) {
      this.#fail(`${process.client} shows ${key} at ${version} after ${shown} (${cause})`)
    }
    this.#shown.set(place, version)
    if (this.#members === undefined) this.#fates.change(process, change)
  }

  conflict(_process: SimulatedProcess, { discarded }: TableConflict): void {
    if (discarded !== undefined) this.#fates.discarded(discarded)
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
    if (process.replica.leads) this.#leases.grant(process, process.name, key, request)
    const random = this.#random
    const { expected } = verdict
    const fate = random.next()
    if (fate > 0.9) return
    this.#simulation.at(random.below(3000), () => {
      if (!process.alive) return
      if (fate < 0.7) {
        const bytes = Buffer.from(`v${++this.#values}`)
        const write: Write = { key, bytes, ttl: undefined, stale: 0, expected }
        const id = this.#simulation.submit(process, { kind: 'write', writes: [write] }, 'majority', request)
        this.#pending.set(`${process.client}/${id}`, {
          process,
          operation: { kind: 'write', writes: [write] },
          floor: this.#highestAcknowledged,
        })
        this.#leases.over(process, process.name, request)
        return
      }
      this.#endLease(process, request, fate < 0.8 ? 'failed' : undefined)
    })
  }

  leaseLost(): void {}

  sent(process: SimulatedProcess, to: string, message: Message): void {
    this.#leases.sent(process, to, message)
  }

  delivered(process: SimulatedProcess, from: string, message: Message): void {
    if (message.kind === 'vote' && message.granted && !message.trial) this.#faults.voted(from)
    this.#leases.delivered(process, from, message)
  }

  down(process: SimulatedProcess, peer: string): void {
    this.#leases.down(process, peer)
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

  #fail(message: string): never {
    throw new ScheduleError(this.#options.seed, `${message} (at ${Math.round(this.#simulation.now)} ms)`)
  }
}

function contents({ replica }: SimulatedProcess): string {
  const entries = Array.from(
    replica.table.entries(),
    ([key, { version, bytes }]) => `${key}=${Buffer.from(bytes)} ${version}`,
  )
  return [`${replica.table.position}`, ...entries.sort()].join('\n')
}
