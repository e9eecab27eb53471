import type { TimelineEvent } from '../../../../src/observe/view.ts'
import { hrefOf } from '../../route/route.ts'
import { formatTime, shortName } from '../../ui/format.ts'
import { BadIcon, GoodIcon, InfoIcon, WarnIcon } from '../../ui/icons.tsx'

export const SEVERITIES = {
  error: { word: 'Error', Icon: BadIcon },
  warning: { word: 'Warning', Icon: WarnIcon },
  good: { word: 'Good', Icon: GoodIcon },
  info: { word: 'Information', Icon: InfoIcon },
} as const

/** Of these, many nodes tell the same of themselves. */
const TOLD: ReadonlySet<TimelineEvent['kind']> = new Set(['topology', 'discovery-failed', 'store', 'pubsub'])

interface EventListProps {
  readonly events: readonly TimelineEvent[]
  /** Without who tells it. */
  readonly compact?: boolean
}

/** Events, the newest first. */
export function EventList({ events, compact = false }: EventListProps) {
  return (
    <ol class="events" data-compact={compact}>
      {events.map((event) => (
        <Event key={event.id} event={event} compact={compact} />
      ))}
    </ol>
  )
}

function Event({ event, compact }: { readonly event: TimelineEvent; readonly compact: boolean }) {
  const { severity, text, reason, count, nodes, at, lastAt, peer } = event
  const { word, Icon } = SEVERITIES[severity]
  // Hundreds may be shown: what was at a time of day stays so, without ticking.
  const now = Date.now()
  return (
    <li class="event" data-severity={severity}>
      <time class="number" dateTime={new Date(lastAt).toISOString()}>
        {formatTime(lastAt, now)}
      </time>
      <span class="sign">
        <Icon />
        <span class="unseen">{word}:</span>
      </span>
      <div class="what">
        <p class="wrap-anywhere">
          {text}
          {compact && TOLD.has(event.kind) && <span class="times"> on {nodes.map(shortName).join(', ')}</span>}
          {count > 1 && (
            <span class="times">
              {' · '}
              {count} times since {formatTime(at, now)}
            </span>
          )}
        </p>
        {reason !== null && reason !== '' && <p class="reason wrap-anywhere mono">{reason}</p>}
        {!compact && (
          <p class="who">
            told by {nodes.map(shortName).join(', ')}
            {peer !== null && (
              <>
                {' · '}
                <a href={hrefOf('nodes', peer)}>{shortName(peer)}</a>
                {' · '}
                <a href={hrefOf('links', undefined, { filter: peer })}>its links</a>
              </>
            )}
          </p>
        )}
      </div>
    </li>
  )
}
