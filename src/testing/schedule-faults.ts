import { VoterReplica } from '../store/replication/voter-replica.ts'
import type { Random } from './random.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { StoreSimulation } from './store-simulation.ts'

/** What {@link ScheduleFaults} need to know. */
export interface FaultOptions {
  readonly simulation: StoreSimulation
  readonly random: Random
  readonly names: readonly string[]
  readonly members: readonly string[] | undefined
  readonly durable: boolean
}

/**
 * What happens to the nodes of a schedule: they are killed, paused, parted, restarted with or without their disks. Of fixed voters a
 * majority has its state at any time.
 */
export class ScheduleFaults {
  /** How often what has happened. */
  readonly counts: Record<string, number> = {}
  readonly #simulation: StoreSimulation
  readonly #random: Random
  readonly #names: readonly string[]
  readonly #members: readonly string[] | undefined
  readonly #durable: boolean
  /** Voters without their state. */
  readonly #lost = new Set<string>()
  /** The next voter dies as soon as its vote has arrived. */
  #voterDies = false

  constructor({ simulation, random, names, members, durable }: FaultOptions) {
    this.#simulation = simulation
    this.#random = random
    this.#names = names
    this.#members = members
    this.#durable = durable
  }

  /** Lets things happen until then. */
  begin(until: number): void {
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
      this.counts[kind] = (this.counts[kind] ?? 0) + 1
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
        if (!this.#durable || !random.chance(0.2)) return
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
        if (victim === undefined || !this.#durable || victim.diskFailed || victim.paused) return
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
    if (this.#durable && !losesDisk) return true
    for (const lost of this.#lost) {
      const replica = this.#simulation.processes.get(lost)?.replica
      if (replica instanceof VoterReplica && replica.restored) this.#lost.delete(lost)
    }
    const after = new Set(this.#lost).add(name)
    return after.size <= Math.floor((this.#members.length - 1) / 2)
  }

  /** A vote has arrived: maybe it was the last thing its voter did. It is back at once. */
  voted(name: string): void {
    if (!this.#voterDies) return
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
    if (!this.#durable || losesDisk) {
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

  /** Everything works again, and everybody is there. */
  heal(): void {
    const simulation = this.#simulation
    simulation.links.unblockAll()
    for (const process of [...simulation.processes.values()]) {
      if (process.paused) simulation.resume(process)
      if (process.diskFailed) {
        simulation.kill(process)
      }
    }
    simulation.at(500, () => {
      for (const name of this.#names) if (!simulation.processes.has(name)) simulation.start(name)
    })
  }
}
