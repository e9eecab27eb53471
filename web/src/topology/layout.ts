import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type Simulation,
  type SimulationLinkDatum,
  type SimulationNodeDatum,
} from 'd3-force'
import { ellipseForce } from './ellipse-force.ts'
import type { Edge } from './graph.ts'

export interface Body extends SimulationNodeDatum {
  readonly name: string
  x: number
  y: number
}

type Spring = SimulationLinkDatum<Body>

/** Steps after which hardly anything moves. */
const SETTLED = 260
const STILL = 0.015

/** Of all links there could be: more of them is a mesh. */
const DENSE = 0.6

const motion = matchMedia('(prefers-reduced-motion: reduce)')

/** Where the nodes are. It comes to rest, and then costs nothing until something changes. */
export class Layout {
  readonly bodies = new Map<string, Body>()
  readonly #simulation: Simulation<Body, Spring>
  readonly #springs = forceLink<Body, Spring>([]).id(({ name }) => name)
  readonly #ellipse = ellipseForce()
  readonly #place: () => void
  #shape = ''

  /** @param place is called whenever something has moved */
  constructor(place: () => void) {
    this.#place = place
    this.#simulation = forceSimulation<Body, Spring>([])
      .force('links', this.#springs)
      .force('apart', forceManyBody<Body>().strength(-2600).distanceMax(900))
      .force('room', forceCollide<Body>(58))
      .force('ring', this.#ellipse)
      .alphaMin(STILL)
      .on('tick', place)
      .stop()
  }

  /**
   * Takes what there is now. What has been there stays near where it was.
   *
   * @param upright the picture is higher than wide
   */
  update(names: readonly string[], edges: readonly Edge[], upright: boolean): void {
    const shape = JSON.stringify([names, edges.map(({ id }) => id), upright])
    if (shape === this.#shape) return
    const first = this.#shape === ''
    this.#shape = shape
    for (const name of this.bodies.keys()) {
      if (!names.includes(name)) this.bodies.delete(name)
    }
    for (const [index, name] of names.entries()) {
      if (!this.bodies.has(name)) this.bodies.set(name, { name, ...this.#entry(index, names.length) })
    }
    this.#simulation.nodes([...this.bodies.values()])
    this.#shapeForces(names.length, edges, upright)
    if (first || motion.matches) this.#rest()
    else this.#simulation.alpha(0.35).restart()
  }

  #shapeForces(count: number, edges: readonly Edge[], upright: boolean): void {
    const dense = count > 2 && edges.length / ((count * (count - 1)) / 2) >= DENSE
    const radius = 95 + 15 * count
    const [wide, high] = upright ? [0.8, 1.15] : [1.55, 0.85]
    this.#ellipse.shape(radius * wide, radius * high, dense ? 0.9 : 0)
    this.#simulation.force('x', forceX<Body>(0).strength(dense ? 0 : upright ? 0.16 : 0.05))
    this.#simulation.force('y', forceY<Body>(0).strength(dense ? 0 : upright ? 0.07 : 0.12))
    this.#springs
      .links(edges.map(({ source, target }) => ({ source, target })))
      .distance(upright ? 170 : 230)
      .strength(dense ? 0 : Math.min(0.35, 1.1 / Math.max(1, count)))
  }

  /** On a ring, in the order of names: the same cluster looks the same each time. */
  #entry(index: number, count: number): { x: number; y: number } {
    const angle = (index / Math.max(1, count)) * 2 * Math.PI - Math.PI / 2
    const radius = 90 + 14 * count
    return { x: Math.cos(angle) * radius * 1.3, y: Math.sin(angle) * radius * 0.8 }
  }

  #rest(): void {
    this.#simulation.stop().alpha(1).tick(SETTLED).alpha(0)
    this.#place()
  }

  /** Holds a node where the pointer is; the others give way. */
  hold(name: string, x: number, y: number): void {
    const body = this.bodies.get(name)
    if (body === undefined) return
    body.fx = x
    body.fy = y
    if (motion.matches) {
      body.x = x
      body.y = y
      this.#place()
    } else {
      this.#simulation.alphaTarget(0.15).restart()
    }
  }

  /** The node stays where it was put. */
  drop(): void {
    this.#simulation.alphaTarget(0)
  }

  /** Forgets what was put where. */
  reset(): void {
    for (const [index, body] of [...this.bodies.values()].entries()) {
      body.fx = null
      body.fy = null
      Object.assign(body, this.#entry(index, this.bodies.size))
    }
    this.#rest()
  }

  /** A box around all nodes and their labels, at least of the size given. */
  box(minWidth: number, minHeight: number): { x: number; y: number; width: number; height: number } {
    const bodies = [...this.bodies.values()]
    const xs = bodies.map(({ x }) => x)
    const ys = bodies.map(({ y }) => y)
    const left = Math.min(0, ...xs) - 80
    const right = Math.max(0, ...xs) + 80
    const top = Math.min(0, ...ys) - 72
    const bottom = Math.max(0, ...ys) + 72
    const width = Math.max(minWidth, right - left)
    const height = Math.max(minHeight, bottom - top)
    return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height }
  }

  close(): void {
    this.#simulation.stop().on('tick', null)
  }
}
