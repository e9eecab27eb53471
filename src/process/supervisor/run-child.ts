import { atom } from '../../term/atom.ts'
import type { Pid } from '../../term/identifiers.ts'
import type { Term } from '../../term/term.ts'
import { isTuple } from '../../term/tuple.ts'
import { KILL, SHUTDOWN } from '../exit-signal.ts'
import type { ServerHandlers, ServerSource } from '../gen-server.ts'
import { LocalProcess } from '../local-process.ts'
import { LocalServer } from '../local-server.ts'
import { makeProcess } from '../make-process.ts'
import { sendExit } from '../send.ts'
import { whenEnded } from '../server-ref.ts'
import { soon } from '../turn.ts'
import type { Child } from './child.ts'
import type { Children } from './children.ts'
import type { ResolvedChild, ResolvedSupervisor } from './options.ts'
import { ResourceServer } from './resource.ts'

const EXIT = atom('EXIT')

type MakeSupervisor = (self: LocalServer, options: ResolvedSupervisor) => ServerHandlers

/**
 * Starts a child and waits for its `init`. It is linked with its supervisor from before that, so that neither outlives
 * the other; a start that fails leaves nothing behind.
 *
 * @throws what its `init` threw, as `node.start`; TsunagiError `ERR_NAME_TAKEN`.
 */
export async function startChild(
  supervisor: LocalServer,
  child: Child,
  children: Children,
  supervise: MakeSupervisor,
): Promise<void> {
  const { table } = supervisor
  const { spec } = child
  if (supervisor.ended) throw supervisor.endError()
  const body = spec.process
  const process = makeProcess(table, body === undefined ? LocalServer : LocalProcess, spec.spawn)
  children.setProcess(child, process)
  table.links.link(supervisor, process.pid)
  if (body !== undefined) return soon(() => process.run(body))
  try {
    const server = process as LocalServer
    await server.begin(sourceOf(spec, server, supervise), supervisor.pid)
  } catch (error) {
    forgetExit(supervisor, process.pid)
    children.setProcess(child, undefined)
    throw error
  }
}

function sourceOf(
  { server, start, supervisor }: ResolvedChild,
  self: LocalServer,
  supervise: MakeSupervisor,
): ServerSource {
  if (supervisor !== undefined) return supervise(self, supervisor)
  return start === undefined ? (server as ServerSource) : new ResourceServer(start)
}

/** Ends a child, if it runs, in the way its specification says. Resolves to how it ended. */
export async function endChild(
  supervisor: LocalServer,
  child: Child,
  children: Children,
): Promise<{ readonly pid: Pid; readonly reason: Term } | undefined> {
  const { process, spec } = child
  if (process === undefined) return undefined
  if (!process.ended) {
    const brutal = spec.shutdown === 'brutal_kill'
    const ended = whenEnded(process)
    sendExit(supervisor, process.pid, brutal ? KILL : SHUTDOWN)
    const patience = brutal ? Number.POSITIVE_INFINITY : (spec.shutdown as number)
    const timer =
      patience === Number.POSITIVE_INFINITY
        ? undefined
        : supervisor.clock.after(patience, () => sendExit(supervisor, process.pid, KILL))
    await ended
    timer?.cancel()
  }
  forgetExit(supervisor, process.pid)
  children.setProcess(child, undefined)
  return { pid: process.pid, reason: process.endError().reason }
}

/** The exit signal of a child whose end is known already. */
function forgetExit(supervisor: LocalServer, pid: Pid): void {
  supervisor.mailbox.take((message) => isTuple(message) && message[0] === EXIT && pid.equals(message[1]))
}
