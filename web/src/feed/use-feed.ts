import { useEffect, useReducer, useState } from 'preact/hooks'
import type { TimelineEvent, View } from '../../../src/observe/view.ts'
import type { ChartRings } from './chart-rings.ts'
import { type FeedState, feed, type Topic, type WholeSection } from './feed.ts'

/** Renders again with each change of `topic`. */
function useTopic(topic: Topic): void {
  const [, render] = useReducer((count: number, _: undefined) => count + 1, 0)
  useEffect(() => {
    // It may have changed between this component's rendering and now.
    render(undefined)
    return feed.follow(topic, () => render(undefined))
  }, [topic])
}

/** A section, asked for as long as the component is there; undefined until it comes for the first time. */
export function useSection<K extends WholeSection>(name: K): View[K] | undefined {
  useTopic(name)
  return feed.section(name)
}

export function useCharts(): ChartRings | undefined {
  useTopic('charts')
  return feed.charts
}

/** The newest first. */
export function useTimeline(): readonly TimelineEvent[] {
  useTopic('timeline')
  return feed.log.events
}

export function useFeedState(): FeedState {
  useTopic('state')
  return feed.state
}

const SECOND = 1000
const tickers = new Set<(now: number) => void>()
let ticking: ReturnType<typeof setInterval> | undefined

function tick(): void {
  // What does not change needs no clock: nothing is written while the page is hidden or paused.
  if (feed.state !== 'live' && feed.state !== 'lost') return
  for (const ticker of tickers) ticker(feed.now())
}

/** The server's time, each second. */
export function useNow(): number {
  const [now, setNow] = useState(() => feed.now())
  useEffect(() => {
    tickers.add(setNow)
    ticking ??= setInterval(tick, SECOND)
    return () => {
      tickers.delete(setNow)
      if (tickers.size > 0) return
      clearInterval(ticking)
      ticking = undefined
    }
  }, [])
  return now
}
