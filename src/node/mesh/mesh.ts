import { ourFlags } from '../../dist/flags.ts'
import type { Link, LinkDownReason } from '../../dist/link.ts'
import type { Atom, Pid, Term } from '../../term/index.ts'
import type { Connector } from '../connector.ts'
import { findPeer } from '../dial.ts'
import type { Peers } from '../peers.ts'
import type { NodeHost, NodeService } from '../service.ts'
import { type AskErlang, BeamNeighbours } from './beam-neighbours.ts'
import { LearnedNames } from './learned-names.ts'
import { Marks } from './marks.ts'
import { decodeMeshMessage, type HelloMessage, MESH_NAME, type MeshMessage, type NodesMessage } from './mesh-message.ts'
import { News, sendMeshMessage } from './news.ts'

/**
 * Makes a full mesh of those who know each other. A hidden node dials whom its peers report: nodes of this package tell
 * what they are connected to, BEAM nodes are asked. A visible node leaves that to `global`, and reports to hidden ones.
 */
export class Mesh implements NodeService {
  readonly #hello: HelloMessage
  readonly #peers: Peers
  readonly #sender: Pid
  readonly #learned: LearnedNames
  readonly #news: News
  readonly #beam: BeamNeighbours
  readonly #greetedLinks = new WeakSet<Link>()
  #closed = false

  constructor({ self, options, peers, processes }: NodeHost, ask: AskErlang) {
    const { clock, mesh, connectAll, visible, meshRefresh, listen, epmd } = options
    const listening = listen !== false && epmd !== false
    this.#hello = { type: 'hello', seeking: mesh && connectAll && !visible, listening }
    this.#peers = peers
    const service = processes.serve(MESH_NAME, { binaries: 'auto' }, (message, peer) => this.#receive(peer, message))
    this.#sender = service.pid
    this.#learned = new LearnedNames(self.name, peers, clock, listening)
    this.#news = new News(clock, this.#sender, this.#learned)
    const lookUp = { epmdPort: options.resolvedEpmd?.port, setupTimeout: options.setupTimeout }
    const marks = new Marks(clock, meshRefresh, async (name, signal) => (await findPeer(lookUp, name, signal)).ours)
    this.#beam = new BeamNeighbours(clock, meshRefresh, ask, this.#learned, marks)
  }

  up(connector: Connector, link: Link): void {
    if (!link.hidden) this.#news.up(link.peer.name, 'sought')
    // C and Java nodes hand every message to their program, whatever the name: they are not greeted.
    const doubtful = canBeOurs(link)
    if (doubtful) this.#send(link, this.#hello)
    if (this.#hello.seeking && !connector.ours) this.#beam.up(link, doubtful && link.hidden)
  }

  down(peer: Atom, _link: Link, reason: LinkDownReason, error?: Error): void {
    const { name } = peer
    this.#learned.forget(name)
    this.#beam.drop(peer)
    this.#news.down(name)
    // A BEAM node that closes the connection in good order ends, or wants it closed. Ours say so.
    if (reason === 'connection_closed' && error === undefined && this.#peers.find(peer)?.ours !== true) {
      this.#learned.spend(name)
    }
  }

  /** Tells a peer that the link to it is about to end on purpose. */
  leave(peer: Atom): void {
    const connector = this.#peers.find(peer)
    if (connector?.ours === true && connector.link !== undefined) this.#send(connector.link, { type: 'leaving' })
  }

  /** Wants a peer no more until it comes up anew, and tells it that its link is about to end on purpose. */
  forgo(peer: Atom): void {
    this.#learned.spend(peer.name)
    this.leave(peer)
  }

  close(): void {
    this.#closed = true
    for (const { peer } of this.#peers.links) this.leave(peer)
    this.#beam.close()
    this.#news.close()
    this.#learned.close()
  }

  #send(link: Link, message: MeshMessage): void {
    sendMeshMessage(link, this.#sender, message)
  }

  /** `peer` is the node whose link brought the message, whatever that says. */
  #receive(peer: Atom | undefined, message: Term): void {
    const connector = peer === undefined || this.#closed ? undefined : this.#peers.find(peer)
    const link = connector?.link
    const decoded = decodeMeshMessage(message)
    if (connector === undefined || link === undefined || decoded === undefined) return
    if (decoded.type === 'hello') this.#greeted(connector, link, decoded)
    // Who does not say hello first is none of ours.
    else if (!connector.ours) return
    else if (decoded.type === 'leaving') this.#learned.spend(link.peer.name)
    else if (this.#hello.seeking) this.#learn(link.peer.name, decoded)
  }

  #greeted(connector: Connector, link: Link, { seeking, listening }: HelloMessage): void {
    if (this.#greetedLinks.has(link)) return
    this.#greetedLinks.add(link)
    connector.ours = true
    link.send.peerIsOurs()
    this.#beam.drop(link.peer)
    if (link.hidden && listening) this.#news.up(link.peer.name, seeking ? 'seeking' : 'sought')
    if (seeking) this.#news.listen(link)
  }

  #learn(reporter: string, { seeking, sought, gone }: NodesMessage): void {
    for (const name of gone) {
      this.#learned.remove(reporter, name)
      this.#news.lostBy(reporter, name)
    }
    for (const name of sought) this.#learned.add(reporter, name, 'sought')
    for (const name of seeking) this.#learned.add(reporter, name, 'seeking')
  }
}

/** Whether the peer announced at least what every node of this package does. */
function canBeOurs(link: Link): boolean {
  const ours = ourFlags()
  return (link.flags & ours) === ours
}
