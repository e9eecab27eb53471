import type { LinkView } from '../../../../src/observe/view.ts'
import { useNow } from '../../feed/use-feed.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { formatRelative, formatTime } from '../../ui/format.ts'

const TONES: Readonly<Record<LinkView['state'], Tone>> = {
  connected: 'good',
  connecting: 'warn',
  waiting: 'warn',
  barred: 'plain',
  idle: 'plain',
}

/** `connected`, `next dial in 3 s`. */
export function LinkState({ link }: { readonly link: LinkView }) {
  const now = useNow()
  const text =
    link.state === 'waiting' && link.retryAt !== null
      ? `next dial ${formatRelative(link.retryAt, now)}`
      : link.state === 'connecting'
        ? 'dialling'
        : link.state
  return (
    <span class="stack">
      <Badge tone={link.full ? 'bad' : TONES[link.state]}>{link.full ? 'full' : text}</Badge>
      {link.upSince !== null && <span class="note">since {formatTime(link.upSince, now)}</span>}
    </span>
  )
}
