import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { NodeView } from '../../../src/observe/view.ts'
import { formatByteRate, formatMs, orUnknown, plural, shortName } from '../ui/format.ts'
import { type Edge, neighboursOf, widthOf } from './graph.ts'
import { Layout } from './layout.ts'
import { MapNode, nodeLabel } from './map-node.tsx'

interface TopologyMapProps {
  readonly nodes: readonly NodeView[]
  readonly edges: readonly Edge[]
  readonly selected: string | undefined
  readonly onSelect: (name: string | undefined) => void
}

/** The smallest part of the plane that is shown, so that two nodes do not fill the screen. */
const WIDTH = 440
const HEIGHT = 340
/** More links than this are drawn faintly, but for those of the node that is chosen. */
const CROWD = 60
/** How far a key moves a node. */
const STEP = 24

/** Nodes and their connections, by forces. Nodes are dragged, or moved with Shift and an arrow. */
export function TopologyMap({ nodes, edges, selected, onSelect }: TopologyMapProps) {
  const svg = useRef<SVGSVGElement>(null)
  const layout = useRef<Layout>(undefined as unknown as Layout)
  const [focused, setFocused] = useState<string>()
  layout.current ??= new Layout(() => {
    if (svg.current !== null) place(svg.current, layout.current)
  })
  useEffect(() => () => layout.current.close(), [])
  useLayoutEffect(() => {
    layout.current.update(
      nodes.map(({ name }) => name),
      edges,
      svg.current !== null && svg.current.clientWidth < svg.current.clientHeight * 1.15,
    )
    if (svg.current !== null) place(svg.current, layout.current)
  }, [nodes, edges])

  const focus = (name: string | undefined) => {
    if (name === undefined) return
    setFocused(name)
    find(svg.current, name)?.focus()
  }

  const onKeyDown = (event: KeyboardEvent, name: string) => {
    const direction = DIRECTIONS[event.key]
    const body = layout.current.bodies.get(name)
    if (event.key === 'Enter' || event.key === ' ') onSelect(name === selected ? undefined : name)
    else if (event.key === 'Escape') onSelect(undefined)
    else if (direction === undefined || body === undefined) return
    else if (event.shiftKey) {
      layout.current.hold(name, body.x + direction[0] * STEP, body.y + direction[1] * STEP)
      layout.current.drop()
    } else focus(nearest(layout.current, name, direction))
    event.preventDefault()
  }

  const drag = useRef<{ name: string; moved: boolean }>(undefined)
  const onPointerDown = (event: PointerEvent, name: string) => {
    if (event.button !== 0) return
    ;(event.currentTarget as Element).setPointerCapture(event.pointerId)
    drag.current = { name, moved: false }
  }
  const onPointerMove = (event: PointerEvent) => {
    const matrix = svg.current?.getScreenCTM()
    if (drag.current === undefined || matrix === null || matrix === undefined) return
    if (!drag.current.moved && Math.hypot(event.movementX, event.movementY) < 1) return
    drag.current.moved = true
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse())
    layout.current.hold(drag.current.name, x, y)
  }
  const onPointerUp = () => {
    if (drag.current === undefined) return
    if (drag.current.moved) layout.current.drop()
    else onSelect(drag.current.name === selected ? undefined : drag.current.name)
    drag.current = undefined
  }

  const names = new Set(nodes.map(({ name }) => name))
  // One stop for the Tab key; arrows lead on from there.
  const entry = focused !== undefined && names.has(focused) ? focused : nodes[0]?.name
  const near = selected === undefined ? undefined : new Set([selected, ...neighboursOf(selected, edges)])
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a picture of buttons is no fieldset */}
      <svg
        ref={svg}
        class="topology"
        data-crowded={edges.length > CROWD}
        role="group"
        aria-label="Map of nodes and links"
        aria-describedby="topology-help"
        preserveAspectRatio="xMidYMid meet"
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
      >
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; nodes and the list say the same */}
        <g aria-hidden="true">
          {edges.map((edge) => (
            <MapEdge key={edge.id} edge={edge} selected={selected} />
          ))}
        </g>
        {nodes.map((node) => (
          // biome-ignore lint/a11y/useSemanticElements: SVG has no button
          <g
            key={node.name}
            class="map-node"
            data-node={node.name}
            data-dim={near !== undefined && !near.has(node.name)}
            role="button"
            tabIndex={node.name === entry ? 0 : -1}
            aria-pressed={node.name === selected}
            aria-label={nodeLabel(node, neighboursOf(node.name, edges))}
            onFocus={() => setFocused(node.name)}
            onKeyDown={(event) => onKeyDown(event, node.name)}
            onPointerDown={(event) => onPointerDown(event, node.name)}
          >
            <MapNode node={node} />
          </g>
        ))}
      </svg>
      <button type="button" class="button small topology-reset" onClick={() => layout.current.reset()}>
        Tidy up
      </button>
      <p id="topology-help" class="unseen">
        {plural(nodes.length, 'node')}. Arrow keys go from node to node, Enter selects one, Shift with an arrow key
        moves it.
      </p>
    </>
  )
}

