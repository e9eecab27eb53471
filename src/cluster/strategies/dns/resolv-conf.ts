import { readFile } from 'node:fs/promises'

/** How names that are not whole are completed. */
export interface SearchRules {
  /** Domains that are tried behind a name, in this order. */
  readonly search: readonly string[]
  /** With as many dots a name is first tried as it is. */
  readonly ndots: number
}

/** glibc's bounds. */
const MAX_NDOTS = 15
const MAX_SEARCH = 32

/** What `/etc/resolv.conf` says of search domains; of several lines the last counts. Source: resolv.conf(5). */
export function parseResolvConf(text: string): SearchRules {
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'search') search = words
    else if (keyword === 'domain') search = words.slice(0, 1)
    else if (keyword === 'options') {
      const said = words.map((word) => /^ndots:(\d+)$/.exec(word)?.[1]).findLast((it) => it !== undefined)
      if (said !== undefined) ndots = Math.min(Number(said), MAX_NDOTS)
    }
  }
  const domains = search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== '')
  return { search: domains.slice(0, MAX_SEARCH), ndots }
}

/** Read anew for each lookup: a laptop changes its network. Where there is no such file names are whole. */
export async function readSearchRules(signal: AbortSignal, file = '/etc/resolv.conf'): Promise<SearchRules> {
  let text = ''
  try {
    text = await readFile(file, { encoding: 'utf8', signal })
  } catch {
    signal.throwIfAborted()
  }
  return parseResolvConf(text)
}

/** What a name may stand for, in the order it is tried. A dot at its end says that it is whole. */
export function candidates(name: string, { search, ndots }: SearchRules): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const completed = search.map((domain) => `${name}.${domain}`)
  const dots = name.split('.').length - 1
  const all = dots >= ndots ? [name, ...completed] : [...completed, name]
  return [...new Set(all)]
}
