import type { NodeView } from '../../../../src/observe/view.ts'
import { useSection, useTimeline } from '../../feed/use-feed.ts'
import { hrefOf } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { formatBytes, shortName } from '../../ui/format.ts'
import { RuntimeMark, runtimeText } from '../../ui/runtime.tsx'
import { Since } from '../../ui/times.tsx'
import { EventList } from '../timeline/event-list.tsx'
import { NodeCharts } from './node-charts.tsx'
import { NodeFacts } from './node-facts.tsx'
import { NodeState } from './node-state.tsx'

const EVENTS = 10

/** Everything about one node. */
export function NodePage({ name }: { readonly name: string }) {
  const nodes = useSection('nodes')
  const events = useTimeline()
  if (nodes === undefined) return <Waiting />
  const node = nodes.nodes.find((candidate) => candidate.name === name)
  const about = events.filter(({ peer, nodes }) => peer === name || nodes.includes(name)).slice(0, EVENTS)
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf('nodes')}>Nodes</a> <span aria-hidden="true">/</span> {shortName(name)}
      </p>
      {node === undefined ? (
        <div class="card">
          <Empty title={`${name} is not known`}>It may have been, and was forgotten since.</Empty>
        </div>
      ) : (
        <>
          <Head node={node} />
          <NodeCharts node={node} />
          <NodeFacts node={node} />
        </>
      )}
      <section class="card" aria-labelledby="node-events">
        <div class="panel-head">
          <h2 id="node-events">What happened</h2>
          <a class="spread" href={hrefOf('timeline', undefined, { filter: name })}>
            All of it
          </a>
        </div>
        {about.length === 0 ? <Empty title="Nothing that is told" /> : <EventList events={about} />}
      </section>
    </>
  )
}

function Head({ node }: { readonly node: NodeView }) {
  return (
    <section class="card node-head" aria-labelledby="node-title">
      <RuntimeMark runtime={node.runtime} hidden={node.visibility === 'hidden'} />
      <div>
        <h2 id="node-title" class="wrap-anywhere">
          {node.name}
        </h2>
        <p class="soft">
          {runtimeText(node)}
          {node.visibility !== null && ` · ${node.visibility}`}
          {node.startedAt !== null && (
            <>
              {' · up for '}
              <Since at={node.startedAt} />
            </>
          )}
          {node.memory !== null && ` · ${formatBytes(node.memory.total)}`}
        </p>
        {node.answer.state !== 'answers' && node.answer.reason !== null && (
          <p class="wrap-anywhere soft">Does not answer what it is asked: {node.answer.reason}</p>
        )}
      </div>
      <span class="spread">
        <NodeState node={node} />
      </span>
      <p class="links-to">
        <a href={hrefOf('links', undefined, { filter: node.name })}>Its links</a>
        <a href={hrefOf('processes', undefined, { node: node.name })}>Its processes</a>
      </p>
    </section>
  )
}
