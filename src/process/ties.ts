import type { Atom } from '../term/atom.ts'
import type { Alias } from './alias.ts'
import type { PendingCall } from './call.ts'
import type { LinkEnd } from './links.ts'
import type { Monitor } from './monitor.ts'
import type { Watcher } from './watch.ts'

/** What ties a process to others. Many processes have none of it, so all of it is made on first use. */
export class Ties {
  /** The name it is registered under. */
  name: Atom | undefined
  /** The other ends of its links, by their key. */
  links: Map<string, LinkEnd> | undefined
  /** Who watches it. */
  watchers: Set<Watcher> | undefined
  /** Whom it watches. */
  monitors: Set<Monitor> | undefined
  aliases: Set<Alias> | undefined
  /** Its calls that wait for a reply. */
  calls: Set<PendingCall> | undefined
  /** Behind `self.signal`. */
  controller: AbortController | undefined
}
