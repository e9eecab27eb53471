import type { ServiceHost } from '../../node/service-host.ts'
import type { ServiceProcess } from '../../process/service-process.ts'
import { atom, isTuple, Pid, type Reference, type Term } from '../../term/index.ts'
import type { PresenceHandle } from './presence-handle.ts'
import { EXACT } from './present.ts'

const DOWN = atom('DOWN')
const NORMAL = atom('normal')
const SHUTDOWN = atom('shutdown')

/** A process that something tracked belongs to. */
interface Owner {
  readonly handles: Set<PresenceHandle>
  /** The monitor of a process of the program; */
  readonly ref: Reference | undefined
  /** or the process itself, which is there for its only handle. */
  readonly process: ServiceProcess | undefined
}

/** The processes that what is tracked here belongs to. When one ends, so does what belongs to it. */
export class Owners {
  readonly #host: ServiceHost
  /** The one that monitors them. */
  readonly #process: ServiceProcess
  readonly #owners = new Map<string, Owner>()
  readonly #ended: (handles: readonly PresenceHandle[]) => void

  /** @throws TsunagiError `ERR_CLOSED` */
  constructor(host: ServiceHost, ended: (handles: readonly PresenceHandle[]) => void) {
    this.#host = host
    this.#ended = ended
    this.#process = host.serve(undefined, EXACT, (message, peer) => {
      if (peer === undefined) this.#receive(message)
    })
  }

  /** The presence's own process. */
  get pid(): Pid {
    return this.#process.pid
  }

  /** The handles of a process. */
  of(pid: Pid): Iterable<PresenceHandle> {
    return this.#owners.get(pid.key)?.handles ?? []
  }

  /** Makes a process for a handle that has none. */
  create(): Pid {
    const process = this.#host.serve(undefined, EXACT, () => {})
    this.#owners.set(process.pid.key, { handles: new Set(), ref: undefined, process })
    return process.pid
  }

  add(handle: PresenceHandle): void {
    const { pid } = handle
    const owner = this.#owners.get(pid.key)
    if (owner !== undefined) {
      owner.handles.add(handle)
      return
    }
    // It is known before it is monitored, which tells at once of one that has ended.
    const handles = new Set([handle])
    this.#owners.set(pid.key, { handles, ref: undefined, process: undefined })
    const ref = this.#process.monitor(pid)
    if (this.#owners.has(pid.key)) this.#owners.set(pid.key, { handles, ref, process: undefined })
  }

  delete(handle: PresenceHandle): void {
    const { pid } = handle
    const owner = this.#owners.get(pid.key)
    if (owner?.handles.delete(handle) !== true || owner.handles.size > 0) return
    this.#owners.delete(pid.key)
    if (owner.ref !== undefined) this.#process.demonitor(owner.ref)
    owner.process?.end(NORMAL)
  }

  close(): void {
    for (const { handles, process } of this.#owners.values()) {
      for (const handle of handles) handle.entry = undefined
      process?.end(SHUTDOWN)
    }
    this.#owners.clear()
    this.#process.end(SHUTDOWN)
  }

  #receive(message: Term): void {
    if (!isTuple(message) || message[0] !== DOWN || !(message[3] instanceof Pid)) return
    const owner = this.#owners.get(message[3].key)
    if (owner === undefined) return
    this.#owners.delete(message[3].key)
    this.#ended([...owner.handles])
  }
}
