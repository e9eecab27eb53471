import { useEffect, useState } from 'preact/hooks'
import type { PageOf, PageQuery } from '../../../src/observe/observatory.ts'
import { feed } from './feed.ts'
import { page } from './requests.ts'

/** Milliseconds. */
const EVERY = 3_000
/** After a key press: words are typed letter by letter. */
const SETTLE = 200

export interface PageState<Q extends PageQuery> {
  readonly page: PageOf<Q> | undefined
  readonly error: string | undefined
}

/** A list of a node, asked for again now and then as long as the component is there. */
export function usePage<Q extends PageQuery>(query: Q): PageState<Q> {
  const [state, setState] = useState<PageState<Q>>({ page: undefined, error: undefined })
  const words = JSON.stringify(query)
  useEffect(() => {
    const stop = new AbortController()
    const ask = async () => {
      if (feed.state === 'live') {
        try {
          setState({ page: await page(JSON.parse(words) as Q, stop.signal), error: undefined })
        } catch (error) {
          // What was shown stays: it is better than nothing.
          if (!stop.signal.aborted) setState((old) => ({ ...old, error: (error as Error).message }))
        }
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void ask(), EVERY)
    }
    let timer = setTimeout(() => void ask(), SETTLE)
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [words])
  return state
}
