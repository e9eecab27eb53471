import type { Body } from './layout.ts'

/** A force that draws nodes to an ellipse around the middle; where on it, others decide. */
export interface EllipseForce {
  (alpha: number): void
  initialize(bodies: readonly Body[]): void
  /** Half of its width and of its height; a strength of 0 turns it off. */
  shape(width: number, height: number, strength: number): void
}

/** In a mesh every link crosses the middle: who stands on a ring stands on no link of others. */
export function ellipseForce(): EllipseForce {
  let bodies: readonly Body[] = []
  let [a, b, strength] = [1, 1, 0]
  const force = (alpha: number) => {
    if (strength === 0) return
    for (const body of bodies) {
      const angle = Math.atan2(body.y / b, body.x / a)
      body.vx = (body.vx ?? 0) + (a * Math.cos(angle) - body.x) * strength * alpha
      body.vy = (body.vy ?? 0) + (b * Math.sin(angle) - body.y) * strength * alpha
    }
  }
  return Object.assign(force, {
    initialize(all: readonly Body[]) {
      bodies = all
    },
    shape(width: number, height: number, how: number) {
      ;[a, b, strength] = [width, height, how]
    },
  })
}
