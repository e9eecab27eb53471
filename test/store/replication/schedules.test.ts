import { describe, expect, it } from 'vitest'
import type { Mutation } from '../../../src/testing/simulated-process.ts'
import { checkSchedule, ScheduleError, type ScheduleOptions } from '../../../src/testing/store-checker.ts'
import { seed } from '../../support/seed.ts'

/** Schedules of each kind: few here, many with `npm run check:store`. */
const RUNS = Number(process.env.TSUNAGI_STORE_RUNS ?? 60)
/** Schedules within which a broken protocol has to be noticed. */
const PATIENCE = 400

const kinds: [string, Omit<ScheduleOptions, 'seed'>][] = [
  ['fixed voters without disks', { voters: true, durable: false }],
  ['fixed voters with disks', { voters: true, durable: true }],
  ['open stores without disks', { voters: false, durable: false }],
  ['open stores with disks', { voters: false, durable: true }],
]

describe('random schedules', () => {
  it.each(kinds)('hold of %s', { timeout: 60_000 + RUNS * 2000 }, (_name, options) => {
    const seen = { acknowledged: 0, leases: 0, faults: 0, epochs: 0, conflicts: 0 }
    for (let run = 0; run < RUNS; run++) {
      const report = checkSchedule({ ...options, seed: seed + run })
      seen.acknowledged += report.acknowledged
      seen.leases += report.leases
      seen.epochs += report.epochs
      seen.conflicts += report.conflicts
      for (const count of Object.values(report.faults)) seen.faults += count
    }
    // So that nobody takes schedules in which nothing happens for a proof.
    expect(seen.acknowledged / RUNS).toBeGreaterThan(100)
    expect(seen.leases / RUNS).toBeGreaterThan(5)
    expect(seen.faults / RUNS).toBeGreaterThan(5)
    expect(seen.epochs / RUNS).toBeGreaterThan(1)
    if (!options.voters) expect(seen.conflicts).toBeGreaterThan(0)
  })

  it('are the same when they are run again', () => {
    const options = { voters: true, durable: true, seed }
    expect(checkSchedule(options)).toEqual(checkSchedule(options))
  })
})

const mutations: [string, Omit<ScheduleOptions, 'seed' | 'mutation'>, Mutation][] = [
  [
    'a voter that lost its state and takes itself for one that has it',
    { voters: true, durable: true },
    {
      find: (saved, name) =>
        saved ?? {
          meta: { promised: { epoch: 1, loader: name }, incarnation: 1, incarnations: [], restored: true },
          state: undefined,
          entries: [],
        },
    },
  ],
  [
    'a follower that acknowledges what it has not got',
    { voters: true, durable: false },
    { tamper: (message) => (message.kind === 'appended' ? { ...message, match: 2 ** 40 } : message) },
  ],
  [
    'a loader that takes for committed what only it has',
    { voters: true, durable: false },
    {
      tamper: (message) =>
        message.kind === 'append'
          ? { ...message, commit: message.previous.sequence + message.entries.length }
          : message,
    },
  ],
  [
    'a disk that says it has written what it has not',
    { voters: true, durable: true },
    { save: (save) => ({ ...save, entries: [] }) },
  ],
  [
    'a voter that votes for those who know less than itself',
    { voters: true, durable: true },
    { tamper: (message) => (message.kind === 'vote' ? { ...message, granted: true, restored: true } : message) },
  ],
  [
    'a merge that does not say what it discards',
    { voters: false, durable: false },
    {
      tamper: (message) =>
        message.kind === 'offer'
          ? { ...message, entries: message.entries.map((entry) => ({ ...entry, bytes: undefined })) }
          : message,
    },
  ],
  [
    'a node that joins and says it knows nothing of its own',
    { voters: false, durable: false },
    { tamper: (message) => (message.kind === 'join' ? { ...message, reaches: [] } : message) },
  ],
]

describe('a broken protocol', () => {
  it.each(mutations)('is noticed: %s', { timeout: 300_000 }, (_name, options, mutation) => {
    let found: unknown
    for (let run = 0; run < PATIENCE && found === undefined; run++) {
      try {
        checkSchedule({ ...options, mutation, seed: seed + run })
      } catch (error) {
        found = error
      }
    }
    expect(found).toBeInstanceOf(ScheduleError)
  })
})
