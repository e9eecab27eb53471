import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Badge } from '../../ui/badge.tsx'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { LiveTail } from './live-tail.tsx'
import { PubSubNodes } from './pubsub-nodes.tsx'
import { TopicTable } from './topic-table.tsx'

/** Topics, who takes part, and what passes. */
export function PubSubPanel() {
  const pubsubs = useSection('pubsub')
  const overview = useSection('overview')
  const [chosen, setChosen] = useParam('pubsub')
  const [topic, setTopic] = useParam('topic')
  if (pubsubs === undefined || overview === undefined) return <Waiting />
  const [first] = pubsubs.pubsubs
  if (first === undefined) {
    return (
      <section class="card">
        <h2>Pub/sub</h2>
        <Empty title="No node has a pub/sub">
          One is opened by <code>node.pubsub('MyApp.PubSub')</code>
        </Empty>
      </section>
    )
  }
  const current = pubsubs.pubsubs.find(({ name }) => name === chosen) ?? first
  return (
    <section class="card" aria-labelledby="pubsub-title">
      <div class="panel-head">
        <h2 id="pubsub-title">Pub/sub</h2>
      </div>
      <Tabs
        label="Pub/subs"
        value={current.name}
        tabs={pubsubs.pubsubs.map(({ name, topicCount }) => ({ value: name, label: name, count: topicCount }))}
        onChange={(name) => setChosen(name === first.name ? '' : name)}
      >
        <p class="badges">
          <Badge tone="indigo">engine: {current.engine}</Badge>
          {!current.here && <Badge tone="warn">this node does not take part</Badge>}
        </p>
        <PubSubNodes pubsub={current} />
        <TopicTable pubsub={current} {...(current.here && overview.tail ? { onTail: setTopic } : {})} />
        {current.here && overview.tail ? (
          <LiveTail key={current.name} pubsub={current.name} topic={topic} onTopic={setTopic} />
        ) : (
          <p class="soft">
            {overview.tail
              ? 'Messages can be read on a node that takes part.'
              : 'Reading messages is switched off on the node that shows this page.'}
          </p>
        )}
      </Tabs>
    </section>
  )
}
