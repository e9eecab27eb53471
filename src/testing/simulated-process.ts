import type { Meta, Saved } from '../store/replication/action.ts'
import { ChangeQueue } from '../store/replication/change-queue.ts'
import type { LeaseVerdict, Message } from '../store/replication/messages.ts'
import type { LogEntry, Outcome } from '../store/replication/operation.ts'
import type { Replica } from '../store/replication/replica.ts'
import type { TableChange, TableConflict } from '../store/replication/table.ts'
import type { TableImage } from '../store/replication/table-image.ts'

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
