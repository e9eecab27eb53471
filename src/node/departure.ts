import { abortable } from '../base/deadline.ts'
import type { NodeCore } from './node-core.ts'

/** How often to look whether calls are still under way, in milliseconds. */
const LOOK = 20

/** How long servers may take to end at most, in milliseconds. */
const GRACE = 5_000

/** What {@link depart} needs of the node. */
export interface Departing {
  isClosed(): boolean
  /** @param grace how long servers may take to end, in milliseconds */
  close(grace: number): Promise<void>
}

/** Leaves, waits until nobody is served any more or `deadline` ms are over, and closes. */
export async function depart(core: NodeCore, deadline: number, node: Departing): Promise<void> {
  const { clock } = core.options
  const until = clock.now() + deadline
  const left = (): number => Math.max(0, until - clock.now())
  // An EPMD that does not let go must not keep the node.
  await within(left(), core, core.leave())
  // What peers sent before they knew comes in the first of these.
  do await rest(Math.min(LOOK, left()), core)
  while (core.busy && left() > 0 && !node.isClosed())
  await node.close(Math.min(GRACE, left()))
}

function rest(ms: number, { options }: NodeCore): Promise<void> {
  return new Promise((resolve) => void options.clock.after(ms, resolve, { keepAlive: true }))
}

/** Settles when the work does, or when the time is over. */
async function within(ms: number, { options }: NodeCore, work: Promise<void>): Promise<void> {
  if (ms === Number.POSITIVE_INFINITY) return await work
  const controller = new AbortController()
  const timer = options.clock.after(ms, () => controller.abort(), { keepAlive: true })
  await abortable(work, controller.signal).catch((error: unknown) => {
    if (!controller.signal.aborted) throw error
  })
  timer.cancel()
}