/** Two lines, one of them as wide as a finger, and what the link carries beside it. */
function MapEdge({ edge, selected }: { readonly edge: Edge; readonly selected: string | undefined }) {
  const mine = selected !== undefined && (edge.source === selected || edge.target === selected)
  const dim = selected !== undefined && !mine
  return (
    <g class="map-edge" data-edge={edge.id} data-state={edge.state} data-dim={dim} data-mine={mine}>
      <title>
        {`${shortName(edge.source)} – ${shortName(edge.target)}: ${STATES[edge.state]}, round trip ${orUnknown(edge.rtt, formatMs)}, ${orUnknown(edge.bytes, formatByteRate)}`}
      </title>
      <line class="touch" />
      <line class="line" stroke-width={widthOf(edge.bytes)} />
      <text class="edge-label" text-anchor="middle">
        {edge.state === 'up'
          ? [edge.rtt === null ? '' : formatMs(edge.rtt), edge.bytes === null ? '' : formatByteRate(edge.bytes)]
              .filter((text) => text !== '')
              .join(' · ')
          : STATES[edge.state]}
      </text>
    </g>
  )
}

const STATES = { up: 'connected', odd: 'one side only', dialling: 'dialling' } as const

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
}

function find(svg: SVGSVGElement | null, name: string): SVGGElement | undefined {
  return [...(svg?.querySelectorAll<SVGGElement>('[data-node]') ?? [])].find(({ dataset }) => dataset.node === name)
}

/** The next node that way, one beside the way being further off. */
function nearest(layout: Layout, from: string, [dx, dy]: readonly [number, number]): string | undefined {
  const start = layout.bodies.get(from)
  let best: { name: string; far: number } | undefined
  for (const { name, x, y } of layout.bodies.values()) {
    if (start === undefined || name === from) continue
    const ahead = (x - start.x) * dx + (y - start.y) * dy
    const beside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx)
    const far = ahead + 2 * beside
    if (ahead > 1 && (best === undefined || far < best.far)) best = { name, far }
  }
  return best?.name
}

/** Moves what is drawn to where the layout has it: without rendering, since it happens with each frame. */
function place(svg: SVGSVGElement, layout: Layout): void {
  const { x, y, width, height } = layout.box(WIDTH, HEIGHT)
  svg.setAttribute('viewBox', [x, y, width, height].map(Math.round).join(' '))
  for (const element of svg.querySelectorAll<SVGGElement>('[data-node]')) {
    const body = layout.bodies.get(element.dataset.node ?? '')
    if (body === undefined) continue
    element.setAttribute('transform', `translate(${body.x.toFixed(1)} ${body.y.toFixed(1)})`)
    // Labels stand on the outside, where there are no links.
    element.toggleAttribute('data-above', body.y < -40)
  }
  for (const element of svg.querySelectorAll<SVGGElement>('[data-edge]')) {
    const [source, target] = (element.dataset.edge ?? '').split('\n').map((name) => layout.bodies.get(name))
    if (source === undefined || target === undefined) continue
    for (const line of element.querySelectorAll('line')) {
      line.setAttribute('x1', source.x.toFixed(1))
      line.setAttribute('y1', source.y.toFixed(1))
      line.setAttribute('x2', target.x.toFixed(1))
      line.setAttribute('y2', target.y.toFixed(1))
    }
    const label = element.querySelector('text')
    label?.setAttribute('x', ((source.x + target.x) / 2).toFixed(1))
    label?.setAttribute('y', ((source.y + target.y) / 2 - 6).toFixed(1))
  }
}
