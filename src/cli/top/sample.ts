import { printable } from '../../base/terminal-text.ts'
import type { LinkView, NodeView, View } from '../../observe/view.ts'

/** What one look has seen. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The node that is watched. */
  readonly node: string
  /** How it answers: `answers`, or why it does not. */
  readonly answer: NodeView['answer'] | null
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
  return { at, node, answer: seen?.answer ?? null, links }
}

/** `app@127.0.0.1: 2 of 3 links are up`, or why it does not tell. */
export function summary({ node, answer, links }: Sample): string {
  const up = links.filter(({ state }) => state === 'connected').length
  const count = `${up} of ${links.length} ${links.length === 1 ? 'link is' : 'links are'} up`
  if (answer === null || answer.state === 'answers') return `${node}: ${count}`
  const why = answer.reason === null ? '' : ` (${printable(answer.reason)})`
  return `${node}: ${answer.state === 'waiting' ? 'it has not answered yet' : `it does not tell`}${why}`
}
