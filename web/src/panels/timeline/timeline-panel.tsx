import { useState } from 'preact/hooks'
import type { TimelineEvent } from '../../../../src/observe/view.ts'
import { useTimeline } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty } from '../../ui/empty.tsx'
import { FilterField, matches } from '../../ui/filter-field.tsx'
import { plural } from '../../ui/format.ts'
import { Segments } from '../../ui/segments.tsx'
import { EventList } from './event-list.tsx'

const LEVELS = [
  { value: 'all', label: 'All' },
  { value: 'problems', label: 'Problems' },
  { value: 'errors', label: 'Errors' },
] as const

const PAGE = 100

/** What happened, with its reasons. The node that shows keeps it: it is there again after a reload. */
export function TimelinePanel() {
  const events = useTimeline()
  const [filter] = useParam('filter')
  const [level, setLevel] = useParam('level', 'all')
  const [shown, setShown] = useState(PAGE)
  const found = events.filter((event) => isOf(event, level) && isAbout(event, filter))
  return (
    <section class="card" aria-labelledby="timeline-title">
      <div class="panel-head">
        <h2 id="timeline-title">Timeline</h2>
        <Segments
          label="Which events"
          value={LEVELS.some(({ value }) => value === level) ? (level as 'all') : 'all'}
          options={LEVELS}
          onChange={setLevel}
        />
        <span class="spread">
          <FilterField label="Filter events" />
        </span>
      </div>
      {found.length === 0 ? (
        <Empty title={events.length === 0 ? 'Nothing has happened yet' : 'No event is like that'}>
          Nodes that come and go, dials that fail, lookups and actions are told here.
        </Empty>
      ) : (
        <>
          <EventList events={found.slice(0, shown)} />
          <p class="table-foot">
            <span>{plural(found.length, 'event')}</span>
            {found.length > shown && (
              <button type="button" class="button small" onClick={() => setShown(shown + PAGE)}>
                Show more
              </button>
            )}
          </p>
        </>
      )}
    </section>
  )
}

function isOf({ severity }: TimelineEvent, level: string): boolean {
  if (level === 'errors') return severity === 'error'
  return level !== 'problems' || severity === 'error' || severity === 'warning'
}

function isAbout({ text, reason, kind, peer, nodes }: TimelineEvent, filter: string): boolean {
  return matches(filter, text, reason, kind, peer, ...nodes)
}
