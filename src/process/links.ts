import { TsunagiError } from '../base/errors.ts'
import type { Pid } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { NOPROC } from './exit-signal.ts'
import type { LocalProcess } from './local-process.ts'
import type { Peer } from './peer.ts'
import type { ProcessTable } from './process-table.ts'
import { sendReason } from './send-reason.ts'

/**
 * One end of a link between a local process and a process of a peer, as the link protocol of
 * `erts/doc/guides/erl_dist_protocol.md` keeps it: absent, active, or being taken away until the peer acknowledges.
 */
export class PeerLink {
  readonly process: LocalProcess
  readonly peer: Peer
  readonly pid: Pid
  /** The number of the UNLINK_ID that is under way; 0 while the link is active. */
  unlinking = 0

  constructor(process: LocalProcess, peer: Peer, pid: Pid) {
    this.process = process
    this.peer = peer
    this.pid = pid
  }

  get active(): boolean {
    return this.unlinking === 0
  }
}

/** The other end of a link: a local process itself, or what is kept for one of a peer. */
export type LinkEnd = LocalProcess | PeerLink

/** The signals of links, in both directions. */
export class Links {
  readonly #table: ProcessTable
  #unlinks = 0

  constructor(table: ProcessTable) {
    this.#table = table
  }

  link(process: LocalProcess, pid: Pid): void {
    if (pid.equals(process.pid)) return
    const { router } = this.#table
    if (pid.nodeAtom === router.nodeAtom) return this.#linkLocal(process, pid)
    const known = process.linkTo(pid)
    if (known instanceof PeerLink) {
      if (known.active) return
      // The acknowledgement that is still to come no longer matters.
      known.unlinking = 0
      router.link(process.pid, pid)
      return
    }
    const link = this.#add(process, this.#table.peer(pid.nodeAtom), pid)
    try {
      router.link(process.pid, pid)
    } catch (error) {
      this.#remove(link)
      throw error
    }
  }

  unlink(process: LocalProcess, pid: Pid): void {
    const link = process.linkTo(pid)
    if (link instanceof PeerLink) {
      if (!link.active) return
      link.unlinking = ++this.#unlinks
      this.#table.router.unlink(link.unlinking, process.pid, pid)
    } else if (link !== undefined) {
      process.forgetLink(pid)
      link.forgetLink(process.pid)
    }
  }

  /** LINK from a process of a peer. */
  linked(process: LocalProcess, peer: Peer, from: Pid): void {
    // Also while one is being taken away: both sides know how that ends.
    if (process.linkTo(from) === undefined) this.#add(process, peer, from)
  }

  /** UNLINK_ID or UNLINK. One that is being taken away here, too, waits for its own acknowledgement. */
  unlinked(process: LocalProcess, from: Pid): void {
    const link = process.linkTo(from)
    if (link instanceof PeerLink && link.active) this.#remove(link)
  }

  /** UNLINK_ID_ACK. */
  acknowledged(process: LocalProcess, from: Pid, id: number | bigint): void {
    const link = process.linkTo(from)
    if (link instanceof PeerLink && !link.active && Number(id) === link.unlinking) this.#remove(link)
  }

  /** EXIT: the other end is gone. A link that is being taken away passes nothing on. */
  broken(process: LocalProcess, from: Pid, reason: Term, bytes?: number): void {
    const link = process.linkTo(from)
    if (!(link instanceof PeerLink)) return
    this.#remove(link)
    if (link.active) process.receiveExit('link', from, reason, bytes)
  }

  /** A local process has ended: tells all who are linked with it. */
  breakAll(process: LocalProcess, ends: Iterable<LinkEnd>, reason: Term): void {
    for (const end of ends) {
      if (end instanceof PeerLink) {
        end.peer.links.delete(end)
        if (end.active) sendReason(reason, (value) => this.#table.router.exit(process.pid, end.pid, value))
      } else {
        end.forgetLink(process.pid)
        end.receiveExit('link', process.pid, reason)
      }
    }
  }

  #linkLocal(process: LocalProcess, pid: Pid): void {
    const other = this.#table.find(pid)
    if (other !== undefined) {
      process.setLink(pid, other)
      other.setLink(process.pid, process)
    } else if (process.trapExit) {
      process.receiveExit('link', pid, NOPROC)
    } else {
      throw new TsunagiError('ERR_NOPROC', `cannot link with ${pid}: no such process`)
    }
  }

  #add(process: LocalProcess, peer: Peer, pid: Pid): PeerLink {
    const link = new PeerLink(process, peer, pid)
    process.setLink(pid, link)
    peer.links.add(link)
    return link
  }

  #remove(link: PeerLink): void {
    link.peer.links.delete(link)
    link.process.forgetLink(link.pid)
  }
}
