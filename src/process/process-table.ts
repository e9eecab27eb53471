import type { Clock } from '../base/clock.ts'
import type { Limits } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import type { Atom } from '../term/atom.ts'
import { Pid } from '../term/identifiers.ts'
import type { RegisteredName } from './address.ts'
import type { CallTracer } from './call-trace.ts'
import { Links } from './links.ts'
import type { LocalProcess } from './local-process.ts'
import { Monitors } from './monitors.ts'
import { Names } from './names.ts'
import { Peer } from './peer.ts'
import { ProcessSlots } from './process-slots.ts'
import { References } from './references.ts'
import type { Router } from './router.ts'

/** What a table is made with. */
export interface TableOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Pick<Limits, 'mailboxMessages' | 'mailboxBytes'>
}

/** Pids carry 28 bits on every OTP release; beyond them the serial counts on. */
const idLimit = 2 ** 28

/** All that is known of one node's processes: who lives, under which names, and what ties them to other nodes. */
export class ProcessTable {
  readonly router: Router
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: TableOptions['limits']
  readonly names = new Names()
  /** Follows calls, where somebody wants to know. */
  tracer: CallTracer | undefined
  readonly references: References
  readonly links = new Links(this)
  readonly monitors = new Monitors(this)
  readonly #processes = new ProcessSlots()
  readonly #peers = new Map<Atom, Peer>()
  #id: number
  #serial = 0
  #ended: LocalProcess[] = []
  #telling = false

  /** `firstId` is for tests of what happens when ids run out. */
  constructor(router: Router, options: TableOptions, firstId = 1) {
    this.router = router
    this.clock = options.clock
    this.logger = options.logger
    this.limits = options.limits
    const [secret] = crypto.getRandomValues(new Uint32Array(1)) as unknown as [number]
    this.references = new References(router.nodeAtom, router.creation, secret)
    this.#id = firstId
  }

  /** How many processes live. */
  get size(): number {
    return this.#processes.size
  }

  get processes(): Iterable<LocalProcess> {
    return this.#processes.values()
  }

  /** A pid no living process has. */
  allocatePid(): Pid {
    while (!this.#processes.isFree(this.#id)) this.#advance()
    const pid = new Pid(this.router.nodeAtom, this.#id, this.#serial, this.router.creation)
    this.#advance()
    return pid
  }

  add(process: LocalProcess): void {
    this.#processes.add(process)
  }

  /** By the numbers a pid of this node is made of. */
  at(id: number, serial: number, creation: number): LocalProcess | undefined {
    const process = this.#processes.find(id)
    if (process === undefined || process.pid.serial !== serial || creation !== this.router.creation) return undefined
    return process
  }

  find(pid: Pid): LocalProcess | undefined {
    if (pid.nodeAtom !== this.router.nodeAtom) return undefined
    return this.at(pid.id, pid.serial, pid.creation)
  }

  /** The local process at an address of this node. */
  lookUp(address: Pid | RegisteredName): LocalProcess | undefined {
    return address instanceof Pid ? this.find(address) : this.names.find(address.name)
  }

  /** What ties us to a node; made when there is nothing yet. */
  peer(node: Atom): Peer {
    let peer = this.#peers.get(node)
    if (peer === undefined) {
      peer = new Peer(node, this.router)
      this.#peers.set(node, peer)
    }
    return peer
  }

  /** What ties us to a node, if anything does. */
  knownPeer(node: Atom): Peer | undefined {
    return this.#peers.get(node)
  }

  get peerCount(): number {
    return this.#peers.size
  }

  forgetPeer(node: Atom): Peer | undefined {
    const peer = this.#peers.get(node)
    this.#peers.delete(node)
    return peer
  }

  /**
   * A process has ended: it is gone at once, and those who are linked with it or watch it are told. That can end others,
   * which wait in line here, so that a long chain of links does not become a deep stack.
   */
  remove(process: LocalProcess): void {
    this.#processes.remove(process)
    if (process.nameAtom !== undefined) this.names.release(process.nameAtom)
    this.#ended.push(process)
    if (this.#telling) return
    this.#telling = true
    try {
      // Also those that end meanwhile.
      for (const ended of this.#ended) ended.tellEnd()
    } finally {
      this.#ended = []
      this.#telling = false
    }
  }

  #advance(): void {
    if (++this.#id < idLimit) return
    this.#id = 1
    this.#serial++
  }
}
