import type { Process } from '../../src/process/process.ts'
import type { ProcessSystem } from '../../src/process/process-system.ts'
import type { Pid } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { isTuple } from '../../src/term/tuple.ts'

/** A body that reads its messages and never ends by itself. */
export async function idle(self: Process): Promise<void> {
  for await (const _ of self);
}

/** Spawns a process that idles and resolves to its own view of it. */
export function within(system: ProcessSystem, options = {}): Promise<Process> {
  return new Promise((resolve) => {
    system.spawn((self) => {
      resolve(self)
      return new Promise(() => {})
    }, options)
  })
}

/** Resolves to a function that monitors a process at once and resolves to the reason it ended with. */
export async function observer(system: ProcessSystem): Promise<(pid: Pid) => Promise<Term>> {
  const self = await within(system)
  return async (pid) => {
    const ref = self.monitor(pid)
    const down = await self.receive((message) => isTuple(message) && message[1] === ref)
    return isTuple(down) ? down[4] : down
  }
}

/**
 * Lets everything go on that was started. Several rounds of the event loop: a machine that is busy for a moment makes
 * mailboxes wait for the next one.
 */
export async function settled(): Promise<void> {
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setImmediate(resolve))
}

/** Waits until something holds. The test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
