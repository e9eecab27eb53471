import { useNow } from '../feed/use-feed.ts'
import { formatDuration, formatRelative, formatTime } from './format.ts'

/** `3 min ago`, with the exact time on hovering. */
export function Relative({ at }: { readonly at: number }) {
  const now = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={formatTime(at, now)}>
      {formatRelative(at, now)}
    </time>
  )
}

/** `3 h 20 min`, which it has been since. */
export function Since({ at }: { readonly at: number }) {
  const now = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={`since ${formatTime(at, now)}`}>
      {formatDuration(now - at)}
    </time>
  )
}

/** `12:03:10`. */
export function Clock({ at }: { readonly at: number }) {
  // What is within the last hours stays so for long enough: no ticking.
  return <time dateTime={new Date(at).toISOString()}>{formatTime(at, Date.now())}</time>
}
