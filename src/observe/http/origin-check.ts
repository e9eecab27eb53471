/** What {@link isForeign} looks at of a request. */
export interface OriginFacts {
  readonly method: string
  /** Host and port, as the browser asked for them. */
  readonly host: string
  readonly header: (name: string) => string | null
}

/**
 * Whether a page of another origin is behind a request. Browsers say so by `Sec-Fetch-Site` (Fetch Metadata) and by `Origin`,
 * neither of which a page can change; programs send none of them. Other origins may only link to our pages.
 */
export function isForeign({ method, host, header }: OriginFacts): boolean {
  const site = header('sec-fetch-site')
  const own = site === null || site === 'same-origin' || site === 'none'
  if (!own && !isNavigation(method, header)) return true
  const origin = header('origin')
  return origin !== null && !isOriginOf(origin, host)
}

/** A link that was followed, or an address that was typed. */
function isNavigation(method: string, header: OriginFacts['header']): boolean {
  return method === 'GET' && header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document'
}

/** The scheme is not compared: a proxy may have ended TLS. */
function isOriginOf(origin: string, host: string): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false
  const asked = `${url.protocol}//${host}`
  return URL.canParse(asked) && new URL(asked).host === url.host
}
