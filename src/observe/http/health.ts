import { jsonAnswer } from './answers.ts'

/** What probes look at. */
export interface ProbedNode {
  readonly closed: boolean
  nodes(): readonly string[]
  isReady(options: { readonly nodes: number }): boolean
}

/** For a probe of liveness: whoever answers is alive. A node that waits for others must not be restarted for it. */
export function alive(): Response {
  return jsonAnswer({ alive: true })
}

/** For a probe of readiness: 503 while fewer than so many other nodes are connected, and once the node leaves. */
export function ready(node: ProbedNode, needed: number): Response {
  const connected = node.closed ? 0 : node.nodes().length
  const nodes = { connected, needed }
  if (node.isReady({ nodes: needed })) return jsonAnswer({ ready: true, nodes })
  const waits = !node.closed && connected < needed
  const reason = waits ? `connected to ${connected} of ${needed} nodes` : 'the node is leaving'
  return jsonAnswer({ ready: false, reason, nodes }, 503)
}
