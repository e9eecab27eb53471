import type { NodeView } from '../../../../src/observe/view.ts'
import { hrefOf } from '../../route/route.ts'
import { type Edge, neighboursOf } from '../../topology/graph.ts'
import { stateText } from '../../topology/map-node.tsx'
import { formatByteRate, formatBytes, formatMs, orUnknown, plural, shortName } from '../../ui/format.ts'
import { runtimeText } from '../../ui/runtime.tsx'

interface SelectedProps {
  readonly node: NodeView
  readonly edges: readonly Edge[]
  readonly onClose: () => void
}

/** What matters of the node that was chosen on the map. */
export function Selected({ node, edges, onClose }: SelectedProps) {
  const neighbours = neighboursOf(node.name, edges)
  const mine = edges.filter(({ source, target }) => source === node.name || target === node.name)
  const bytes = mine.map((edge) => edge.bytes).filter((value) => value !== null)
  return (
    <section class="card selected" aria-labelledby="selected-title">
      <div class="panel-head">
        <h2 id="selected-title" class="wrap-anywhere">
          {node.name}
        </h2>
        <button type="button" class="button small spread" onClick={onClose}>
          Close
        </button>
      </div>
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>{stateText(node)}</dd>
        </div>
        <div>
          <dt>Runtime</dt>
          <dd>{runtimeText(node)}</dd>
        </div>
        <div>
          <dt>Links</dt>
          <dd class="wrap-anywhere">
            {plural(neighbours.length, 'link')}
            {neighbours.length > 0 && `: ${neighbours.map(shortName).join(', ')}`}
          </dd>
        </div>
        <div>
          <dt>Traffic</dt>
          <dd>{orUnknown(bytes.length === 0 ? null : bytes.reduce((sum, value) => sum + value, 0), formatByteRate)}</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd>{orUnknown(node.memory?.total, formatBytes)}</dd>
        </div>
        {node.eventLoop !== null && (
          <div>
            <dt>Event loop, p99</dt>
            <dd>{formatMs(node.eventLoop.p99)}</dd>
          </div>
        )}
      </dl>
      <p>
        <a href={hrefOf('nodes', node.name)}>Everything about {shortName(node.name)}</a>
      </p>
    </section>
  )
}
