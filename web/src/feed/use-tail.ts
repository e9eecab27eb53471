import { useEffect, useReducer, useRef } from 'preact/hooks'
import type { TailMessage } from '../../../src/observe/observatory.ts'

/** A message with what a list needs to tell it from the others. */
export interface Line extends TailMessage {
  readonly id: number
}

/** Lines kept. */
const LINES = 200
/** Milliseconds. */
const DRAW_EVERY = 400

export interface Tail {
  /** The newest last. */
  readonly lines: readonly Line[]
  /** `refused`: the server does not allow it, or there are too many. */
  readonly state: 'connecting' | 'live' | 'lost' | 'paused'
}

/**
 * Messages of a topic as they come.
 *
 * @param paused nothing is asked for; what has come stays
 */
export function useTail(pubsub: string, topic: string, paused: boolean): Tail {
  const lines = useRef<Line[]>([])
  const state = useRef<Tail['state']>('connecting')
  const made = useRef(0)
  const [, render] = useReducer((count: number, _: undefined) => count + 1, 0)

  useEffect(() => {
    lines.current = []
  }, [pubsub, topic])

  useEffect(() => {
    const become = (next: Tail['state']) => {
      state.current = next
      render(undefined)
    }
    if (paused || topic === '') {
      become('paused')
      return undefined
    }
    become('connecting')
    const source = new EventSource(`api/tail?${new URLSearchParams({ pubsub, topic })}`)
    let drawing: ReturnType<typeof setTimeout> | undefined
    source.onopen = () => become('live')
    // The browser dials again by itself, unless it was refused.
    source.onerror = () => become('lost')
    source.onmessage = (event: MessageEvent<string>) => {
      lines.current.push({ ...(JSON.parse(event.data) as TailMessage), id: ++made.current })
      if (lines.current.length > LINES) lines.current.splice(0, lines.current.length - LINES)
      // Nobody reads faster than this.
      drawing ??= setTimeout(() => {
        drawing = undefined
        render(undefined)
      }, DRAW_EVERY)
    }
    return () => {
      clearTimeout(drawing)
      source.close()
    }
  }, [pubsub, topic, paused])

  return { lines: lines.current, state: state.current }
}
