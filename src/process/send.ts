import { TsunagiError } from '../base/errors.ts'
import { isAtom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { addressOf, type Destination } from './address.ts'
import { castMessage } from './gen.ts'
import type { LocalProcess } from './local-process.ts'

/**
 * Sends a message for a process. Local receivers get the very same object, uncopied: sender and receiver must both treat
 * it as immutable. False when the link to a remote one is over its high-water mark.
 *
 * @throws TsunagiError `ERR_NOPROC` for a bare name that is not registered, as Erlang's `Name ! Message`; a pid or a
 *   `{ name, node }` may be gone, as there.
 */
export function sendMessage(from: LocalProcess, to: Destination, message: Term): boolean {
  const { table } = from
  const { router } = table
  const address = addressOf(to, router.nodeAtom)
  if (address instanceof Pid) {
    if (address.nodeAtom !== router.nodeAtom) return router.sendToPid(from.pid, address, message)
    table.find(address)?.deliver(message, 0)
    return true
  }
  if (address instanceof Reference) {
    if (address.nodeAtom !== router.nodeAtom) return router.sendToAlias(from.pid, address, message)
    table.references.find(address)?.receiver?.deliver(message, 0)
    return true
  }
  if (address.node !== router.nodeAtom) return router.sendToName(from.pid, address.node, address.name, message)
  const process = table.names.find(address.name)
  if (process !== undefined) process.deliver(message, 0)
  else if (typeof to === 'string' || isAtom(to)) {
    throw new TsunagiError('ERR_NOPROC', `no process is registered as ${address.name.name}`)
  }
  return true
}

/** Casts; a name nobody has is no error, as with OTP's `gen_server:cast`. */
export function sendCast(from: LocalProcess, to: Destination, message: Term): boolean {
  return sendMessage(from, addressOf(to, from.table.router.nodeAtom), castMessage(message))
}

/** Sends an exit signal for a process. */
export function sendExit(from: LocalProcess, to: Pid, reason: Term): void {
  const { router } = from.table
  if (to.nodeAtom === router.nodeAtom) from.table.find(to)?.receiveExit('exit', from.pid, reason)
  else router.exit2(from.pid, to, reason)
}
