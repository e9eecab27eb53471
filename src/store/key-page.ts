import { keyWithin } from './keys.ts'
import type { StoreCore } from './store-core.ts'
import type { Version } from './version.ts'

/** What is told of a value without telling the value. */
export interface KeyInfo {
  readonly key: string
  /** Bytes of the value in the External Term Format. */
  readonly bytes: number
  readonly version: Version
  /** Milliseconds since 1970, by the loader's clock. */
  readonly staleAt: number | undefined
  readonly expiresAt: number | undefined
}

/** Options of a page of keys. */
export interface KeyPageOptions {
  /** Only keys that contain this, upper and lower case alike. */
  readonly filter?: string | undefined
  /** Only keys that come after this one. */
  readonly after?: string | undefined
  /** Default 100. */
  readonly limit?: number | undefined
  /** Keys to look at. Default 100,000: of a store with more, a page is one of those. */
  readonly scan?: number | undefined
}

/** Some keys, in order. */
export interface KeyPage {
  readonly keys: readonly KeyInfo[]
  /** Keys that match and were not given, those after the page. */
  readonly more: number
  /** Whether all keys were looked at. */
  readonly whole: boolean
}

/** The first keys of a store, in the order of their characters; those of namespaces are left out. */
export function keyPage(core: StoreCore, options: KeyPageOptions = {}): KeyPage {
  const { after, limit = 100, scan = 100_000 } = options
  const filter = options.filter?.toLowerCase()
  const found: string[] = []
  let seen = 0
  let whole = true
  for (const [text] of core.engine.entries()) {
    if (++seen > scan) {
      whole = false
      break
    }
    const key = keyWithin('', text)
    if (key === undefined || (after !== undefined && key <= after)) continue
    if (filter !== undefined && !key.toLowerCase().includes(filter)) continue
    if (core.live(text) !== undefined) found.push(key)
  }
  found.sort(byText)
  const keys: KeyInfo[] = []
  for (const key of found.slice(0, limit)) {
    const entry = core.live(key)
    if (entry === undefined) continue
    const { bytes, version, staleAt, expiresAt } = entry
    keys.push({ key, bytes: bytes.length, version, staleAt, expiresAt })
  }
  return { keys, more: Math.max(0, found.length - limit), whole }
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
