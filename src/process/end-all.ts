import { KILLED, SHUTDOWN } from './exit-signal.ts'
import type { LocalProcess } from './local-process.ts'
import { LocalServer } from './local-server.ts'
import type { ProcessTable } from './process-table.ts'
import { whenEnded } from './server-ref.ts'
import { SupervisorServer } from './supervisor/supervisor-server.ts'

/**
 * Ends all processes of a node but `outside`, with reason `shutdown`: servers are stopped, so that their `terminate` runs,
 * other processes end at once; children are left to their supervisors, who know the order. What is still there after
 * `grace` ms is killed.
 */
export async function endAll(table: ProcessTable, outside: LocalProcess, grace: number): Promise<void> {
  const supervised = new Set<LocalProcess>()
  for (const { process } of childrenIn(table)) if (process !== undefined) supervised.add(process)
  const servers: LocalServer[] = []
  for (const process of [...table.processes]) {
    if (process === outside || supervised.has(process)) continue
    if (process instanceof LocalServer) servers.push(process)
    else process.end(SHUTDOWN)
  }
  const kill = (): void => {
    for (const process of [...table.processes]) if (process !== outside) process.end(KILLED)
  }
  const timer = table.clock.after(grace, kill)
  const ended = servers.map(whenEnded)
  for (const server of servers) server.stop(SHUTDOWN)
  await Promise.all(ended)
  timer.cancel()
  // What a server spawned while it stopped, and children that outlived a supervisor by unlinking.
  kill()
}

function* childrenIn(table: ProcessTable): Iterable<{ readonly process: LocalProcess | undefined }> {
  for (const process of table.processes) {
    if (process instanceof LocalServer && process.handlers instanceof SupervisorServer) yield* process.handlers.children
  }
}
