import { expect } from 'vitest'
import type { LeaseVerdict } from '../../../src/store/replication/messages.ts'
import type { SimulatedProcess, SimulationObserver, SimulationOptions } from '../../../src/testing/simulated-process.ts'
import { StoreSimulation } from '../../../src/testing/store-simulation.ts'

/** A simulated cluster for one course of events, begun and at peace. */
export class Scene implements SimulationObserver {
  readonly simulation: StoreSimulation
  readonly refusals: string[] = []
  readonly settlements: string[] = []
  readonly granted: { readonly node: string; readonly verdict: LeaseVerdict }[] = []
  readonly lost: string[] = []

  constructor({
    members,
    others = [],
    ...options
  }: Partial<SimulationOptions> & { readonly members?: readonly string[]; readonly others?: readonly string[] }) {
    const names = [...(members ?? []), ...others]
    const usual = { seed: 1, loader: undefined, durable: false, logEntries: 100 }
    this.simulation = new StoreSimulation({ ...usual, ...options, names, members }, this)
    for (const name of names) this.simulation.start(name)
    this.run(20_000)
  }

  get all(): SimulatedProcess[] {
    return [...this.simulation.processes.values()]
  }

  process(name: string): SimulatedProcess {
    return this.simulation.processes.get(name) as SimulatedProcess
  }

  loader(): SimulatedProcess {
    return this.all.find(({ replica, paused }) => replica.leads && !paused) as SimulatedProcess
  }

  others(than: SimulatedProcess): SimulatedProcess[] {
    return this.all.filter((process) => process !== than)
  }

  run(time: number): void {
    this.simulation.run(this.simulation.now + time)
  }

  put(name: string, key: string, text = key): void {
    const write = { key, bytes: Buffer.from(text), ttl: undefined, stale: 0, expected: undefined }
    this.simulation.submit(this.process(name), { kind: 'write', writes: [write] }, 'majority')
  }

  expectEqual(): void {
    const [first, ...others] = this.all.map(({ replica }) => ({
      loader: typeof replica.loader,
      entries: Array.from(replica.table.entries(), ([key, { version }]) => `${key} ${version}`).sort(),
    }))
    expect(first?.loader).toBe('string')
    for (const other of others) expect(other).toEqual(first)
  }

  applied(): void {}
  change(): void {}
  conflict(): void {}
  settled(process: SimulatedProcess): void {
    this.settlements.push(process.name)
  }
  refused(process: SimulatedProcess, _request: number, code: string): void {
    this.refusals.push(`${process.name} ${code}`)
  }
  lease(process: SimulatedProcess, _request: number, verdict: LeaseVerdict): void {
    this.granted.push({ node: process.name, verdict })
  }
  leaseLost(process: SimulatedProcess): void {
    this.lost.push(process.name)
  }
  delivered(): void {}
  sent(): void {}
  down(): void {}
}
