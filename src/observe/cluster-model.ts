import { KnownNode } from './known-node.ts'

/** Nodes that are remembered after they have gone, in milliseconds. */
const REMEMBERED = 10 * 60_000
/** Nodes that are known at most. */
const MAX_NODES = 500

/** All nodes of the cluster that are known here. */
export class ClusterModel {
  readonly self: KnownNode
  readonly #nodes = new Map<string, KnownNode>()

  constructor(self: string, now: number) {
    this.self = new KnownNode(self, true, now)
    this.self.state = 'self'
    this.#nodes.set(self, this.self)
  }

  get nodes(): Iterable<KnownNode> {
    return this.#nodes.values()
  }

  get size(): number {
    return this.#nodes.size
  }

  find(name: string): KnownNode | undefined {
    return this.#nodes.get(name)
  }

  /** This node first, then by name. */
  sorted(): KnownNode[] {
    return [...this.#nodes.values()].sort((a, b) => {
      return Number(b.isSelf) - Number(a.isSelf) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    })
  }

  /** Nodes that have a link to one, by their own word. */
  seenBy(name: string): string[] {
    const seers: string[] = []
    for (const node of this.#nodes.values()) if (node.sees?.has(name) === true) seers.push(node.name)
    return seers.sort()
  }

  /** Whether a node is up, as far as anybody can tell. */
  isUp(name: string): boolean {
    const node = this.#nodes.get(name)
    return node !== undefined && (node.isSelf || node.state === 'connected' || node.state === 'remote')
  }

  /**
   * Takes the states of nodes from what this node and the others say of their links: who is connected, who is up without
   * a link from here, who is wanted.
   */
  update(now: number): void {
    const own = new Map(this.self.report?.links.map((link) => [link.to, link]))
    const seen = new Set<string>()
    for (const node of this.#nodes.values()) for (const name of node.sees ?? []) seen.add(name)
    const wanted = this.#wanted()
    for (const name of [...own.keys(), ...seen, ...wanted]) this.#meet(name, now)
    for (const node of [...this.#nodes.values()]) {
      if (node.isSelf) continue
      const link = own.get(node.name)
      if (link?.state === 'connected') {
        node.become('connected', now)
        node.rtt = link.rtt ?? undefined
        if (link.ours) node.kind = 'tsunagi'
        continue
      }
      if (node.state === 'connected') node.forget()
      if (seen.has(node.name)) node.become('remote', now)
      else if (link?.state === 'barred') node.become('barred', now)
      else if (wanted.has(node.name)) node.become('connecting', now)
      else node.become('down', now)
      if (node.answer.state !== 'none') node.fail('none', 'there is no link to it')
      if (node.state === 'down' && now - node.since > REMEMBERED) this.#nodes.delete(node.name)
    }
  }

  /** Names that some node dials. */
  #wanted(): Set<string> {
    const wanted = new Set<string>()
    for (const { report, sees } of this.#nodes.values()) {
      if (report === undefined || sees === undefined) continue
      for (const { state, to, wantedBy } of report.links) {
        if (wantedBy.length > 0 && state !== 'barred' && state !== 'connected') wanted.add(to)
      }
    }
    return wanted
  }

  #meet(name: string, now: number): void {
    if (this.#nodes.has(name) || this.#nodes.size >= MAX_NODES) return
    this.#nodes.set(name, new KnownNode(name, false, now))
  }
}
