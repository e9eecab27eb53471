import type { PubSubView, TopicView } from '../../../../src/observe/view.ts'
import { useParam } from '../../route/route.ts'
import { Badge } from '../../ui/badge.tsx'
import { Empty } from '../../ui/empty.tsx'
import { FilterField, matches } from '../../ui/filter-field.tsx'
import { formatCount, plural, shortName } from '../../ui/format.ts'
import { type Column, Table } from '../../ui/table.tsx'

interface TopicTableProps {
  readonly pubsub: PubSubView
  /** Absent where messages cannot be read. */
  readonly onTail?: (topic: string) => void
}

/** Topics that somebody listens to. */
export function TopicTable({ pubsub, onTail }: TopicTableProps) {
  const [filter] = useParam('filter')
  const columns: Column<TopicView>[] = [
    {
      id: 'topic',
      label: 'Topic',
      cell: ({ topic, pattern }) => (
        <>
          <code class="wrap-anywhere">{topic}</code> {pattern && <Badge>pattern</Badge>}
        </>
      ),
      value: ({ topic }) => topic,
    },
    {
      id: 'subscribers',
      label: 'Subscribers',
      numeric: true,
      cell: ({ subscribers }) => formatCount(subscribers),
      value: ({ subscribers }) => subscribers,
    },
    {
      id: 'where',
      label: 'Where',
      cell: ({ nodes }) => nodes.map(({ node, subscribers }) => `${shortName(node)} ${subscribers}`).join(', '),
      value: ({ nodes }) => nodes.map(({ node }) => node).join(' '),
    },
  ]
  if (onTail !== undefined) {
    columns.push({
      id: 'tail',
      label: 'Messages',
      cell: ({ topic }) => (
        <button type="button" class="button small" aria-label={`Read ${topic}`} onClick={() => onTail(topic)}>
          Read
        </button>
      ),
    })
  }
  const rows = pubsub.topics.filter(({ topic }) => matches(filter, topic))
  const more = pubsub.topicCount - pubsub.topics.length
  return (
    <section class="block" aria-labelledby="topics-title">
      <div class="panel-head">
        <h3 id="topics-title">Topics</h3>
        <span class="spread">
          <FilterField label="Filter topics" />
        </span>
      </div>
      <Table
        caption={`Topics of ${pubsub.name}`}
        columns={columns}
        rows={rows}
        keyOf={({ topic, pattern }) => `${topic} ${pattern}`}
        initialSort="-subscribers"
        empty={
          <Empty
            title={pubsub.topics.length === 0 ? 'Nobody has subscribed, as far as nodes tell' : 'No topic is like that'}
          />
        }
      />
      {more > 0 && <p class="soft">{plural(more, 'topic')} more.</p>}
    </section>
  )
}
