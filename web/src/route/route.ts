import { useEffect, useState } from 'preact/hooks'

/** Where the page is, all of it from the address: `#/links?filter=haru&sort=rtt`. */
export interface Route {
  /** The first word; empty at the start. */
  readonly panel: string
  /** The second word: a node's name. */
  readonly item: string | undefined
  readonly params: URLSearchParams
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2)
  const [panel = '', item] = path.split('/').map(decode)
  return { panel, item: item === '' ? undefined : item, params: new URLSearchParams(query) }
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}

/** The address of a panel. */
export function hrefOf(panel: string, item?: string, params: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(params).toString()
  const path = item === undefined ? panel : `${panel}/${encodeURIComponent(item)}`
  return `#/${path}${query === '' ? '' : `?${query}`}`
}

const listeners = new Set<(route: Route) => void>()

function changed(): void {
  const route = read()
  for (const listener of listeners) listener(route)
}

addEventListener('hashchange', changed)

export function useRoute(): Route {
  const [route, setRoute] = useState(read)
  useEffect(() => {
    listeners.add(setRoute)
    return () => {
      listeners.delete(setRoute)
    }
  }, [])
  return route
}

/** A word of the address, such as a filter; what is set to the default is not in it. Each change replaces the last. */
export function useParam(name: string, initial = ''): [string, (value: string) => void] {
  const { params } = useRoute()
  const set = (value: string) => {
    const { panel, item, params } = read()
    params.delete(name)
    if (value !== initial) params.set(name, value)
    history.replaceState(null, '', hrefOf(panel, item, Object.fromEntries(params)))
    changed()
  }
  return [params.get(name) ?? initial, set]
}
