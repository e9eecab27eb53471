import type { LinkInfo } from '../../node/local-node.ts'
import type { LinkView } from '../view.ts'

/** Peers that have series of their own. */
const MOST = 200
/** What the others are together. */
const OTHERS = 'other'

/** How a link, or several of them, counts. */
export interface MeasuredLink {
  readonly peer: string
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly queuedBytes: number
  /** Seconds; undefined where it is not known. */
  readonly rtt: number | undefined
}

/** Gives at most so many peers a label of their own: a series, once there, costs who collects it for weeks. */
export class MeasuredLinks {
  readonly #named = new Set<string>()

  /** `views` are those of this node, for the times that only an observatory knows. */
  measure(links: readonly LinkInfo[], views: readonly LinkView[]): MeasuredLink[] {
    const up = new Set(links.map((link) => link.node))
    for (const peer of this.#named) if (!up.has(peer)) this.#named.delete(peer)
    const rtts = new Map(views.map((view) => [view.to, view.rtt?.last]))
    const measured: MeasuredLink[] = []
    const others = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0, queuedBytes: 0 }
    let more = false
    for (const link of links) {
      if (this.#named.size < MOST) this.#named.add(link.node)
      if (this.#named.has(link.node)) {
        const rtt = rtts.get(link.node)
        measured.push({ ...link, peer: link.node, rtt: rtt === undefined ? undefined : rtt / 1000 })
        continue
      }
      more = true
      for (const count of Object.keys(others) as (keyof typeof others)[]) others[count] += link[count]
    }
    return more ? [...measured, { ...others, peer: OTHERS, rtt: undefined }] : measured
  }
}
