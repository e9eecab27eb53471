import { TsunagiError } from '../base/errors.ts'
import type { Link } from '../dist/link.ts'
import type { Router, UnlinkId } from '../process/router.ts'
import { type Atom, atom, Pid, type Reference, type Term } from '../term/index.ts'
import type { Held } from './link-waiters.ts'
import type { Peers } from './peers.ts'

const NOCONNECTION = atom('noconnection')

/** The way of signals to other nodes: over the link where there is one, else held while it is dialled. */
export class Outbound implements Router {
  readonly nodeAtom: Atom
  readonly creation: number
  readonly #peers: Peers

  constructor(nodeAtom: Atom, creation: number, peers: Peers) {
    this.nodeAtom = nodeAtom
    this.creation = creation
    this.#peers = peers
  }

  sendToPid(from: Pid, to: Pid, message: Term, token?: Term): boolean {
    const link = this.#peers.linkTo(to.nodeAtom)
    if (link !== undefined) return link.send.sendToPid(from, to, message, undefined, token)
    return this.#holdMessage(to.nodeAtom, ({ send }) => send.sendToPid(from, to, message, undefined, token))
  }

  sendToName(from: Pid, node: Atom, name: Atom, message: Term, token?: Term): boolean {
    const link = this.#peers.linkTo(node)
    if (link !== undefined) return link.send.sendToName(from, name, message, undefined, token)
    return this.#holdMessage(node, ({ send }) => send.sendToName(from, name, message, undefined, token))
  }

  sendToAlias(from: Pid, to: Reference, message: Term): boolean {
    const link = this.#peers.linkTo(to.nodeAtom)
    if (link !== undefined) return link.send.sendToAlias(from, to, message)
    return this.#holdMessage(to.nodeAtom, ({ send }) => send.sendToAlias(from, to, message))
  }

  link(from: Pid, to: Pid): void {
    this.#signal(to.nodeAtom, (link) => {
      if (isStale(to, link)) this.#peers.processes.handleExit(link.peer, to, from, NOCONNECTION)
      else link.send.link(from, to)
    })
  }

  unlink(id: UnlinkId, from: Pid, to: Pid): void {
    this.#answer(to.nodeAtom, (link) => isStale(to, link) || link.send.unlink(id, from, to))
  }

  unlinkAck(id: UnlinkId, from: Pid, to: Pid): void {
    this.#answer(to.nodeAtom, (link) => isStale(to, link) || link.send.unlinkAck(id, from, to))
  }

  /** To a process of an earlier incarnation this would make OTP close the connection. */
  exit(from: Pid, to: Pid, reason: Term): void {
    this.#answer(to.nodeAtom, (link) => isStale(to, link) || link.send.exit(from, to, reason))
  }

  exit2(from: Pid, to: Pid, reason: Term): void {
    this.#signal(to.nodeAtom, (link) => isStale(to, link) || link.send.exit2(from, to, reason))
  }

  monitor(from: Pid, node: Atom, target: Pid | Atom, ref: Reference): void {
    this.#signal(node, (link) => {
      if (!isStale(target, link)) link.send.monitor(from, target, ref)
      else this.#peers.processes.handleMonitorExit(link.peer, target, from, ref, NOCONNECTION)
    })
  }

  demonitor(from: Pid, node: Atom, target: Pid | Atom, ref: Reference): void {
    this.#answer(node, (link) => isStale(target, link) || link.send.demonitor(from, target, ref))
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    this.#answer(to.nodeAtom, (link) => isStale(to, link) || link.send.monitorExit(from, to, ref, reason))
  }

  /** A signal that is worth a dial, and that must not be lost for lack of room: somebody waits for what it does. */
  #signal(node: Atom, signal: Held): void {
    const link = this.#peers.linkTo(node)
    if (link !== undefined) signal(link)
    else if (node !== this.nodeAtom) this.#peers.hold(node, signal, true)
  }

  /** A signal about something that ended with the link, if that is gone; what waits for a dial goes first. */
  #answer(node: Atom, signal: Held): void {
    const link = this.#peers.linkTo(node)
    if (link !== undefined) signal(link)
    else if (this.#peers.isDialling(node)) this.#peers.holdAnswer(node, signal)
  }

  /** True also when the node may not be dialled: false would say that there is room to wait for. */
  #holdMessage(node: Atom, signal: Held): boolean {
    if (node !== this.nodeAtom && this.#peers.hold(node, signal) === 'full') {
      const reason = `too many messages wait for ${node.name}, which is being dialled`
      throw new TsunagiError('ERR_LINK_FULL', reason)
    }
    return true
  }
}

/** Whether a pid is of another incarnation of the peer than the one we are connected to: its process is long gone. */
function isStale(target: Pid | Atom, link: Link): boolean {
  return target instanceof Pid && target.creation !== link.peerCreation && link.peerCreation !== 0
}
