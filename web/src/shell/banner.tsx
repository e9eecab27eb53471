import { feed } from '../feed/feed.ts'
import { useFeedState } from '../feed/use-feed.ts'
import { formatTime } from '../ui/format.ts'

/** Says why nothing moves, when nothing does. */
export function Banner() {
  const state = useFeedState()
  const since = formatTime(feed.stateSince, Date.now())
  if (state === 'lost') {
    return (
      <div class="banner" data-level="bad" role="alert">
        <span>The node that shows this page has not answered since {since}. Reconnecting …</span>
        <button type="button" class="button small" onClick={() => feed.reconnect()}>
          Try now
        </button>
      </div>
    )
  }
  if (state === 'paused') {
    return (
      <div class="banner" role="status">
        <span>Paused at {since}. The cluster goes on; what happens meanwhile will be in the timeline.</span>
        <button type="button" class="button small" onClick={() => feed.resume()}>
          Resume
        </button>
      </div>
    )
  }
  return null
}
