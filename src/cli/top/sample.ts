import type { LinkView, NodeView, Verdict, View } from '../../observe/view.ts'

/** What one look has seen. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The node that is watched. */
  readonly node: string
  /** How it answers: `answers`, or why it does not. */
  readonly answer: NodeView['answer'] | null
  readonly verdict: Verdict
  /** Each as one of its ends has it. */
  readonly links: readonly LinkView[]
}

/** Where the sections of a view are, such as an observatory. */
interface Sections {
  section<K extends keyof View>(name: K): View[K]
}

/**
 * The links of a node, without those of the guest that looks.
 *
 * @param all the links of all nodes that tell
 */
export function takeSample(sections: Sections, node: string, guest: string, all: boolean, at: number): Sample {
  const seen = sections.section('nodes').nodes.find(({ name }) => name === node)
  const links = sections
    .section('links')
    .links.filter(({ from, to }) => from !== guest && to !== guest && (all || from === node))
  return { at, node, answer: seen?.answer ?? null, verdict: sections.section('overview').verdict, links }
}
