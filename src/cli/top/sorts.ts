/** By what the table of `tsunagi top` can be sorted. */
export const SORTS = ['node', 'state', 'rtt', 'in', 'out', 'queue', 'reconnects'] as const

export type SortColumn = (typeof SORTS)[number]
