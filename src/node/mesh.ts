import { TsunagiError } from '../base/errors.ts'
import { splitNodeName } from '../base/node-name.ts'
import { ourFlags } from '../dist/flags.ts'
import type { Link } from '../dist/link.ts'
import type { Process } from '../process/process.ts'
import { type Atom, atom, isTuple, Pid, type Term, tuple } from '../term/index.ts'
import type { Connector } from './connector.ts'
import type { Peers } from './peers.ts'
import type { NodeHost, NodeService } from './service.ts'

/** Under this name the nodes of this package tell each other whom they know. On the BEAM nobody has it. */
export const MESH_NAME = 'tsunagi_mesh'

const MESH = atom(MESH_NAME)
/** `{tsunagi_mesh, Version, nodes, [Name]}`: whom the sender is connected to, at link-up. */
const NODES = atom('nodes')
/** `{tsunagi_mesh, Version, up | down, Name}`: what has changed since. */
const UP = atom('up')
const DOWN = atom('down')
const VERSION = 1

/** Names one peer can make us dial. */
const MAX_REPORTED = 10_000

/**
 * Makes a full mesh of those who know each other: each node tells its peers whom it is connected to, and dials whom they
 * tell it of. A name counts as long as a live peer reports it. A peer that speaks at all is one of ours.
 */
export class Mesh implements NodeService {
  readonly #self: string
  readonly #peers: Peers
  readonly #dials: boolean
  readonly #pid: Pid
  /** Who reported whom. */
  readonly #reported = new Map<Atom, Set<string>>()

  /** With the option `mesh` off, reported names are not dialled; such a node still reports. */
  constructor({ self, options, peers, processes }: NodeHost) {
    this.#self = self.name
    this.#peers = peers
    this.#dials = options.mesh
    this.#pid = processes.spawn((process) => this.#run(process), { name: MESH_NAME })
  }

  async #run(self: Process): Promise<void> {
    for await (const message of self) this.#receive(message)
  }

  /** There is a link: tell the new peer of the others, and the others of it. */
  up(connector: Connector, link: Link): void {
    for (const other of this.#peers.links) {
      if (other !== link && this.#isOurs(other)) this.#tell(other, tuple(UP, connector.peer.name))
    }
    // C and Java nodes hand every message to their program, whatever the name: they are not greeted.
    if (canBeOurs(link)) this.#introduce(link)
  }

  /** A link is gone, and with it all that its peer had reported. */
  down(peer: Atom): void {
    const names = this.#reported.get(peer)
    this.#reported.delete(peer)
    for (const name of names ?? []) this.#withdraw(peer, name)
    for (const other of this.#peers.links) {
      if (this.#isOurs(other)) this.#tell(other, tuple(DOWN, peer.name))
    }
  }

  #isOurs(link: Link): boolean {
    return this.#peers.find(link.peer)?.ours === true
  }

  /** Tells a peer of all others. */
  #introduce(link: Link): void {
    const others = Array.from(this.#peers.links, ({ peer }) => peer.name).filter((name) => name !== link.peer.name)
    this.#tell(link, tuple(NODES, others))
  }

  #tell(link: Link, [what, names]: readonly Term[]): void {
    if (link.down) return
    try {
      link.send.sendToName(this.#pid, MESH, tuple(MESH, VERSION, this.#pid, what, names))
    } catch (error) {
      // It has not read for long; others will tell it.
      if (!(error instanceof TsunagiError && error.code === 'ERR_LINK_FULL')) throw error
    }
  }

  #receive(message: Term): void {
    if (!isTuple(message) || message[0] !== MESH || message[1] !== VERSION || message.length !== 5) return
    const [, , from, what, names] = message
    const sender = from instanceof Pid ? from.nodeAtom : undefined
    const connector = sender === undefined ? undefined : this.#peers.find(sender)
    if (sender === undefined || connector?.link === undefined) return
    if (!connector.ours) {
      connector.ours = true
      connector.link.send.peerIsOurs()
      // What came up before we knew that it is one of ours it has not been told.
      this.#introduce(connector.link)
    }
    if (what === NODES && Array.isArray(names)) this.#replace(sender, names)
    else if (what === UP) this.#add(sender, names)
    else if (what === DOWN) this.#remove(sender, names)
  }

  #replace(reporter: Atom, names: readonly Term[]): void {
    for (const name of this.#reported.get(reporter) ?? []) this.#withdraw(reporter, name)
    this.#reported.set(reporter, new Set())
    for (const name of names) this.#add(reporter, name)
  }

  #add(reporter: Atom, name: Term): void {
    if (typeof name !== 'string' || splitNodeName(name) === undefined || name === this.#self) return
    let names = this.#reported.get(reporter)
    if (names === undefined) {
      names = new Set()
      this.#reported.set(reporter, names)
    }
    if (names.size >= MAX_REPORTED || names.has(name)) return
    names.add(name)
    if (this.#dials && this.#peers.allows(name)) this.#peers.connector(name).want(interestOf(reporter), 'learned')
  }

  #remove(reporter: Atom, name: Term): void {
    if (typeof name !== 'string' || this.#reported.get(reporter)?.delete(name) !== true) return
    this.#withdraw(reporter, name)
  }

  #withdraw(reporter: Atom, name: string): void {
    this.#peers.find(atom(name))?.unwant(interestOf(reporter))
  }
}

function interestOf(reporter: Atom): string {
  return `mesh:${reporter.name}`
}

/** Whether the peer announced at least what every node of this package does. */
function canBeOurs(link: Link): boolean {
  const ours = ourFlags()
  return (link.flags & ours) === ours
}
