import type { Observatory, Update } from '../observatory.ts'
import { SECTIONS } from '../sections.ts'
import type { SectionName, TimelineEvent } from '../view.ts'
import { encodeEvent, encodeRetry } from './event-stream.ts'
import type { ViewerStream } from './viewer-stream.ts'
import type { Connection, Viewers } from './viewers.ts'

/** Milliseconds after which a browser comes again. */
const RETRY = 2000

interface Viewer {
  readonly stream: ViewerStream
  readonly sections: ReadonlySet<SectionName>
  /** Sections that have changed since it was told of them. */
  readonly behind: Set<SectionName>
  /** The last event of the timeline that it was told of. */
  cursor: number
}

/** Who looks at the same sections and is up to date gets the same bytes. */
type Round = Map<string, Uint8Array>

/**
 * Tells viewers what changes. Everything is encoded once, for all of them. A viewer that does not keep up is told less: of a
 * section what it is at last, of the timeline what the observatory still has.
 */
export class Feed {
  readonly #observatory: Observatory
  readonly #viewers: Viewers
  readonly #open = new Set<Viewer>()
  /** As many as look at each section. */
  readonly #lookers = new Map<SectionName, number>()
  /** Sections as they are now, encoded; only of those that are followed. */
  readonly #encoded = new Map<SectionName, Uint8Array>()
  readonly #events = new WeakMap<TimelineEvent, Uint8Array>()
  #unfollow: (() => void) | undefined

  constructor(observatory: Observatory, viewers: Viewers) {
    this.#observatory = observatory
    this.#viewers = viewers
  }

  /**
   * One more viewer: the body of its answer, which begins with all it asks for; undefined when there are enough.
   *
   * @param cursor the last event of the timeline it knows; 0: none
   */
  open(connection: Connection, sections: ReadonlySet<SectionName>, cursor: number): ViewerStream | undefined {
    const stream = this.#viewers.open(
      connection,
      () => this.#catchUp(viewer),
      () => this.#left(viewer),
    )
    if (stream === undefined) return undefined
    const viewer: Viewer = { stream, sections, behind: new Set(sections), cursor }
    this.#open.add(viewer)
    this.#look(sections)
    stream.write(encodeRetry(RETRY))
    this.#catchUp(viewer)
    return stream
  }

  #left(viewer: Viewer): void {
    if (!this.#open.delete(viewer)) return
    const gone = [...viewer.sections].filter((section) => this.#count(section, -1) === 0)
    if (gone.length > 0) this.#follow()
  }

  #look(sections: ReadonlySet<SectionName>): void {
    const come = [...sections].filter((section) => this.#count(section, 1) === 1)
    if (come.length > 0) this.#follow()
    // It says when it was made, which is not told as a change.
    this.#encoded.delete('overview')
  }

  #count(section: SectionName, by: 1 | -1): number {
    const count = (this.#lookers.get(section) ?? 0) + by
    if (count === 0) this.#lookers.delete(section)
    else this.#lookers.set(section, count)
    return count
  }

  /** What nobody looks at is not asked of the cluster, and nobody says when it changes. */
  #follow(): void {
    const before = this.#unfollow
    const sections = [...this.#lookers.keys()]
    this.#unfollow =
      sections.length === 0 ? undefined : this.#observatory.follow((update) => this.#tell(update), sections)
    before?.()
    for (const section of this.#encoded.keys()) if (!this.#lookers.has(section)) this.#encoded.delete(section)
  }

  #tell({ sections, events, column }: Update): void {
    for (const section of sections) this.#encoded.delete(section)
    if (column !== null) this.#encoded.delete('charts')
    const encodedColumn = column === null ? undefined : encodeEvent('column', column)
    const round: Round = new Map()
    for (const viewer of [...this.#open]) {
      const keepsUp = viewer.stream.room && viewer.behind.size === 0
      for (const section of sections) if (viewer.sections.has(section)) viewer.behind.add(section)
      if (keepsUp) {
        this.#keepUp(viewer, round, events, encodedColumn)
        continue
      }
      // Who missed a column is sent the charts whole.
      if (column !== null && viewer.sections.has('charts')) viewer.behind.add('charts')
      if (events.length > 0 && viewer.sections.has('timeline')) viewer.behind.add('timeline')
    }
  }

  /** All that is new, in one piece. */
  #keepUp(viewer: Viewer, round: Round, events: readonly TimelineEvent[], column: Uint8Array | undefined): void {
    const { behind, sections, stream } = viewer
    const key = [...sections].join()
    let bytes = round.get(key)
    if (bytes === undefined) {
      const parts = sections.has('timeline') ? events.map((event) => this.#event(event)) : []
      parts.push(...SECTIONS.filter((section) => behind.has(section)).map((section) => this.#section(section)))
      if (column !== undefined && sections.has('charts')) parts.push(column)
      bytes = Buffer.concat(parts)
      round.set(key, bytes)
    }
    behind.clear()
    const last = events.at(-1)
    if (last !== undefined) viewer.cursor = last.cursor
    if (bytes.length > 0) stream.write(bytes)
  }

  /** Sends what a viewer lacks, as far as there is room. */
  #catchUp(viewer: Viewer): void {
    const { behind, stream } = viewer
    for (const section of SECTIONS) {
      if (!stream.room) return
      if (section !== 'timeline' && behind.delete(section)) stream.write(this.#section(section))
    }
    if (!behind.has('timeline')) return
    for (const event of this.#observatory.since(viewer.cursor)) {
      if (!stream.room) return
      stream.write(this.#event(event))
      viewer.cursor = event.cursor
    }
    behind.delete('timeline')
  }

  #section(section: SectionName): Uint8Array {
    let bytes = this.#encoded.get(section)
    if (bytes === undefined) {
      bytes = encodeEvent(section, this.#observatory.section(section))
      this.#encoded.set(section, bytes)
    }
    return bytes
  }

  #event(event: TimelineEvent): Uint8Array {
    let bytes = this.#events.get(event)
    if (bytes === undefined) {
      bytes = encodeEvent('timeline', event, event.cursor)
      this.#events.set(event, bytes)
    }
    return bytes
  }
}
