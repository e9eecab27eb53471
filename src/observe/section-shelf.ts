import type { Charts } from './charts.ts'
import type { ClusterModel } from './cluster-model.ts'
import type { OddPairs } from './odd-pairs.ts'
import { linksView } from './sections/links.ts'
import { matrixView } from './sections/matrix.ts'
import { nodesView } from './sections/nodes.ts'
import { discoveryView, processesView } from './sections/open-parts.ts'
import { type OverviewFacts, overviewOf } from './sections/overview.ts'
import { PubSubSection } from './sections/pubsubs.ts'
import { storesView } from './sections/stores.ts'
import type { Timeline } from './timeline.ts'
import type { SectionName, View } from './view.ts'

/** What sections are made of. */
export interface ShelfSources {
  readonly model: ClusterModel
  readonly pairs: OddPairs
  readonly timeline: Timeline
  readonly charts: Charts
  readonly actions: boolean
  overview(): OverviewFacts
}

interface Kept {
  value: View[SectionName]
  /** What it says, in one text, so that what has not changed stays the same object. */
  text: string
  isStale: boolean
  /** Followers have not been told of it. */
  isNews: boolean
}

/** The sections, each made when somebody asks for it, and another object only when it says something else. */
export class SectionShelf {
  readonly #sources: ShelfSources
  readonly #pubsubs = new PubSubSection()
  readonly #kept = new Map<SectionName, Kept>()

  constructor(sources: ShelfSources) {
    this.#sources = sources
  }

  section<K extends SectionName>(name: K): View[K] {
    // These know by themselves when they have changed.
    if (name === 'charts') return this.#sources.charts.view as View[K]
    if (name === 'timeline') return this.#sources.timeline.view as View[K]
    return this.#fresh(name).value as View[K]
  }

  /** Something has changed. */
  stale(): void {
    for (const kept of this.#kept.values()) kept.isStale = true
  }

  /** Which of these sections say something else than when this was last asked. */
  changed(names: Iterable<SectionName>): SectionName[] {
    const changed: SectionName[] = []
    for (const name of names) {
      if (name === 'charts' || name === 'timeline') continue
      const kept = this.#fresh(name)
      if (kept.isNews) changed.push(name)
      kept.isNews = false
    }
    return changed
  }

  #fresh(name: SectionName): Kept {
    const kept = this.#kept.get(name)
    if (kept?.isStale === false) return kept
    const value = this.#make(name)
    const text = JSON.stringify(name === 'overview' ? { ...value, at: 0 } : value)
    if (kept === undefined) {
      const fresh = { value, text, isStale: false, isNews: true }
      this.#kept.set(name, fresh)
      return fresh
    }
    kept.isStale = false
    if (kept.text !== text) {
      kept.value = value
      kept.text = text
      kept.isNews = true
    }
    return kept
  }

  #make(name: SectionName): View[SectionName] {
    const { actions, charts, model, pairs, timeline } = this.#sources
    switch (name) {
      case 'overview':
        return overviewOf(model, this.#sources.overview())
      case 'nodes':
        return nodesView(model)
      case 'links':
        return linksView(model)
      case 'matrix':
        return matrixView(model, pairs.pairs)
      case 'discovery':
        return discoveryView(model, actions)
      case 'processes':
        return processesView(model)
      case 'pubsub':
        return this.#pubsubs.view(model)
      case 'store':
        return storesView(model)
      case 'charts':
        return charts.view
      case 'timeline':
        return timeline.view
    }
  }
}
