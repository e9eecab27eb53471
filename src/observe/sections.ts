import type { SectionName } from './view.ts'

/** All sections, in the order they are sent in. */
export const SECTIONS: readonly SectionName[] = [
  'overview',
  'nodes',
  'links',
  'matrix',
  'discovery',
  'processes',
  'pubsub',
  'store',
  'charts',
  'timeline',
]
