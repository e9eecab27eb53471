import type { NodeView } from '../../../src/observe/view.ts'
import { plural, shortName } from '../ui/format.ts'
import { familyOf, runtimeBadge, runtimeText } from '../ui/runtime.tsx'

/** Whether it is there, in a word. */
export function stateText({ state, answer }: NodeView): string {
  if (state === 'self') return 'this node'
  if (state === 'connected' && answer.state === 'late') return 'answers late'
  return {
    connected: 'connected',
    remote: 'not linked from here',
    connecting: 'dialling',
    barred: 'barred',
    down: 'down',
  }[state]
}

export function isUp({ state }: NodeView): boolean {
  return state === 'self' || state === 'connected' || state === 'remote'
}

/** The letters within. */
function glyphOf(node: NodeView): string {
  return isUp(node) ? GLYPHS[node.runtime] : ''
}

/** The small line at the name. */
function kindOf(node: NodeView): string {
  if (!isUp(node)) return stateText(node)
  return node.visibility === 'hidden' ? `${runtimeBadge(node)} · hidden` : runtimeBadge(node)
}

/** All of it in words. It begins with what is to be seen, so that whoever speaks to the page can name it. */
export function nodeLabel(node: NodeView, neighbours: readonly string[]): string {
  const visibility = node.visibility === null ? '' : `, ${node.visibility}`
  const linked = `${plural(neighbours.length, 'link')}${neighbours.length === 0 ? '' : `: ${neighbours.map(shortName).join(', ')}`}`
  const seen = `${glyphOf(node)} ${shortName(node.name)} ${kindOf(node)}`.trim()
  return `${seen}: ${node.name}, ${runtimeText(node)}${visibility}, ${stateText(node)}, ${linked}`
}

/** Round: this package. Six corners: the BEAM. A dashed rim: hidden. A cross: not there. */
export function MapNode({ node }: { readonly node: NodeView }) {
  const family = familyOf(node.runtime)
  const up = isUp(node)
  return (
    <g class="map-body" data-family={family} data-hidden={node.visibility === 'hidden'} data-up={up}>
      {node.state === 'self' && <circle class="halo" r="34" />}
      {family === 'beam' ? (
        <path class="shape" d="M0-29 25.1-14.500v29L0 29l-25.1-14.500v-29Z" />
      ) : (
        <circle class="shape" r="26" />
      )}
      {up ? (
        <text class="glyph" text-anchor="middle" dy="0.36em">
          {glyphOf(node)}
        </text>
      ) : (
        <path class="cross" d="m-7-7 14 14m0-14L-7 7" />
      )}{' '}
      <g class="label">
        <text class="name" text-anchor="middle" y="48">
          {shortName(node.name)}
        </text>{' '}
        <text class="kind" text-anchor="middle" y="63">
          {kindOf(node)}
        </text>
      </g>
    </g>
  )
}

const GLYPHS = { typescript: 'TS', erlang: 'ERL', elixir: 'EX', gleam: 'GL', unknown: '?' } as const
