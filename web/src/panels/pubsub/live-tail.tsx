import { Component } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useFeedState } from '../../feed/use-feed.ts'
import { type Line, useTail } from '../../feed/use-tail.ts'
import { Badge } from '../../ui/badge.tsx'
import { Empty } from '../../ui/empty.tsx'
import { matches } from '../../ui/filter-field.tsx'
import { plural, shortName } from '../../ui/format.ts'
import { Clock } from '../../ui/times.tsx'

interface LiveTailProps {
  readonly pubsub: string
  readonly topic: string
  readonly onTopic: (topic: string) => void
}

const STATES = { connecting: 'connecting', live: 'live', lost: 'reconnecting', paused: 'paused' } as const

/** Messages of a topic as they come. */
export function LiveTail({ pubsub, topic, onTopic }: LiveTailProps) {
  const [typed, setTyped] = useState(topic)
  const [wanted, setWanted] = useState('')
  const [stopped, setStopped] = useState(false)
  const paused = useFeedState() === 'paused' || stopped
  const { lines, state } = useTail(pubsub, topic, paused)
  useEffect(() => setTyped(topic), [topic])
  const shown = lines.filter(({ text, topic, node }) => matches(wanted, text, topic, node))
  return (
    <section class="block" aria-labelledby="tail-title">
      <div class="panel-head">
        <h3 id="tail-title">Messages</h3>
        {topic !== '' && <Badge tone={state === 'live' ? 'good' : 'warn'}>{STATES[state]}</Badge>}
      </div>
      <form
        class="panel-head"
        onSubmit={(event) => {
          event.preventDefault()
          onTopic(typed)
        }}
      >
        <input
          class="field"
          type="text"
          aria-label="Topic to read, or a pattern such as sensor:*"
          placeholder="Topic, or sensor:*"
          value={typed}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="button">
          Read
        </button>
        {topic !== '' && (
          <>
            <button type="button" class="button" aria-pressed={stopped} onClick={() => setStopped(!stopped)}>
              Pause
            </button>
            <input
              class="field spread"
              type="search"
              aria-label="Filter messages"
              placeholder="Filter messages"
              value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          </>
        )}
      </form>
      {topic === '' ? (
        <Empty title="No topic is read">
          Choose one above, or type its name. Reading costs the cluster a subscription.
        </Empty>
      ) : (
        <Lines lines={shown} topic={topic} />
      )}
    </section>
  )
}

/** The newest at the bottom, which stays in sight unless somebody has scrolled up. */
function Lines({ lines, topic }: { readonly lines: readonly Line[]; readonly topic: string }) {
  const box = useRef<HTMLElement>(null)
  const follow = useRef(true)
  useEffect(() => {
    if (follow.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  })
  return (
    <section
      class="tail"
      aria-label={`Messages of ${topic}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      ref={box}
      onScroll={(event) => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget
        follow.current = scrollTop + clientHeight > scrollHeight - 8
      }}
    >
      {lines.length === 0 ? (
        <p class="soft">Nothing has come yet.</p>
      ) : (
        <ol>
          {lines.map((line) => (
            <TailLine key={line.id} line={line} />
          ))}
        </ol>
      )}
    </section>
  )
}

/** A message never changes: it is drawn once. */
class TailLine extends Component<{ readonly line: Line }> {
  override shouldComponentUpdate(): boolean {
    return false
  }

  override render() {
    const { at, topic, node, text, cut, skipped } = this.props.line
    return (
      <li>
        {skipped > 0 && <p class="skipped">{plural(skipped, 'message')} left out</p>}
        <span class="meta">
          <Clock at={at} /> <span class="tail-topic">{topic}</span> {node !== null && <span>{shortName(node)}</span>}
        </span>
        <code class="wrap-anywhere">
          {text}
          {cut && ' …'}
        </code>
      </li>
    )
  }
}
