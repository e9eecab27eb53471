import { TsunagiError } from '../base/errors.ts'
import type { Process } from '../process/process.ts'
import { atom, isTuple, parse, tuple } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { inProcess } from './in-process.ts'
import { report } from './output.ts'

/** Sends a message. */
export async function send(target: string, name: string, term: string, options: GuestOptions): Promise<void> {
  const message = parse(term)
  await withGuest(target, options, async (guest, node) => {
    await inProcess(guest, async (self) => {
      await assertThere(self, name, node, options.timeout)
      // Leaving writes out what is still queued.
      self.send({ name, node }, message)
    })
    report(options, { node, name, sent: true }, `sent to ${name} on ${node}`)
  })
}

/** Signals that reach nobody are lost without a word; a monitor tells beforehand. */
async function assertThere(self: Process, name: string, node: string, timeout: number): Promise<void> {
  const ref = self.monitor({ name, node })
  // By its answer, the monitor has been looked at: it was asked later, over the same link.
  await self.call({ name: 'net_kernel', node }, tuple(atom('is_auth'), atom(self.pid.node)), { timeout })
  const gone = self.mailboxLength > 0 ? await self.receive() : undefined
  if (isTuple(gone) && gone[0] === atom('DOWN')) {
    throw new TsunagiError('ERR_NOPROC', `no process is registered as ${name} on ${node}`)
  }
  self.demonitor(ref, { flush: true })
}
