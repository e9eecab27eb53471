import { useTimeline } from '../../feed/use-feed.ts'
import { hrefOf } from '../../route/route.ts'
import { Empty } from '../../ui/empty.tsx'
import { EventList } from '../timeline/event-list.tsx'

const SHOWN = 7

/** The last few events. */
export function Latest() {
  const events = useTimeline()
  return (
    <section class="card" aria-labelledby="latest-title">
      <div class="panel-head">
        <h2 id="latest-title">Latest</h2>
        <a class="spread" href={hrefOf('timeline')}>
          All events
        </a>
      </div>
      {events.length === 0 ? (
        <Empty title="Nothing has happened yet" />
      ) : (
        <EventList events={events.slice(0, SHOWN)} compact />
      )}
    </section>
  )
}
