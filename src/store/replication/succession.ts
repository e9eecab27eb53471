import type { Hello } from './messages.ts'

/** A node that could lead, and how it stands. */
export interface Candidate {
  readonly name: string
  readonly hello: Pick<Hello, 'established' | 'leads' | 'born'>
}

/** Of these candidates, who should lead an open store. `loader`: those that may, in that order; undefined: anybody. */
export function firstInLine(
  candidates: Iterable<Candidate>,
  loader: readonly string[] | undefined,
): Candidate | undefined {
  let first: Candidate | undefined
  for (const candidate of candidates) {
    if (loader?.includes(candidate.name) === false) continue
    if (first === undefined || goesBefore(candidate, first, loader)) first = candidate
  }
  return first
}

function goesBefore(a: Candidate, b: Candidate, loader: readonly string[] | undefined): boolean {
  if (a.hello.established !== b.hello.established) return a.hello.established
  if (loader !== undefined) return loader.indexOf(a.name) < loader.indexOf(b.name)
  if (a.hello.leads !== b.hello.leads) return a.hello.leads
  return a.hello.born === b.hello.born ? a.name < b.name : a.hello.born < b.hello.born
}
