import { useEffect, useRef, useState } from 'preact/hooks'
import type { Level, Overview, Verdict as VerdictView } from '../../../src/observe/view.ts'
import { feed } from '../feed/feed.ts'
import { useFeedState, useNow, useSection } from '../feed/use-feed.ts'
import { formatDuration, formatTime, plural, shortName } from '../ui/format.ts'
import { BadIcon, GoodIcon, InfoIcon, WarnIcon } from '../ui/icons.tsx'

const TONES: Readonly<Record<Level, 'good' | 'warn' | 'bad'>> = { good: 'good', warning: 'warn', alarm: 'bad' }

/** Told at most so often, in milliseconds: a node that flaps must not talk without end. */
const QUIET = 5_000

/** How the cluster stands, in a sentence. */
export function Verdict() {
  const overview = useSection('overview')
  const state = useFeedState()
  if (overview === undefined) {
    return (
      <div class="verdict" data-level="plain">
        <InfoIcon />
        <p class="sentence">Connecting …</p>
      </div>
    )
  }
  const { verdict } = overview
  const tone = TONES[verdict.level]
  const [what, why] = partsOf(verdict.text)
  const lost = state === 'lost'
  return (
    <div class="verdict" data-level={lost ? 'plain' : tone}>
      {tone === 'good' ? <GoodIcon /> : tone === 'warn' ? <WarnIcon /> : <BadIcon />}
      <h1 class="sentence">{lost ? <Former what={what} /> : <Sentence verdict={verdict} />}</h1>
      {why !== '' && <p class="why">{why}</p>}
      <Aside overview={overview} />
      <Announcer text={what} />
    </div>
  )
}

/** What is so, and why: `c@host is not connected`, and what its dial came to. */
function partsOf(text: string): readonly [what: string, why: string] {
  const colon = text.indexOf(': ')
  return colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 2)]
}

/** Nobody knows whether it still is so. */
function Former({ what }: { readonly what: string }) {
  return (
    <>
      {what}, <span class="soft">as of {formatTime(feed.stateSince, Date.now())}</span>
    </>
  )
}

function Sentence({ verdict }: { readonly verdict: VerdictView }) {
  const now = useNow()
  const [what] = partsOf(verdict.text)
  if (verdict.level === 'good') {
    return (
      <>
        {what}, <span class="soft">stable for {formatDuration(now - verdict.since)}</span>
      </>
    )
  }
  return (
    <>
      {what} <span class="soft">since {formatTime(verdict.since, now)}</span>
    </>
  )
}

function Aside({ overview }: { readonly overview: Overview }) {
  const { counts, verdict, self } = overview
  const others = verdict.problems.length - 1
  const kinds = [
    counts.typescript > 0 && `${counts.typescript} TypeScript`,
    counts.beam > 0 && `${counts.beam} BEAM`,
  ].filter((kind) => kind !== false)
  return (
    <p class="aside">
      {kinds.join(' and ')} · {plural(counts.links, 'link')} · seen from <span title={self}>{shortName(self)}</span>
      {others > 0 && ` · and ${plural(others, 'more problem')}`}
    </p>
  )
}

/** Reads the verdict aloud when it changes, and only then. */
function Announcer({ text }: { readonly text: string }) {
  const [told, setTold] = useState('')
  const last = useRef(0)
  useEffect(() => {
    const wait = Math.max(0, last.current + QUIET - Date.now())
    const timer = setTimeout(() => {
      last.current = Date.now()
      setTold(text)
    }, wait)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <p class="unseen" role="status" aria-live="polite">
      {told}
    </p>
  )
}
