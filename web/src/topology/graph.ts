import type { LinkView, NodeView, OddPair } from '../../../src/observe/view.ts'

/** A connection: what its two ends tell of it, together. */
export interface Edge {
  /** Both names, in order. */
  readonly id: string
  readonly source: string
  readonly target: string
  /** `up`; `odd`: one end has it, the other has not; `dialling`: it is wanted. */
  readonly state: 'up' | 'odd' | 'dialling'
  /** Both directions, per second; null where neither end counts. */
  readonly bytes: number | null
  readonly messages: number | null
  /** Milliseconds. */
  readonly rtt: number | null
}

/** Connections between nodes that are drawn. */
export function edgesOf(
  nodes: readonly NodeView[],
  links: readonly LinkView[],
  odd: readonly OddPair[],
): readonly Edge[] {
  const drawn = new Set(nodes.map(({ name }) => name))
  const strange = new Set(odd.filter(({ kind }) => kind === 'asymmetric').map(({ from, to }) => pairOf(from, to)))
  const pairs = new Map<string, LinkView[]>()
  for (const link of links) {
    if (!drawn.has(link.from) || !drawn.has(link.to) || link.state === 'idle' || link.state === 'barred') continue
    const id = pairOf(link.from, link.to)
    const ends = pairs.get(id)
    if (ends === undefined) pairs.set(id, [link])
    else ends.push(link)
  }
  return [...pairs].map(([id, ends]) => {
    const [source, target] = id.split('\n') as [string, string]
    const up = ends.some(({ state }) => state === 'connected')
    return {
      id,
      source,
      target,
      state: !up ? 'dialling' : strange.has(id) ? 'odd' : 'up',
      bytes: largest(ends.map(({ traffic }) => (traffic === null ? null : traffic.bytesIn + traffic.bytesOut))),
      messages: largest(
        ends.map(({ traffic }) => (traffic === null ? null : traffic.messagesIn + traffic.messagesOut)),
      ),
      rtt: largest(ends.map(({ rtt }) => rtt?.p50 ?? null)),
    }
  })
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}\n${b}` : `${b}\n${a}`
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** Pixels: 1.25 for a link at rest, 1.6 at 1 kB/s, 4.4 at 100 kB/s, 10 from 10 MB/s. */
export function widthOf(bytes: number | null): number {
  if (bytes === null || bytes <= 100) return 1.25
  return 1.25 + 0.35 * Math.min(5, Math.log10(bytes / 100)) ** 2
}

/** Whom a node is linked with. */
export function neighboursOf(name: string, edges: readonly Edge[]): readonly string[] {
  return edges
    .filter(({ state }) => state !== 'dialling')
    .flatMap(({ source, target }) => (source === name ? [target] : target === name ? [source] : []))
    .sort()
}
