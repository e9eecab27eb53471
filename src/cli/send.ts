import { Command } from 'commander'
import { TsunagiError } from '../base/errors.ts'
import type { Process } from '../process/process.ts'
import { atom, isTuple, parse, tuple } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { inProcess } from './in-process.ts'
import { cookieOption, epmdPortOption, jsonOption, timeoutOption, withExample } from './options.ts'
import { report } from './output.ts'

/** `tsunagi send`: a message to a registered process. */
export function sendCommand(): Command {
  const command = new Command('send')
    .description('Send a message to a registered process. Fails when nobody has the name.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .argument('<name>', 'registered name of the process')
    .argument('<term>', 'the message in Erlang syntax')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(send)
  return withExample(command, `tsunagi send app@127.0.0.1 inbox '{temperature, 42}' --cookie secret`)
}

async function send(target: string, name: string, term: string, options: GuestOptions): Promise<void> {
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
